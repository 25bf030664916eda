-- What was said to models and by them, each text once. Ids are text here.
CREATE OR REPLACE VIEW call_contents_final AS
SELECT
  ts,
  lower(hex(contents.trace_id)) AS trace_id,
  lower(hex(contents.span_id)) AS span_id,
  if(contents.task_id = 0, '', UUIDNumToString(reinterpretAsFixedString(byteSwap(contents.task_id)))) AS task_id,
  workload,
  service,
  part,
  name,
  content,
  size
FROM call_contents AS contents FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;
