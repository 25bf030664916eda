-- What has prompt caching saved, after paying for the writes? A negative saving is a cache that is written and not read.
SELECT
  workload,
  provider,
  if(response_model != '', response_model, request_model) AS model,
  sumOrNullIf(input_tokens, isNotNull(calls_final.cache_read_tokens)) AS input_tokens_of_known,
  sum(calls_final.cache_read_tokens) AS cache_read_tokens,
  sum(calls_final.cache_write_tokens) AS cache_write_tokens,
  cache_read_tokens / nullIf(input_tokens_of_known, 0) AS hit_rate,
  sum(calls_final.cost_usd) AS cost_usd,
  sum(calls_final.cache_saving_usd) AS net_saving_usd
FROM calls_final
WHERE ts >= now() - INTERVAL 30 DAY AND ts < now()
GROUP BY
  workload,
  provider,
  model
HAVING cache_read_tokens > 0 OR cache_write_tokens > 0
ORDER BY net_saving_usd DESC NULLS LAST
