-- The report counts units of account by the start of their first run: those that started in [since, until).
CREATE OR REPLACE VIEW report_cohort AS
SELECT
  task_ref,
  workload,
  ts
FROM settled_units
WHERE cohort_day >= toDate({since:DateTime64(9, 'UTC')}) AND cohort_day <= toDate({until:DateTime64(9, 'UTC')})
  AND ts >= {since:DateTime64(9, 'UTC')} AND ts < {until:DateTime64(9, 'UTC')};
