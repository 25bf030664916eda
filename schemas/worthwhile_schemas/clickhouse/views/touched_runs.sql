-- Runs of the touched units, as far as they are known, with the hours in which they or calls right under them started: on
-- the day of one of these the unit was settled before.
CREATE OR REPLACE VIEW touched_runs AS
SELECT
  own.task_ref AS task_ref,
  own.workload AS workload,
  own.run AS run,
  own.hour AS hour,
  any(units.is_counted) AS is_counted
FROM
(
  SELECT
    id AS task_ref,
    workload,
    run,
    hour
  FROM touched_tasks
  WHERE what != 'signal' AND touched_tasks.task_ref = id
  UNION ALL
  SELECT
    id AS task_ref,
    workload,
    if(task_links.run = 0, id, task_links.run) AS run,
    hour
  FROM task_links
  WHERE task_links.task_ref = 0
    AND id IN (SELECT task_ref FROM touched_units)
) AS own
INNER JOIN touched_units AS units ON units.task_ref = own.task_ref
GROUP BY
  own.task_ref,
  own.workload,
  own.run,
  own.hour;
