-- Runs of the touched units (`queued_runs`), found once a query however often it asks: a scalar subquery is kept.
CREATE OR REPLACE VIEW touched_runs AS
SELECT
  one.1 AS task_ref,
  one.2 AS workload,
  one.3 AS run,
  one.4 AS hour,
  one.5 AS is_counted
FROM
(
  SELECT arrayJoin((
    SELECT groupArray((task_ref, toString(workload), run, hour, is_counted))
    FROM queued_runs(parts = {parts:Array(String)})
  )) AS one
);
