-- The figures of the days on which units were touched, from all units of these days. A workload that has left a day has
-- zero tasks there.
INSERT INTO cost_per_success_days
SELECT
  workload,
  cohort_day,
  toDate(computed_at) AS known_on,
  {now:DateTime64(3, 'UTC')} AS computed_at,
  {version:UInt64} AS version,
  countIf(is_unit) AS tasks,
  sum(units.runs) AS runs,
  sum(units.calls) AS calls,
  sum(units.priced_calls) AS priced_calls,
  countIf(isNotNull(units.verdict)) AS labelled,
  countIf(units.verdict = 1) AS successes,
  countIf(units.is_escalated) AS escalations,
  sumIf(units.cost_usd, isNotNull(units.verdict)) AS labelled_cost_usd,
  sumIf(units.cost_usd * toDecimal256(units.cost_usd, 12), isNotNull(units.verdict)) AS labelled_cost_squared_usd2,
  if(isNull(labelled_cost_usd), NULL, ifNull(sumIf(units.cost_usd, units.verdict = 1), 0)) AS cost_of_successes_usd,
  sum(units.cost_usd) AS task_cost_usd,
  sumIf(units.sample_weight, is_unit) AS weighted_tasks,
  sumIf(units.sample_weight, isNotNull(units.verdict)) AS weighted_labelled,
  sumIf(units.sample_weight, units.verdict = 1) AS weighted_successes,
  sumIf(toFloat64(units.cost_usd) * units.sample_weight, isNotNull(units.verdict)) AS weighted_labelled_cost_usd,
  countIf(units.verdict_signal_id != '') AS lag_count,
  quantilesDDStateIf(0.01, 0.5, 0.95)(dateDiff('millisecond', units.ts, units.verdict_ts) / 1000, units.verdict_signal_id != '') AS lags
FROM
(
  SELECT
    workload, cohort_day, true AS is_unit, ts, runs, calls, priced_calls, cost_usd, sample_weight, verdict, verdict_ts,
    verdict_signal_id, is_escalated
  FROM task_facts FINAL
  WHERE NOT is_gone AND cohort_day IN {days:Array(Date)}
  UNION ALL
  SELECT
    workload, cohort_day, false AS is_unit, toDateTime64(0, 9, 'UTC') AS ts, 0 AS runs, 0 AS calls, 0 AS priced_calls,
    NULL AS cost_usd, 0 AS sample_weight, NULL AS verdict, toDateTime64(0, 9, 'UTC') AS verdict_ts, '' AS verdict_signal_id,
    false AS is_escalated
  FROM cost_per_success_days
  WHERE cohort_day IN {days:Array(Date)}
) AS units
GROUP BY
  workload,
  cohort_day;
