-- Units of account and runs that signals name and that no call or run has made known.
CREATE OR REPLACE VIEW waiting_tasks AS
SELECT id
FROM
(
  SELECT id
  FROM waiting_signals FINAL
  WHERE NOT is_gone
  UNION ALL
  SELECT id
  FROM touched_tasks
  WHERE what = 'signal'
) AS named
WHERE id NOT IN
  (
    SELECT id
    FROM task_links
    WHERE (run = 0 OR task_ref = 0)
      AND (id IN (SELECT id FROM waiting_signals FINAL WHERE NOT is_gone) OR id IN (SELECT id FROM touched_tasks WHERE what = 'signal'))
  )
  AND id NOT IN (SELECT id FROM touched_tasks WHERE what != 'signal' AND (id = run OR id = task_ref))
GROUP BY id;
