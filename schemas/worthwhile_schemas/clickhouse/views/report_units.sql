-- The cohort with what every unit cost and how it ended. `verdict` is NULL while nothing judged the unit. `known_cost_usd`
-- is what is known of its cost; `priced_calls` says whether that is anything. A unit is mature at `until` when it is older
-- than the P95 label lag of its workload, so that its judgement, if it gets one, has probably come; NULL without a lag.
CREATE OR REPLACE VIEW report_units AS
SELECT
  units.task_ref AS task_ref,
  units.workload AS workload,
  units.task_key AS task_key,
  units.ts AS ts,
  units.runs AS runs,
  units.open_runs AS open_runs,
  units.failed_runs AS failed_runs,
  units.calls AS calls,
  units.priced_calls AS priced_calls,
  units.cost_usd AS cost_usd,
  toDecimal64(ifNull(units.cost_usd, 0), 12) AS known_cost_usd,
  judged.verdict AS verdict,
  judged.source AS verdict_source,
  judged.event_ts AS verdict_ts,
  escalated.is_escalated AS is_escalated,
  lag.lag_p95_ns AS label_lag_p95_ns,
  dateDiff('nanosecond', units.ts, {until:DateTime64(9, 'UTC')}) >= lag.lag_p95_ns AS is_mature
FROM task_units AS units
LEFT JOIN
(
  SELECT
    task_ref,
    toNullable(verdict) AS verdict,
    toNullable(source) AS source,
    toNullable(event_ts) AS event_ts
  FROM outcomes
) AS judged ON judged.task_ref = units.task_ref
LEFT JOIN
(
  SELECT
    task_ref,
    true AS is_escalated
  FROM signal_state
  WHERE kind = 'escalate' AND NOT voided AND task_ref != 0
  GROUP BY task_ref
) AS escalated ON escalated.task_ref = units.task_ref
LEFT JOIN
(
  SELECT
    workload,
    toNullable(toInt64(lag_p95_s * 1000000000)) AS lag_p95_ns
  FROM label_lag
) AS lag ON lag.workload = units.workload
WHERE units.ts >= {since:DateTime64(9, 'UTC')} AND units.ts < {until:DateTime64(9, 'UTC')};
