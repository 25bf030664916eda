-- Signals that speak about no known task: their task has not arrived yet, or workload or key are misspelt.
CREATE OR REPLACE VIEW unmatched_signals AS
SELECT
  state.signal_id AS signal_id,
  state.task_id AS task_id,
  state.workload AS workload,
  state.task_key AS task_key,
  state.kind AS kind,
  state.name AS name,
  state.value AS value,
  state.source AS source,
  state.actor AS actor,
  state.event_ts AS event_ts,
  state.revision AS revision
FROM signal_state AS state
WHERE NOT state.voided
  AND state.task_ref NOT IN (SELECT task_ref FROM task_index);
