-- Their runs, likewise.
INSERT INTO settling_runs (settling, task_ref, workload, run, hour, is_counted)
SELECT
  {settling:UInt64} AS settling,
  task_ref,
  workload,
  run,
  hour,
  is_counted
FROM touched_runs;
