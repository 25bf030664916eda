-- The cohort by workload (`day` NULL) and by workload and day of the first run, UTC. The sums over labelled units are exact
-- and suffice for any interval of cost / successes: n = labelled, sum s = sum s^2 = successes, sum c, sum c^2, sum c s.
-- Ratios in USD are cut to the picodollar. Costs are NULL when no call behind them is priced.
CREATE OR REPLACE VIEW report_tasks AS
SELECT
  workload,
  day,
  count() AS tasks,
  sum(units.runs) AS runs,
  sum(units.open_runs) AS open_runs,
  sum(units.failed_runs) AS failed_runs,
  countIf(units.is_labelled) AS labelled,
  labelled / tasks AS label_coverage,
  countIf(units.verdict = 1) AS successes,
  successes / nullIf(labelled, 0) AS success_rate,
  countIf(units.is_escalated) AS escalations,
  sumIf(units.priced_calls, units.is_labelled) = 0 AS is_labelled_cost_unknown,
  if(is_labelled_cost_unknown, NULL, sumIf(units.known_cost_usd, units.is_labelled)) AS labelled_cost_usd,
  if(is_labelled_cost_unknown, NULL, sumIf(units.known_cost_usd * toDecimal256(units.known_cost_usd, 12), units.is_labelled)) AS labelled_cost_squared_usd2,
  if(is_labelled_cost_unknown, NULL, sumIf(units.known_cost_usd, units.verdict = 1)) AS cost_of_successes_usd,
  labelled_cost_usd / nullIf(successes, 0) AS cost_per_successful_task_usd,
  if(sum(units.priced_calls) = 0, NULL, sum(units.known_cost_usd)) AS task_cost_usd,
  task_cost_usd / nullIf(successes + tasks - labelled, 0) AS bound_all_succeeded_usd,
  task_cost_usd / nullIf(successes, 0) AS bound_all_failed_usd,
  any(units.label_lag_p95_ns) AS label_lag_p95_ns,
  if(isNull(label_lag_p95_ns), NULL, countIf(NOT units.is_mature)) AS immature_tasks
FROM
(
  SELECT
    *,
    toNullable(toDate(ts)) AS day,
    isNotNull(verdict) AS is_labelled
  FROM report_units(since = {since:DateTime64(9, 'UTC')}, until = {until:DateTime64(9, 'UTC')})
) AS units
GROUP BY GROUPING SETS ((workload), (workload, day));
