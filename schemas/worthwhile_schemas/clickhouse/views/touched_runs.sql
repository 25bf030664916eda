-- Runs of the touched units, as far as they are known, with the days on which they or calls right under them started: one
-- of these is the day under which the unit was settled before.
CREATE OR REPLACE VIEW touched_runs AS
SELECT DISTINCT
  own.task_ref AS task_ref,
  own.workload AS workload,
  own.run AS run,
  own.day AS day,
  units.is_counted AS is_counted
FROM
(
  SELECT DISTINCT
    id AS task_ref,
    workload,
    run,
    toDate(hour) AS day
  FROM touched_tasks
  WHERE what != 'signal' AND touched_tasks.task_ref = id
  UNION DISTINCT
  SELECT
    id AS task_ref,
    workload,
    if(task_links.run = 0, id, task_links.run) AS run,
    toDate(hour) AS day
  FROM task_links
  WHERE task_links.task_ref = 0
    AND id IN (SELECT task_ref FROM touched_units(parts = {parts:Array(String)}))
) AS own
INNER JOIN touched_units(parts = {parts:Array(String)}) AS units ON units.task_ref = own.task_ref;
