-- One row per unit of account, exact at any moment: those that were touched since they were settled are computed from the
-- rows themselves. `task_units` reads this while there are such units.
CREATE OR REPLACE VIEW fresh_units AS
SELECT *
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
)
SETTINGS do_not_merge_across_partitions_select_final = 1;
