-- Where the runs of the queue have calls, so that they are found again when something else touches them.
INSERT INTO task_links (id, hour, workload, run, task_ref)
SELECT
  id,
  hour,
  workload,
  if(touched_tasks.run = id, 0, touched_tasks.run) AS run,
  if(touched_tasks.task_ref = id, 0, touched_tasks.task_ref) AS task_ref
FROM touched_tasks
WHERE what != 'signal'
GROUP BY ALL;
