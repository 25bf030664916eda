-- The touched units (`queued_units`), found once a query.
CREATE OR REPLACE VIEW touched_units AS
SELECT
  task_ref,
  max(is_counted) AS is_counted
FROM touched_runs(parts = {parts:Array(String)})
GROUP BY task_ref;
