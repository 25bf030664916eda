-- Cost per successful task by workload and day of the first run, as last settled: the newest figures of each day, when they
-- were computed, and whether the day is mature: over for longer than the P95 label lag of its workload (a sketch, 1 %).
-- The interval and the bounds of any group of days follow from the sums. Weighted figures are estimates over what the
-- sampled units stand for; the others are recorded.
CREATE OR REPLACE VIEW cost_per_success_daily AS
SELECT
  newest.*,
  newest.labelled_cost_usd / nullIf(newest.successes, 0) AS cost_per_successful_task_usd,
  newest.task_cost_usd / nullIf(newest.successes + newest.tasks - newest.labelled, 0) AS bound_all_succeeded_usd,
  newest.task_cost_usd / nullIf(newest.successes, 0) AS bound_all_failed_usd,
  newest.labelled / nullIf(newest.tasks, 0) AS label_coverage,
  newest.weighted_labelled_cost_usd / nullIf(newest.weighted_successes, 0) AS weighted_cost_per_successful_task_usd,
  lag.lag_p95_s AS label_lag_p95_s,
  dateDiff('second', toDateTime(newest.cohort_day + 1, 'UTC'), now('UTC')) >= lag.lag_p95_s AS is_mature
FROM
(
  SELECT * EXCEPT (lags)
  FROM cost_per_success_days FINAL
  ORDER BY
    workload,
    cohort_day,
    known_on DESC
  LIMIT 1 BY
    workload,
    cohort_day
) AS newest
LEFT JOIN
(
  SELECT
    workload,
    toNullable(quantilesDDMerge(0.01, 0.5, 0.95)(lags)[2]) AS lag_p95_s
  FROM
  (
    SELECT *
    FROM cost_per_success_days FINAL
    ORDER BY
      workload,
      cohort_day,
      known_on DESC
    LIMIT 1 BY
      workload,
      cohort_day
  )
  WHERE lag_count > 0
  GROUP BY workload
) AS lag ON lag.workload = newest.workload
WHERE newest.tasks > 0;
