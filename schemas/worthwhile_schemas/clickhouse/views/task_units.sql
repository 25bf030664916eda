-- One row per unit of account (`task_ref`): all runs of a keyed task together, or one run without a key, with what it cost
-- and how it ended. A call counts once in a unit, also when several of its enclosing runs belong to that unit. Units touched
-- since they were settled are computed from the rows themselves. A period is fast when it bounds `cohort_day`.
CREATE OR REPLACE VIEW task_units AS
SELECT
  *,
  if(empty(run_durations_ns), NULL, arraySum(run_durations_ns)) AS duration_ns,
  arrayElementOrNull(run_durations_ns, 1) AS first_duration_ns
FROM
(
  SELECT * EXCEPT (version, is_gone)
  FROM task_facts FINAL
  WHERE NOT is_gone AND cohort_day NOT IN (SELECT toDate(hour) FROM touched_runs)
  UNION ALL
  SELECT * EXCEPT (version, is_gone)
  FROM task_facts FINAL
  WHERE NOT is_gone AND cohort_day IN (SELECT toDate(hour) FROM touched_runs)
    AND task_ref NOT IN (SELECT task_ref FROM touched_units)
  UNION ALL
  SELECT *
  FROM touched_facts
) AS facts
SETTINGS do_not_merge_across_partitions_select_final = 1;
