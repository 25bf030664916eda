-- Calls under the touched units that must be counted again, each once a unit. `is_own` says that the innermost run around
-- the call is one of the unit's.
CREATE OR REPLACE VIEW touched_calls AS
SELECT
  runs.task_ref AS unit,
  true AS is_own,
  own.task_id AS task_id,
  own.task_key AS task_key,
  own.workload AS workload,
  length(own.task_ancestors) AS depth,
  own.trace_id AS trace_id,
  own.span_id AS span_id,
  own.ts AS ts,
  own.error_type AS error_type,
  own.cost_usd AS cost_usd,
  own.cost_basis AS cost_basis,
  own.cache_saving_usd AS cache_saving_usd,
  own.energy_uj AS energy_uj,
  own.resend_count AS resend_count,
  own.fallback_from AS fallback_from,
  own.input_tokens AS input_tokens,
  own.output_tokens AS output_tokens,
  own.cache_read_tokens AS cache_read_tokens,
  own.cache_write_tokens AS cache_write_tokens,
  own.reasoning_tokens AS reasoning_tokens,
  if(own.response_model != '', own.response_model, own.request_model) AS model,
  own.sample_weight AS sample_weight
FROM calls AS own FINAL
INNER JOIN
(
  SELECT DISTINCT
    task_ref,
    run
  FROM touched_runs(parts = {parts:Array(String)})
  WHERE is_counted
) AS runs ON runs.run = own.task_id
WHERE (own.workload, toStartOfHour(own.ts), own.task_id) IN
  (SELECT workload, hour, run FROM touched_places(parts = {parts:Array(String)}) WHERE run = task_id)
  AND toDate(own.ts) IN (SELECT toDate(hour) FROM touched_places(parts = {parts:Array(String)}) WHERE run = task_id)
UNION ALL
SELECT
  runs.task_ref AS unit,
  false AS is_own,
  nested.task_id AS task_id,
  nested.task_key AS task_key,
  nested.workload AS workload,
  length(nested.task_ancestors) AS depth,
  nested.trace_id AS trace_id,
  nested.span_id AS span_id,
  nested.ts AS ts,
  nested.error_type AS error_type,
  nested.cost_usd AS cost_usd,
  nested.cost_basis AS cost_basis,
  nested.cache_saving_usd AS cache_saving_usd,
  nested.energy_uj AS energy_uj,
  nested.resend_count AS resend_count,
  nested.fallback_from AS fallback_from,
  nested.input_tokens AS input_tokens,
  nested.output_tokens AS output_tokens,
  nested.cache_read_tokens AS cache_read_tokens,
  nested.cache_write_tokens AS cache_write_tokens,
  nested.reasoning_tokens AS reasoning_tokens,
  if(nested.response_model != '', nested.response_model, nested.request_model) AS model,
  nested.sample_weight AS sample_weight
FROM
(
  SELECT
    *,
    arrayJoin(task_ancestors) AS around
  FROM calls FINAL
  WHERE notEmpty(task_ancestors)
    AND (workload, toStartOfHour(ts), task_id) IN
      (SELECT workload, hour, run FROM touched_places(parts = {parts:Array(String)}) WHERE run != task_id)
    AND toDate(ts) IN (SELECT toDate(hour) FROM touched_places(parts = {parts:Array(String)}) WHERE run != task_id)
) AS nested
INNER JOIN
(
  SELECT DISTINCT
    task_ref,
    run
  FROM touched_runs(parts = {parts:Array(String)})
  WHERE is_counted
) AS runs ON runs.run = nested.around
WHERE runs.task_ref != nested.task_ref
LIMIT 1 BY runs.task_ref, nested.trace_id, nested.span_id, nested.ts
SETTINGS do_not_merge_across_partitions_select_final = 1;
