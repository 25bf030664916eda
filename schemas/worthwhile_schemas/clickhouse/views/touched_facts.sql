-- The touched units as they stand now: what they ran and cost, and their verdict. Human beats automated beats system, then
-- the latest event, then the highest revision. A unit whose last run raised counts as failed when nobody judged it.
CREATE OR REPLACE VIEW touched_facts AS
SELECT
  costs.*,
  multiIf(judged.is_judged, toNullable(judged.winner_verdict), costs.last_status = 'failed', 0, NULL) AS verdict,
  multiIf(judged.is_judged, judged.winner_kind, costs.last_status = 'failed', 'fail', '') AS verdict_kind,
  multiIf(judged.is_judged, judged.winner_name, costs.last_status = 'failed', 'run', '') AS verdict_name,
  judged.winner_value AS verdict_value,
  multiIf(judged.is_judged, judged.winner_source, costs.last_status = 'failed', 'system', '') AS verdict_source,
  judged.winner_actor AS verdict_actor,
  multiIf(judged.is_judged, judged.winner_event_ts, costs.last_status = 'failed', costs.last_end,
    toDateTime64(0, 9, 'UTC')) AS verdict_ts,
  judged.winner_revision AS verdict_revision,
  judged.winner_signal_id AS verdict_signal_id,
  judged.is_escalated AS is_escalated
FROM touched_costs AS costs
LEFT ANY JOIN
(
  SELECT
    task_ref,
    max(isNotNull(state.verdict)) AS is_judged,
    max(state.kind = 'escalate') AS is_escalated,
    argMaxIf(assumeNotNull(state.verdict), authority, isNotNull(state.verdict)) AS winner_verdict,
    argMaxIf(state.kind, authority, isNotNull(state.verdict)) AS winner_kind,
    argMaxIf(state.name, authority, isNotNull(state.verdict)) AS winner_name,
    if(argMaxIf(isNull(state.value), authority, isNotNull(state.verdict)), NULL, argMaxIf(ifNull(state.value, 0), authority, isNotNull(state.verdict))) AS winner_value,
    argMaxIf(state.source, authority, isNotNull(state.verdict)) AS winner_source,
    argMaxIf(state.actor, authority, isNotNull(state.verdict)) AS winner_actor,
    argMaxIf(state.event_ts, authority, isNotNull(state.verdict)) AS winner_event_ts,
    argMaxIf(state.revision, authority, isNotNull(state.verdict)) AS winner_revision,
    argMaxIf(state.signal_id, authority, isNotNull(state.verdict)) AS winner_signal_id
  FROM
  (
    SELECT
      *,
      -- authority, time and revision as one number whose bytes order as it does; ids decide between equals
      concat(
        reverse(reinterpretAsFixedString(toUInt256(
          bitShiftLeft(toInt256(transform(signal.source, ['human', 'automated', 'system'], [3, 2, 1], 1)), 192)
            + bitShiftLeft(toInt256(toUnixTimestamp64Nano(signal.event_ts)), 96) + toInt256(signal.revision)))),
        signal.signal_id) AS authority
    FROM signal_states(scope = 'touched') AS signal
    WHERE task_ref != 0 AND NOT voided
  ) AS state
  GROUP BY task_ref
) AS judged ON judged.task_ref = costs.task_ref;
