-- What the touched units ran and cost: recomputed from runs and calls where these were touched, else as settled.
CREATE OR REPLACE VIEW touched_costs AS
SELECT
  toDate(units.first_ts) AS cohort_day,
  units.unit_workload AS workload,
  units.unit AS task_ref,
  units.unit_key AS task_key,
  units.first_ts AS ts,
  units.runs AS runs,
  units.open_runs AS open_runs,
  units.failed_runs AS failed_runs,
  units.duration_ns AS duration_ns,
  if(units.runs = 1, [], units.durations) AS run_durations_ns,
  units.last_status AS last_status,
  units.last_end AS last_end,
  units.depth AS depth,
  toUInt32(sums.calls) AS calls,
  toUInt32(sums.failed_calls) AS failed_calls,
  toUInt32(sums.priced_calls) AS priced_calls,
  toUInt32(sums.self_hosted_calls) AS self_hosted_calls,
  toUInt32(sums.unpriced_calls) AS unpriced_calls,
  toUInt32(sums.retries) AS retries,
  toUInt32(sums.fallbacks) AS fallbacks,
  sums.cost_usd AS cost_usd,
  sums.cache_saving_usd AS cache_saving_usd,
  sums.energy_uj AS energy_uj,
  sums.input_tokens AS input_tokens,
  sums.output_tokens AS output_tokens,
  sums.cache_read_tokens AS cache_read_tokens,
  sums.cache_write_tokens AS cache_write_tokens,
  sums.reasoning_tokens AS reasoning_tokens,
  sums.last_model AS last_model,
  if(length(sums.models) < 2, [], sums.models) AS models,
  if(sums.calls = 0, 1, sums.weight) AS sample_weight
FROM
(
  SELECT
    started.unit AS unit,
    any(started.run_workload) AS unit_workload,
    any(started.run_key) AS unit_key,
    min(started.run_ts) AS first_ts,
    toUInt32(count()) AS runs,
    toUInt32(countIf(started.run_status = 'open')) AS open_runs,
    toUInt32(countIf(started.run_status = 'failed')) AS failed_runs,
    sum(started.run_duration_ns) AS duration_ns,
    arrayMap(one -> one.3, arraySort(groupArrayIf((started.run_ts, started.run, assumeNotNull(started.run_duration_ns)),
      isNotNull(started.run_duration_ns)))) AS durations,
    argMax(started.run_status, (started.run_ts, started.run)) AS last_status,
    argMax(started.run_ts + toIntervalNanosecond(ifNull(started.run_duration_ns, 0)), (started.run_ts, started.run)) AS last_end,
    toUInt32(min(started.run_depth)) AS depth
  FROM
  (
    SELECT
      run,
      argMax(unit, has_span) AS unit,
      argMax(workload, has_span) AS run_workload,
      argMax(task_key, has_span) AS run_key,
      if(max(has_span), maxIf(began, has_span), min(began)) AS run_ts,
      maxIf(duration_ns, has_span) AS run_duration_ns,
      if(max(has_span), argMax(status, has_span), 'open') AS run_status,
      max(depth) AS run_depth
    FROM
    (
      SELECT
        task_id AS run,
        task_ref AS unit,
        workload,
        task_key,
        ts AS began,
        toNullable(duration_ns) AS duration_ns,
        status,
        depth,
        true AS has_span
      FROM touched_run_spans(parts = {parts:Array(String)})
      UNION ALL
      SELECT
        task_id AS run,
        any(unit) AS unit,
        any(workload) AS workload,
        any(task_key) AS task_key,
        min(ts) AS began,
        NULL AS duration_ns,
        '' AS status,
        max(depth) AS depth,
        false AS has_span
      FROM touched_calls(parts = {parts:Array(String)})
      WHERE is_own
      GROUP BY run
    )
    GROUP BY run
  ) AS started
  GROUP BY unit
) AS units
LEFT JOIN
(
  SELECT
    unit,
    count() AS calls,
    countIf(called.error_type != '') AS failed_calls,
    countIf(isNotNull(called.cost_usd)) AS priced_calls,
    countIf(isNull(called.cost_usd) AND called.cost_basis = 'self_hosted') AS self_hosted_calls,
    countIf(isNull(called.cost_usd) AND called.cost_basis != 'self_hosted') AS unpriced_calls,
    sum(ifNull(called.resend_count, 0)) AS retries,
    countIf(called.fallback_from != '') AS fallbacks,
    sum(called.cost_usd) AS cost_usd,
    sum(called.cache_saving_usd) AS cache_saving_usd,
    sum(called.energy_uj) AS energy_uj,
    sum(called.input_tokens) AS input_tokens,
    sum(called.output_tokens) AS output_tokens,
    sum(called.cache_read_tokens) AS cache_read_tokens,
    sum(called.cache_write_tokens) AS cache_write_tokens,
    sum(called.reasoning_tokens) AS reasoning_tokens,
    argMax(called.model, (called.ts, called.trace_id, called.span_id)) AS last_model,
    arraySort(groupUniqArray(called.model)) AS models,
    avg(called.sample_weight) AS weight
  FROM touched_calls(parts = {parts:Array(String)}) AS called
  GROUP BY unit
) AS sums ON sums.unit = units.unit
UNION ALL
SELECT
  cohort_day,
  workload,
  task_ref,
  task_key,
  ts,
  runs,
  open_runs,
  failed_runs,
  duration_ns,
  run_durations_ns,
  last_status,
  last_end,
  depth,
  calls,
  failed_calls,
  priced_calls,
  self_hosted_calls,
  unpriced_calls,
  retries,
  fallbacks,
  cost_usd,
  cache_saving_usd,
  energy_uj,
  input_tokens,
  output_tokens,
  cache_read_tokens,
  cache_write_tokens,
  reasoning_tokens,
  last_model,
  models,
  sample_weight
FROM task_facts FINAL
WHERE cohort_day IN (SELECT day FROM touched_runs(parts = {parts:Array(String)}) WHERE NOT is_counted)
  AND (workload, task_ref) IN (SELECT workload, task_ref FROM touched_runs(parts = {parts:Array(String)}) WHERE NOT is_counted);
