-- Can the total be defended? Cost by where it comes from and by the version of the prices that it was computed with.
SELECT
  cost_basis,
  price_version,
  usage_basis,
  count() AS calls,
  sum(calls_final.cost_usd) AS cost_usd,
  min(ts) AS first_call,
  max(ts) AS last_call
FROM calls_final
WHERE ts >= now() - INTERVAL 30 DAY AND ts < now()
GROUP BY
  cost_basis,
  price_version,
  usage_basis
ORDER BY calls DESC
