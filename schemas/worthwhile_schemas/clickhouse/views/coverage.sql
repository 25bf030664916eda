-- For how many of the calls of a workload and day each figure is known, as a share of the recorded ones, and who emitted
-- them. `labelled_share` is of the units of account that began on that day, as last settled: NULL where there is none.
CREATE OR REPLACE VIEW coverage AS
SELECT
  shares.*,
  units.tasks AS tasks,
  units.labelled AS labelled_tasks,
  units.labelled / nullIf(units.tasks, 0) AS labelled_share
FROM
(
  SELECT
    days.ts AS day,
    days.workload AS workload,
    sum(days.calls) AS calls,
    sum(days.weighted_calls) AS weighted_calls,
    sum(days.priced_calls) / calls AS priced_share,
    sum(days.provider_priced_calls) / calls AS provider_priced_share,
    sum(days.list_priced_calls) / calls AS list_priced_share,
    sum(days.contract_priced_calls) / calls AS contract_priced_share,
    sum(days.self_hosted_calls) / calls AS self_hosted_share,
    sum(days.usage_reported_calls) / calls AS usage_reported_share,
    sum(days.usage_derived_calls) / calls AS usage_derived_share,
    sum(days.usage_estimated_calls) / calls AS usage_estimated_share,
    sum(days.usage_inconsistent_calls) / calls AS usage_inconsistent_share,
    sum(days.unmetered_calls) / calls AS unmetered_share,
    sum(days.measured_energy_calls) / calls AS energy_measured_share,
    sum(days.calls_with_energy) / calls AS energy_known_share,
    sum(days.calls_with_ttft) / calls AS ttft_known_share,
    sum(days.calls_with_cache_read) / calls AS cache_known_share,
    sum(days.flagged_calls) / calls AS flagged_share,
    sumMap(map(days.dialect, days.calls)) AS emitters
  FROM calls_daily AS days
  GROUP BY day, workload
) AS shares
LEFT JOIN
(
  SELECT
    toDateTime(days.cohort_day, 'UTC') AS day,
    days.workload AS workload,
    toNullable(argMax(days.tasks, days.version)) AS tasks,
    toNullable(argMax(days.labelled, days.version)) AS labelled
  FROM cost_per_success_days AS days
  GROUP BY
    day,
    workload
) AS units USING (day, workload);
