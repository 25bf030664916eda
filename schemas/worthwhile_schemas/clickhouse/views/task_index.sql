-- Every run of a task that is known, from its own span or, while that is missing, from a call under it (status `open`).
CREATE OR REPLACE VIEW task_index AS
SELECT
  run AS task_id,
  argMax(run_ref, has_span) AS task_ref,
  argMax(run_workload, has_span) AS workload,
  argMax(run_key, has_span) AS task_key,
  argMax(run_service, has_span) AS service,
  argMax(run_trace_id, has_span) AS trace_id,
  argMax(run_span_id, has_span) AS span_id,
  if(max(has_span), maxIf(run_ts, has_span), min(run_ts)) AS ts,
  maxIf(run_duration_ns, has_span) AS duration_ns,
  if(max(has_span), argMax(run_status, has_span), 'open') AS status,
  argMax(run_error_type, has_span) AS error_type,
  max(run_depth) AS depth
FROM
(
  SELECT
    task_id AS run,
    task_ref AS run_ref,
    workload AS run_workload,
    task_key AS run_key,
    service AS run_service,
    trace_id AS run_trace_id,
    span_id AS run_span_id,
    ts AS run_ts,
    toNullable(duration_ns) AS run_duration_ns,
    status AS run_status,
    error_type AS run_error_type,
    length(task_ancestors) AS run_depth,
    true AS has_span
  FROM task_runs FINAL
  UNION ALL
  SELECT
    task_id AS run,
    any(task_ref) AS run_ref,
    any(workload) AS run_workload,
    any(task_key) AS run_key,
    any(service) AS run_service,
    any(trace_id) AS run_trace_id,
    toFixedString('', 8) AS run_span_id,
    min(ts) AS run_ts,
    NULL AS run_duration_ns,
    '' AS run_status,
    '' AS run_error_type,
    max(length(task_ancestors)) AS run_depth,
    false AS has_span
  FROM calls
  WHERE task_id != 0
  GROUP BY run
)
GROUP BY run;
