-- The touched units as they stand now: what they ran and cost, and their verdict. Human beats automated beats system, then
-- the latest event, then the highest revision. A unit whose last run raised counts as failed when nobody judged it.
CREATE OR REPLACE VIEW touched_facts AS
SELECT
  costs.*,
  multiIf(judged.is_judged, toNullable(judged.winner.verdict), costs.last_status = 'failed', 0, NULL) AS verdict,
  multiIf(judged.is_judged, judged.winner.kind, costs.last_status = 'failed', 'fail', '') AS verdict_kind,
  multiIf(judged.is_judged, judged.winner.name, costs.last_status = 'failed', 'run', '') AS verdict_name,
  judged.winner.value AS verdict_value,
  multiIf(judged.is_judged, judged.winner.source, costs.last_status = 'failed', 'system', '') AS verdict_source,
  judged.winner.actor AS verdict_actor,
  multiIf(judged.is_judged, judged.winner.event_ts, costs.last_status = 'failed', costs.last_end,
    toDateTime64(0, 9, 'UTC')) AS verdict_ts,
  judged.winner.revision AS verdict_revision,
  judged.winner.signal_id AS verdict_signal_id,
  judged.is_escalated AS is_escalated
FROM touched_costs AS costs
LEFT JOIN
(
  SELECT
    task_ref,
    max(isNotNull(state.verdict)) AS is_judged,
    max(state.kind = 'escalate') AS is_escalated,
    argMaxIf(
      CAST(
        (assumeNotNull(state.verdict), state.kind, state.name, state.value, state.source, state.actor, state.event_ts,
          state.revision, state.signal_id),
        'Tuple(verdict UInt8, kind String, name String, value Nullable(Float64), source String, actor String, event_ts DateTime64(9, \'UTC\'), revision Int64, signal_id String)'),
      (transform(state.source, ['human', 'automated', 'system'], [3, 2, 1], 1), state.event_ts, state.revision,
        state.signal_id),
      isNotNull(state.verdict)) AS winner
  FROM signal_states(scope = 'touched') AS state
  WHERE task_ref != 0 AND NOT voided
  GROUP BY task_ref
) AS judged ON judged.task_ref = costs.task_ref;
