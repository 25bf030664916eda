-- What the touched units ran and cost: recomputed from runs and calls where these were touched, else as settled.
CREATE OR REPLACE VIEW touched_costs AS
SELECT
  toDate(first_ts) AS cohort_day,
  unit_workload AS workload,
  unit AS task_ref,
  unit_key AS task_key,
  first_ts AS ts,
  runs,
  open_runs,
  failed_runs,
  durations AS run_durations_ns,
  last_status,
  last_end,
  depth,
  toUInt32(calls) AS calls,
  toUInt32(failed_calls) AS failed_calls,
  toUInt32(priced_calls) AS priced_calls,
  toUInt32(self_hosted_calls) AS self_hosted_calls,
  toUInt32(unpriced_calls) AS unpriced_calls,
  toUInt32(retries) AS retries,
  toUInt32(fallbacks) AS fallbacks,
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
  if(calls = 0, 1, weight) AS sample_weight
FROM
(
  SELECT
    unit,
    anyIf(run_workload, is_own) AS unit_workload,
    anyIf(run_key, is_own) AS unit_key,
    minIf(run_ts, is_own) AS first_ts,
    toUInt32(countIf(is_own)) AS runs,
    toUInt32(countIf(is_own AND run_status = 'open')) AS open_runs,
    toUInt32(countIf(is_own AND run_status = 'failed')) AS failed_runs,
    arraySort(
      (took, at) -> at,
      groupArrayIf(assumeNotNull(run_duration_ns), isNotNull(run_duration_ns)),
      groupArrayIf(run_order, isNotNull(run_duration_ns))) AS durations,
    argMaxIf(run_status, run_order, is_own) AS last_status,
    argMaxIf(run_ts + toIntervalNanosecond(ifNull(run_duration_ns, 0)), run_order, is_own) AS last_end,
    toUInt32(minIf(run_depth, is_own)) AS depth,
    sum(called.calls) AS calls,
    sum(called.failed_calls) AS failed_calls,
    sum(called.priced_calls) AS priced_calls,
    sum(called.self_hosted_calls) AS self_hosted_calls,
    sum(called.unpriced_calls) AS unpriced_calls,
    sum(called.retries) AS retries,
    sum(called.fallbacks) AS fallbacks,
    sum(called.cost_usd) AS cost_usd,
    sum(called.cache_saving_usd) AS cache_saving_usd,
    sum(called.energy_uj) AS energy_uj,
    sum(called.input_tokens) AS input_tokens,
    sum(called.output_tokens) AS output_tokens,
    sum(called.cache_read_tokens) AS cache_read_tokens,
    sum(called.cache_write_tokens) AS cache_write_tokens,
    sum(called.reasoning_tokens) AS reasoning_tokens,
    argMaxIf(called.newest_model, called.newest, called.calls > 0) AS last_model,
    arraySort(groupUniqArrayArray(called.models)) AS models,
    sum(called.weights) / greatest(sum(called.calls), 1) AS weight
  FROM
  (
    SELECT
      unit,
      run,
      max(own) AS is_own,
      argMax(workload, has_span) AS run_workload,
      argMax(task_key, has_span) AS run_key,
      if(max(has_span), minIf(ts, has_span), min(ts)) AS run_ts,
      -- by start, then by id
      bitShiftLeft(toInt256(toUnixTimestamp64Nano(run_ts)), 128) + toInt256(run) AS run_order,
      maxIf(duration_ns, has_span) AS run_duration_ns,
      if(max(has_span), argMax(status, has_span), 'open') AS run_status,
      max(depth) AS run_depth,
      countIf(NOT has_span) AS calls,
      countIf(part.error_type != '') AS failed_calls,
      countIf(isNotNull(part.cost_usd)) AS priced_calls,
      countIf(NOT has_span AND isNull(part.cost_usd) AND part.cost_basis = 'self_hosted') AS self_hosted_calls,
      countIf(NOT has_span AND isNull(part.cost_usd) AND part.cost_basis != 'self_hosted') AS unpriced_calls,
      sum(ifNull(part.resend_count, 0)) AS retries,
      countIf(part.fallback_from != '') AS fallbacks,
      sum(part.cost_usd) AS cost_usd,
      sum(part.cache_saving_usd) AS cache_saving_usd,
      sum(part.energy_uj) AS energy_uj,
      sum(part.input_tokens) AS input_tokens,
      sum(part.output_tokens) AS output_tokens,
      sum(part.cache_read_tokens) AS cache_read_tokens,
      sum(part.cache_write_tokens) AS cache_write_tokens,
      sum(part.reasoning_tokens) AS reasoning_tokens,
      maxIf(part.call_order, NOT has_span) AS newest,
      argMaxIf(part.model, part.call_order, NOT has_span) AS newest_model,
      groupUniqArrayIf(part.model, NOT has_span) AS models,
      sum(part.sample_weight) AS weights
    FROM
    (
      SELECT
        task_ref AS unit,
        task_id AS run,
        true AS own,
        workload,
        task_key,
        ts,
        toNullable(duration_ns) AS duration_ns,
        status,
        depth,
        true AS has_span,
        toInt128(0) AS call_order,
        '' AS error_type,
        NULL AS cost_usd,
        '' AS cost_basis,
        NULL AS cache_saving_usd,
        NULL AS energy_uj,
        NULL AS resend_count,
        '' AS fallback_from,
        NULL AS input_tokens,
        NULL AS output_tokens,
        NULL AS cache_read_tokens,
        NULL AS cache_write_tokens,
        NULL AS reasoning_tokens,
        '' AS model,
        0. AS sample_weight
      FROM touched_run_spans
      UNION ALL
      SELECT
        unit,
        task_id AS run,
        is_own AS own,
        workload,
        task_key,
        one.ts AS ts,
        NULL AS duration_ns,
        '' AS status,
        depth,
        false AS has_span,
        -- by start, then by id
        bitShiftLeft(toInt128(toUnixTimestamp64Nano(one.ts)), 64) + toInt128(cityHash64(one.trace_id, one.span_id)) AS call_order,
        one.error_type AS error_type,
        one.cost_usd AS cost_usd,
        one.cost_basis AS cost_basis,
        one.cache_saving_usd AS cache_saving_usd,
        one.energy_uj AS energy_uj,
        one.resend_count AS resend_count,
        one.fallback_from AS fallback_from,
        one.input_tokens AS input_tokens,
        one.output_tokens AS output_tokens,
        one.cache_read_tokens AS cache_read_tokens,
        one.cache_write_tokens AS cache_write_tokens,
        one.reasoning_tokens AS reasoning_tokens,
        toString(one.model) AS model,
        one.sample_weight AS sample_weight
      FROM touched_calls AS one
    ) AS part
    GROUP BY
      unit,
      run
  ) AS called
  GROUP BY unit
)
WHERE runs > 0
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
PREWHERE (cohort_day, workload, task_ref) IN
(
  SELECT
    toDate(hour),
    workload,
    task_ref
  FROM touched_runs
  WHERE NOT is_counted
)
WHERE NOT is_gone;
