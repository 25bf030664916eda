-- Calls under the touched units that must be counted again, each once a unit. `is_own` says that the innermost run around
-- the call is one of the unit's.
CREATE OR REPLACE VIEW touched_calls AS
SELECT
  runs.task_ref AS unit,
  called.around = called.task_id AS is_own,
  called.task_id AS task_id,
  called.task_key AS task_key,
  called.workload AS workload,
  length(called.task_ancestors) AS depth,
  called.trace_id AS trace_id,
  called.span_id AS span_id,
  called.ts AS ts,
  called.error_type AS error_type,
  called.cost_usd AS cost_usd,
  called.cost_basis AS cost_basis,
  called.cache_saving_usd AS cache_saving_usd,
  called.energy_uj AS energy_uj,
  called.resend_count AS resend_count,
  called.fallback_from AS fallback_from,
  called.input_tokens AS input_tokens,
  called.output_tokens AS output_tokens,
  called.cache_read_tokens AS cache_read_tokens,
  called.cache_write_tokens AS cache_write_tokens,
  called.reasoning_tokens AS reasoning_tokens,
  if(called.response_model != '', called.response_model, called.request_model) AS model,
  called.sample_weight AS sample_weight
FROM
(
  SELECT
    *,
    arrayJoin(arrayDistinct(arrayPushBack(task_ancestors, task_id))) AS around
  FROM calls_counted
  WHERE (workload, toStartOfHour(ts), task_id) IN
  (
    SELECT
      workload,
      hour,
      run
    FROM touched_tasks
    WHERE what = 'call'
    UNION ALL
    SELECT
      workload,
      hour,
      if(task_links.run = 0, id, task_links.run) AS run
    FROM task_links
    WHERE id IN (SELECT run FROM touched_runs WHERE is_counted)
  )
) AS called
INNER JOIN
(
  SELECT
    task_ref,
    run
  FROM touched_runs
  WHERE is_counted
  GROUP BY
    task_ref,
    run
) AS runs ON runs.run = called.around
WHERE called.around = called.task_id OR runs.task_ref != called.task_ref
LIMIT 1 BY runs.task_ref, called.trace_id, called.span_id, called.ts;
