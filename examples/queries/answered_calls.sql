-- What every provider answered and what it was told to cost, to be held against the providers' own counts.
SELECT
  provider,
  count() AS calls,
  sum(input_tokens) AS input_tokens,
  sum(output_tokens) AS output_tokens,
  sum(cache_read_tokens) AS cache_read_tokens,
  sum(cache_write_tokens) AS cache_write_tokens,
  toString(sumIf(cost_usd, cost_basis = 'provider')) AS reported_cost_usd
FROM calls_final
WHERE error_type = ''
GROUP BY provider
ORDER BY provider
