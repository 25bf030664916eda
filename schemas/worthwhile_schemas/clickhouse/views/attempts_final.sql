-- One row per HTTP try of a call that needed more than one, or whose only one failed. Ids are text here.
CREATE OR REPLACE VIEW attempts_final AS
SELECT
  ts,
  lower(hex(attempts.trace_id)) AS trace_id,
  lower(hex(attempts.span_id)) AS span_id,
  number,
  if(attempts.task_id = 0, '', UUIDNumToString(reinterpretAsFixedString(byteSwap(attempts.task_id)))) AS task_id,
  task_ref,
  workload,
  service,
  provider,
  request_model,
  http_status,
  error_type,
  duration_ns,
  wait_ns,
  is_billed
FROM attempts FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;
