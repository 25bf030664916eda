-- The cohort with what every unit cost and how it ended. `verdict` is NULL while nothing judged the unit. `known_cost_usd`
-- is what is known of its cost; `priced_calls` says whether that is anything. A unit is mature at `until` when it is older
-- than the P95 label lag of its workload, so that its judgement, if it gets one, has probably come; NULL without a lag.
CREATE OR REPLACE VIEW report_units AS
SELECT
  units.task_ref AS task_ref,
  units.workload AS workload,
  units.task_key AS task_key,
  units.cohort_day AS cohort_day,
  units.ts AS ts,
  units.runs AS runs,
  units.open_runs AS open_runs,
  units.failed_runs AS failed_runs,
  units.calls AS calls,
  units.priced_calls AS priced_calls,
  units.cost_usd AS cost_usd,
  toDecimal64(ifNull(units.cost_usd, 0), 12) AS known_cost_usd,
  units.sample_weight AS sample_weight,
  units.verdict AS verdict,
  if(isNull(units.verdict), NULL, units.verdict_source) AS verdict_source,
  if(isNull(units.verdict), NULL, units.verdict_ts) AS verdict_ts,
  units.is_escalated AS is_escalated,
  lag.lag_p95_ns AS label_lag_p95_ns,
  dateDiff('nanosecond', units.ts, {until:DateTime64(9, 'UTC')}) >= lag.lag_p95_ns AS is_mature
FROM settled_units AS units
LEFT JOIN
(
  SELECT
    workload,
    toNullable(toInt64(lag_p95_s * 1000000000)) AS lag_p95_ns
  FROM settled_label_lag
) AS lag ON lag.workload = units.workload
WHERE units.cohort_day >= toDate({since:DateTime64(9, 'UTC')}) AND units.cohort_day <= toDate({until:DateTime64(9, 'UTC')})
  AND units.ts >= {since:DateTime64(9, 'UTC')} AND units.ts < {until:DateTime64(9, 'UTC')};
