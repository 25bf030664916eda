-- On call: has acceptance of a workload fallen since {since}, against everything before it? A row is a reason to look:
-- both periods have at least {tasks} judged tasks, the success rate fell by at least 5 points, and a fall that large is
-- three standard errors away from chance (pooled two-proportion z test). Traffic that shifts between workloads is no reason.
--
--     worthwhile query - --param since='2026-11-20 08:00:00' --param tasks=50 < examples/queries/acceptance_fell.sql
SELECT
  units.workload AS workload,
  countIf(units.ts < {since:DateTime64(6, 'UTC')}) AS judged_before,
  countIf(units.ts >= {since:DateTime64(6, 'UTC')}) AS judged_since,
  countIf(judged.verdict = 1 AND units.ts < {since:DateTime64(6, 'UTC')}) / nullIf(judged_before, 0) AS success_rate_before,
  countIf(judged.verdict = 1 AND units.ts >= {since:DateTime64(6, 'UTC')}) / nullIf(judged_since, 0) AS success_rate_since,
  avg(judged.verdict) AS success_rate,
  sqrt(success_rate * (1 - success_rate) * (1 / nullIf(judged_before, 0) + 1 / nullIf(judged_since, 0))) AS standard_error,
  (success_rate_before - success_rate_since) / nullIf(standard_error, 0) AS z
FROM task_units AS units
INNER JOIN outcomes AS judged ON judged.task_ref = units.task_ref
GROUP BY workload
HAVING judged_before >= {tasks:UInt32}
  AND judged_since >= {tasks:UInt32}
  AND success_rate_before - success_rate_since >= 0.05
  AND z >= 3
ORDER BY z DESC
