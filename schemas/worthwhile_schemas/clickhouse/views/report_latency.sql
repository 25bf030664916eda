-- How long the runs of the cohort took, by workload, over those that ended. Quantile function: quantileExact.
CREATE OR REPLACE VIEW report_latency AS
SELECT
  workload,
  count(duration_ns) AS ended_runs,
  quantileExact(0.5)(duration_ns) AS latency_p50_ns,
  quantileExact(0.95)(duration_ns) AS latency_p95_ns
FROM task_index
WHERE task_ref IN
(
  SELECT task_ref
  FROM report_cohort(since = {since:DateTime64(9, 'UTC')}, until = {until:DateTime64(9, 'UTC')})
)
GROUP BY workload;
