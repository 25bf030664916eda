-- Which models have usage and no price? Their tokens wait here for a price override; their cost is unknown, not zero.
-- Models on your own machines (`self_hosted`) are not missing from a price list and stay out.
SELECT
  provider,
  if(response_model != '', response_model, request_model) AS model,
  count() AS calls,
  sum(input_tokens) AS input_tokens,
  sum(output_tokens) AS output_tokens,
  min(ts) AS first_seen,
  groupUniqArray(service) AS services
FROM calls_final
WHERE ts >= now() - INTERVAL 30 DAY AND ts < now()
  AND cost_basis = 'unknown'
  AND usage_basis != 'missing'
GROUP BY
  provider,
  model
ORDER BY calls DESC
