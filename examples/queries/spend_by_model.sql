-- Where does the money go? By provider and model, with the share of calls whose cost is known. Half-open, UTC.
SELECT
  provider,
  if(response_model != '', response_model, request_model) AS model,
  cost_basis,
  count() AS calls,
  sum(input_tokens) AS input_tokens,
  sum(output_tokens) AS output_tokens,
  sum(calls_final.cost_usd) AS cost_usd,
  countIf(isNotNull(calls_final.cost_usd)) / count() AS cost_coverage
FROM calls_final
WHERE ts >= now() - INTERVAL 30 DAY AND ts < now()
GROUP BY
  provider,
  model,
  cost_basis
ORDER BY
  cost_usd DESC NULLS LAST,
  calls DESC
