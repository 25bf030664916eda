-- Does the cheap tier pay? Tasks that a model on your own machine finished alone, against those that needed a hosted one.
SELECT
  units.workload AS workload,
  if(hosted.calls > 0, 'needed a hosted model', 'local alone') AS route,
  count() AS tasks,
  countIf(isNotNull(judged.verdict)) AS judged_tasks,
  sum(judged.verdict) AS successes,
  sum(units.cost_usd) AS cost_usd,
  quantileExact(0.95)(units.first_duration_ns) / 1000000 AS latency_p95_ms
FROM task_units AS units
INNER JOIN
(
  SELECT
    task_ref,
    countIf(tier NOT IN ('local', 'edge') AND operation != 'embeddings') AS calls
  FROM calls_final
  WHERE task_ref != 0
  GROUP BY task_ref
  HAVING countIf(tier IN ('local', 'edge') AND operation != 'embeddings') > 0
) AS hosted ON hosted.task_ref = units.task_ref
LEFT JOIN
(
  SELECT
    task_ref,
    toNullable(verdict) AS verdict
  FROM outcomes
) AS judged ON judged.task_ref = units.task_ref
WHERE units.ts >= now() - INTERVAL 30 DAY AND units.ts < now()
GROUP BY
  workload,
  route
ORDER BY
  workload,
  route
