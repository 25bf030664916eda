-- Signals that speak about no known task: their task has not arrived yet, or workload or key are misspelt.
CREATE OR REPLACE VIEW unmatched_signals AS
SELECT
  signal_id,
  task_id,
  workload,
  task_key,
  kind,
  name,
  value,
  source,
  actor,
  event_ts,
  revision
FROM signal_states(scope = 'waiting')
WHERE NOT voided
  AND (task_ref = 0 OR task_ref IN (SELECT id FROM waiting_tasks));
