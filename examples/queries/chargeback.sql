-- Who pays for what? Every call counts once, in the workload of its innermost task, so that the column adds up to the
-- bill; calls outside any task have a line of their own.
SELECT
  toDate(ts) AS day,
  if(workload = '', '(outside any task)', workload) AS charged_to,
  service,
  count() AS calls,
  sum(calls_final.cost_usd) AS cost_usd,
  toFloat64(cost_usd) / nullIf(sum(toFloat64(cost_usd)) OVER (PARTITION BY day), 0) AS share_of_day
FROM calls_final
WHERE ts >= now() - INTERVAL 30 DAY AND ts < now()
GROUP BY
  day,
  charged_to,
  service
ORDER BY
  day,
  cost_usd DESC NULLS LAST
