-- The report counts units of account by the start of their first run: those that started in [since, until).
CREATE OR REPLACE VIEW report_cohort AS
SELECT
  runs.task_ref AS task_ref,
  any(runs.workload) AS workload,
  min(runs.ts) AS ts
FROM task_index AS runs
GROUP BY task_ref
HAVING ts >= {since:DateTime64(9, 'UTC')} AND ts < {until:DateTime64(9, 'UTC')};
