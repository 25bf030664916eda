-- What does one success cost? Over the tasks that somebody or something judged, with everything that happened under them.
-- `worthwhile report` adds the interval, and bounds for the tasks without an outcome.
SELECT
  units.workload AS workload,
  count() AS judged_tasks,
  sum(judged.verdict) AS successes,
  sum(units.cost_usd) AS cost_usd,
  cost_usd / nullIf(successes, 0) AS cost_per_success_usd,
  sum(units.priced_calls) / nullIf(sum(units.calls), 0) AS cost_coverage
FROM task_units AS units
INNER JOIN outcomes AS judged ON judged.task_ref = units.task_ref
WHERE units.ts >= now() - INTERVAL 30 DAY AND units.ts < now()
GROUP BY workload
ORDER BY cost_per_success_usd DESC NULLS LAST
