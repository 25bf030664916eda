-- The current verdict of every unit of account that has one. Human beats automated beats system, then the latest event,
-- then the highest revision. A unit whose last run raised counts as failed when nobody judged it.
CREATE OR REPLACE VIEW outcomes AS
SELECT
  task_ref,
  workload,
  task_key,
  assumeNotNull(verdict) AS verdict,
  verdict_kind AS kind,
  verdict_name AS name,
  verdict_value AS value,
  verdict_source AS source,
  verdict_actor AS actor,
  verdict_ts AS event_ts,
  verdict_revision AS revision,
  verdict_signal_id AS signal_id
FROM task_units
WHERE isNotNull(task_units.verdict);
