-- Where the runs and calls under the touched units are that must be counted again: by the run of the unit that is around
-- them (`task_id`), their own innermost run, workload and hour.
CREATE OR REPLACE VIEW touched_places AS
SELECT DISTINCT
  place.id AS task_id,
  place.workload AS workload,
  place.hour AS hour,
  place.run AS run
FROM
(
  SELECT
    id,
    workload,
    hour,
    run
  FROM touched_tasks
  WHERE what != 'signal'
    AND id IN (SELECT run FROM touched_runs(parts = {parts:Array(String)}) WHERE is_counted)
  UNION ALL
  SELECT
    id,
    workload,
    hour,
    if(task_links.run = 0, id, task_links.run) AS run
  FROM task_links
  WHERE id IN (SELECT run FROM touched_runs(parts = {parts:Array(String)}) WHERE is_counted)
) AS place;
