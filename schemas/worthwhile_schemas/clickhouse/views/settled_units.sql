-- One row per unit of account as it was last settled, with what it cost and how it ended: `task_units` without what has
-- been touched since (`settlement` says how much that is). A period is fast when it bounds `cohort_day`.
CREATE OR REPLACE VIEW settled_units AS
SELECT
  * EXCEPT (version, is_gone),
  if(empty(run_durations_ns), NULL, arraySum(run_durations_ns)) AS duration_ns,
  arrayElementOrNull(run_durations_ns, 1) AS first_duration_ns
FROM task_facts FINAL
WHERE NOT is_gone
SETTINGS do_not_merge_across_partitions_select_final = 1;
