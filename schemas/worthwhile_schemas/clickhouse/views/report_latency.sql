-- How long the runs of the cohort took, by workload, over those that ended. Quantile function: quantileExact.
CREATE OR REPLACE VIEW report_latency AS
SELECT
  workload,
  sum(length(run_durations_ns)) AS ended_runs,
  quantileExactArrayOrNull(0.5)(run_durations_ns) AS latency_p50_ns,
  quantileExactArrayOrNull(0.95)(run_durations_ns) AS latency_p95_ns
FROM settled_units
WHERE cohort_day >= toDate({since:DateTime64(9, 'UTC')}) AND cohort_day <= toDate({until:DateTime64(9, 'UTC')})
  AND ts >= {since:DateTime64(9, 'UTC')} AND ts < {until:DateTime64(9, 'UTC')}
GROUP BY workload;
