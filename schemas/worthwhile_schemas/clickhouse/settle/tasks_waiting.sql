-- Signals whose task is not known yet wait, and wait no longer once it is.
INSERT INTO waiting_signals (id, trace_id, span_id, version, is_gone)
SELECT
  id,
  trace_id,
  span_id,
  {version:UInt64} AS version,
  false AS is_gone
FROM touched_tasks
WHERE what = 'signal'
  AND id NOT IN
  (
    SELECT id
    FROM task_links
    WHERE (run = 0 OR task_ref = 0)
      AND id IN (SELECT id FROM touched_tasks WHERE what = 'signal')
  )
GROUP BY ALL
UNION ALL
SELECT
  id,
  trace_id,
  span_id,
  {version:UInt64} AS version,
  true AS is_gone
FROM waiting_signals FINAL
WHERE NOT is_gone AND id != 0
  AND id IN (SELECT id FROM touched_tasks WHERE (id = run OR id = task_ref));
