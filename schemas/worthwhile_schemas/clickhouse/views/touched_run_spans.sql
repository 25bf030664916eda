-- Runs of the touched units whose own span has arrived.
CREATE OR REPLACE VIEW touched_run_spans AS
SELECT
  ts,
  task_id,
  task_ref,
  workload,
  task_key,
  length(task_ancestors) AS depth,
  trace_id,
  span_id,
  status,
  duration_ns
FROM task_runs FINAL
WHERE (workload, toStartOfHour(ts), task_id) IN
  (SELECT workload, hour, run FROM touched_places(parts = {parts:Array(String)}) WHERE run = task_id)
  AND toDate(ts) IN (SELECT toDate(hour) FROM touched_places(parts = {parts:Array(String)}) WHERE run = task_id)
SETTINGS do_not_merge_across_partitions_select_final = 1;
