-- The current verdict of every unit of account that has one. Human beats automated beats system, then the latest event,
-- then the highest revision. A unit whose last run raised counts as failed when nobody judged it.
CREATE OR REPLACE VIEW outcomes AS
SELECT
  ref AS task_ref,
  winner.workload AS workload,
  winner.task_key AS task_key,
  winner.verdict AS verdict,
  winner.kind AS kind,
  winner.name AS name,
  winner.value AS value,
  winner.source AS source,
  winner.actor AS actor,
  winner.event_ts AS event_ts,
  winner.revision AS revision,
  winner.signal_id AS signal_id
FROM
(
  SELECT
    ref,
    argMax(
      CAST(
        judgement,
        'Tuple(workload String, task_key String, verdict UInt8, kind String, name String, value Nullable(Float64), source String, actor String, event_ts DateTime64(9, \'UTC\'), revision Int64, signal_id String)'),
      standing) AS winner
  FROM
  (
    SELECT
      state.task_ref AS ref,
      (state.workload, state.task_key, assumeNotNull(state.verdict), state.kind, state.name, state.value, state.source,
        state.actor, state.event_ts, state.revision, state.signal_id) AS judgement,
      (transform(state.source, ['human', 'automated', 'system'], [3, 2, 1], 1), state.event_ts, state.revision,
        state.signal_id) AS standing
    FROM signal_state AS state
    WHERE state.task_ref != 0 AND NOT state.voided AND isNotNull(state.verdict)
    UNION ALL
    SELECT
      units.task_ref AS ref,
      (units.workload, units.task_key, 0, 'fail', 'run', CAST(NULL AS Nullable(Float64)), 'system',
        '', units.last_end, toInt64(0), '') AS judgement,
      (0, units.last_end, toInt64(0), '') AS standing
    FROM
    (
      SELECT
        runs.task_ref AS task_ref,
        any(runs.workload) AS workload,
        any(runs.task_key) AS task_key,
        argMax(runs.status, runs.ts) AS last_status,
        argMax(runs.ts + toIntervalNanosecond(ifNull(runs.duration_ns, 0)), runs.ts) AS last_end
      FROM task_index AS runs
      GROUP BY task_ref
    ) AS units
    WHERE units.last_status = 'failed'
  )
  GROUP BY ref
);
