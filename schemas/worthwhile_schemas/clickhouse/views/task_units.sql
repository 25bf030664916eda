-- One row per unit of account (`task_ref`): all runs of a keyed task together, or one run without a key, with what it cost
-- and how it ended. A call counts once in a unit, also when several of its enclosing runs belong to that unit. Units touched
-- since they were settled are computed from the rows themselves. A period is fast when it bounds `cohort_day`.
-- While nothing was touched, `fresh_units` is not even planned, which takes longer than reading a month of settled units.
CREATE OR REPLACE VIEW task_units AS
SELECT
  * EXCEPT (version, is_gone),
  if(empty(run_durations_ns), NULL, arraySum(run_durations_ns)) AS duration_ns,
  arrayElementOrNull(run_durations_ns, 1) AS first_duration_ns
FROM units_now
WHERE _table = (SELECT if(count() = 0, 'settled_units', 'fresh_units') FROM touched_tasks);
