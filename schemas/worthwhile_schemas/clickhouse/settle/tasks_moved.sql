-- A unit whose first run has turned out to be on another day is taken from the day where it was settled before.
INSERT INTO task_facts (cohort_day, workload, task_ref, version, is_gone)
SELECT
  cohort_day,
  workload,
  task_ref,
  {version:UInt64} AS version,
  true AS is_gone
FROM
(
  SELECT
    cohort_day,
    workload,
    task_ref,
    settled.version AS settled_version,
    max(settled_version) OVER (PARTITION BY task_ref) AS newest_version
  FROM task_facts AS settled FINAL
  WHERE NOT is_gone AND (cohort_day, workload, task_ref) IN
  (
    SELECT
      toDate(hour),
      workload,
      task_ref
    FROM settling_runs
  )
)
WHERE settled_version < newest_version;
