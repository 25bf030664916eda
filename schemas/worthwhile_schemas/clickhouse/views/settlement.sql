-- When tasks were last settled, and what has come since then: `pending_units` are in `task_units` and not in `settled_units`.
CREATE OR REPLACE VIEW settlement AS
SELECT
  (SELECT if(count() = 0, NULL, max(settled_at)) FROM task_settlings) AS settled_at,
  (SELECT count() FROM touched_units) AS pending_units,
  (SELECT count() FROM touched_tasks) AS queued_rows;
