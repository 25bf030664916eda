-- Their runs, likewise.
INSERT INTO settling_runs (task_ref, workload, run, hour, is_counted)
SELECT
  task_ref,
  workload,
  run,
  hour,
  is_counted
FROM touched_runs;
