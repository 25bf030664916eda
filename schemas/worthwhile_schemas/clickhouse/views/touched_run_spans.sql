-- Spans of the runs of the touched units that must be counted again.
CREATE OR REPLACE VIEW touched_run_spans AS
SELECT
  ts,
  task_id,
  task_ref,
  workload,
  task_key,
  length(task_ancestors) AS depth,
  status,
  duration_ns
FROM task_runs FINAL
WHERE (workload, toStartOfHour(ts), task_id) IN
(
  SELECT
    workload,
    hour,
    run
  FROM touched_runs
  WHERE is_counted
)
SETTINGS do_not_merge_across_partitions_select_final = 1;
