-- task_runs -> touched_tasks: every run and its unit of account.
CREATE OR REPLACE MATERIALIZED VIEW touched_by_runs_mv TO touched_tasks AS
SELECT
  arrayJoin(arrayDistinct([task_ref, task_id])) AS id,
  task_id AS run,
  task_ref,
  workload,
  toStartOfHour(ts) AS hour,
  'run' AS what,
  toFixedString('', 16) AS trace_id,
  toFixedString('', 8) AS span_id
FROM task_runs;
