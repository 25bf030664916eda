-- Every call in the scopes that the report counts in. Scope `all calls`: calls that started in [since, until), each once,
-- without a workload. Scope `workload`: calls under the cohort, whenever they started, each once per workload around it.
CREATE OR REPLACE VIEW report_scoped_calls AS
SELECT
  'all calls' AS scope,
  '' AS workload,
  ts,
  lower(hex(calls.trace_id)) AS trace_id,
  lower(hex(calls.span_id)) AS span_id,
  provider,
  tier,
  input_tokens,
  output_tokens,
  cache_read_tokens,
  cache_write_tokens,
  reasoning_tokens,
  cost_usd,
  cost_basis,
  cache_saving_usd,
  price_version,
  energy_uj,
  duration_ns,
  ttft_ns,
  error_type,
  fallback_from,
  fallback_to,
  fallback_reason,
  if(response_model != '', response_model, request_model) AS model,
  multiIf(isNull(energy_uj), '', energy_method = '', 'unknown', energy_method) AS energy_method,
  ifNull(resend_count, 0) AS retries,
  task_id = 0 AS is_outside_tasks,
  error_type != '' AS is_failed,
  isNotNull(cost_usd) AS is_priced,
  cost_basis = 'self_hosted' AS is_self_hosted,
  isNotNull(input_tokens) OR isNotNull(output_tokens) AS is_metered,
  fallback_from != '' AS is_fallback
FROM calls_counted AS calls
WHERE ts >= {since:DateTime64(9, 'UTC')} AND ts < {until:DateTime64(9, 'UTC')}
UNION ALL
SELECT
  'workload' AS scope,
  cohort.workload AS workload,
  called.ts AS ts,
  lower(hex(called.trace_id)) AS trace_id,
  lower(hex(called.span_id)) AS span_id,
  called.provider AS provider,
  called.tier AS tier,
  called.input_tokens AS input_tokens,
  called.output_tokens AS output_tokens,
  called.cache_read_tokens AS cache_read_tokens,
  called.cache_write_tokens AS cache_write_tokens,
  called.reasoning_tokens AS reasoning_tokens,
  called.cost_usd AS cost_usd,
  called.cost_basis AS cost_basis,
  called.cache_saving_usd AS cache_saving_usd,
  called.price_version AS price_version,
  called.energy_uj AS energy_uj,
  called.duration_ns AS duration_ns,
  called.ttft_ns AS ttft_ns,
  called.error_type AS error_type,
  called.fallback_from AS fallback_from,
  called.fallback_to AS fallback_to,
  called.fallback_reason AS fallback_reason,
  if(called.response_model != '', called.response_model, called.request_model) AS model,
  multiIf(isNull(called.energy_uj), '', called.energy_method = '', 'unknown', called.energy_method) AS energy_method,
  ifNull(called.resend_count, 0) AS retries,
  called.task_id = 0 AS is_outside_tasks,
  called.error_type != '' AS is_failed,
  isNotNull(called.cost_usd) AS is_priced,
  called.cost_basis = 'self_hosted' AS is_self_hosted,
  isNotNull(called.input_tokens) OR isNotNull(called.output_tokens) AS is_metered,
  called.fallback_from != '' AS is_fallback
FROM calls_counted AS called
INNER JOIN report_cohort(since = {since:DateTime64(9, 'UTC')}, until = {until:DateTime64(9, 'UTC')}) AS cohort ON cohort.task_ref = called.task_ref
WHERE called.task_id != 0 AND empty(called.task_ancestors)
  AND called.ts >= {since:DateTime64(9, 'UTC')} - INTERVAL 1 DAY -- clocks of two services differ by less
UNION ALL
SELECT
  'workload' AS scope,
  cohort.workload AS workload,
  called.ts AS ts,
  lower(hex(called.trace_id)) AS trace_id,
  lower(hex(called.span_id)) AS span_id,
  called.provider AS provider,
  called.tier AS tier,
  called.input_tokens AS input_tokens,
  called.output_tokens AS output_tokens,
  called.cache_read_tokens AS cache_read_tokens,
  called.cache_write_tokens AS cache_write_tokens,
  called.reasoning_tokens AS reasoning_tokens,
  called.cost_usd AS cost_usd,
  called.cost_basis AS cost_basis,
  called.cache_saving_usd AS cache_saving_usd,
  called.price_version AS price_version,
  called.energy_uj AS energy_uj,
  called.duration_ns AS duration_ns,
  called.ttft_ns AS ttft_ns,
  called.error_type AS error_type,
  called.fallback_from AS fallback_from,
  called.fallback_to AS fallback_to,
  called.fallback_reason AS fallback_reason,
  if(called.response_model != '', called.response_model, called.request_model) AS model,
  multiIf(isNull(called.energy_uj), '', called.energy_method = '', 'unknown', called.energy_method) AS energy_method,
  ifNull(called.resend_count, 0) AS retries,
  called.task_id = 0 AS is_outside_tasks,
  called.error_type != '' AS is_failed,
  isNotNull(called.cost_usd) AS is_priced,
  called.cost_basis = 'self_hosted' AS is_self_hosted,
  isNotNull(called.input_tokens) OR isNotNull(called.output_tokens) AS is_metered,
  called.fallback_from != '' AS is_fallback
FROM
(
  SELECT
    *,
    arrayJoin(arrayDistinct(arrayPushBack(task_ancestors, task_id))) AS run
  FROM calls_counted
  WHERE task_id != 0 AND notEmpty(task_ancestors)
    AND ts >= {since:DateTime64(9, 'UTC')} - INTERVAL 1 DAY
) AS called
INNER JOIN
(
  SELECT
    task_id,
    argMax(task_ref, has_span) AS task_ref
  FROM
  (
    SELECT
      task_id,
      task_ref,
      true AS has_span
    FROM task_runs
    UNION ALL
    SELECT
      task_id,
      any(task_ref) AS task_ref,
      false AS has_span
    FROM calls
    WHERE task_id != 0
    GROUP BY task_id
  )
  WHERE task_id IN
  (
    SELECT arrayJoin(arrayPushBack(task_ancestors, task_id))
    FROM calls
    WHERE notEmpty(task_ancestors) AND ts >= {since:DateTime64(9, 'UTC')} - INTERVAL 1 DAY
  )
  GROUP BY task_id
) AS runs ON runs.task_id = called.run
INNER JOIN report_cohort(since = {since:DateTime64(9, 'UTC')}, until = {until:DateTime64(9, 'UTC')}) AS cohort ON cohort.task_ref = runs.task_ref
LIMIT 1 BY cohort.workload, called.trace_id, called.span_id
SETTINGS do_not_merge_across_partitions_select_final = 1;
