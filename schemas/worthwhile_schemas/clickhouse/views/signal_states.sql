-- The latest revision of every signal, and the unit of account that it speaks about: by key, else by run, else, where it
-- names neither, by the run or call whose span was current. `task_ref` is 0 while none of these is known. A `void` with the
-- id of a signal withdraws that signal; one whose id is no signal's (`is_withdrawal`) withdraws all of the unit's signals
-- up to its own time. Scope `all`; `touched`: signals of the touched units only; `waiting`: of no known unit only.
CREATE OR REPLACE VIEW signal_states AS
SELECT
  task_ref,
  signal_id,
  if(latest_task_id = 0, '', UUIDNumToString(reinterpretAsFixedString(byteSwap(latest_task_id)))) AS task_id,
  latest_workload AS workload,
  latest_task_key AS task_key,
  latest_kind AS kind,
  latest_name AS name,
  latest_label AS label,
  latest_value AS value,
  latest_verdict AS verdict,
  latest_actor AS actor,
  latest_source AS source,
  latest_event_ts AS event_ts,
  latest_revision AS revision,
  latest_voided OR (task_ref != 0 AND latest_event_ts <= withdrawn_ts) AS voided,
  is_withdrawal,
  latest_service AS service
FROM
(
  SELECT
    *,
    maxIf(latest_event_ts, is_withdrawal) OVER (PARTITION BY task_ref) AS withdrawn_ts
  FROM
  (
    SELECT
      record.unit AS task_ref,
      record.signal_id AS signal_id,
      argMax(record.task_id, version) AS latest_task_id,
      argMax(record.workload, version) AS latest_workload,
      argMax(record.task_key, version) AS latest_task_key,
      argMax(record.kind, version) AS latest_kind,
      argMax(record.name, version) AS latest_name,
      argMax(record.label, version) AS latest_label,
      if(argMax(isNull(record.value), version), NULL, argMax(ifNull(record.value, 0), version)) AS latest_value,
      if(argMax(isNull(record.verdict), version), NULL, argMax(ifNull(record.verdict, 0), version)) AS latest_verdict,
      argMax(record.actor, version) AS latest_actor,
      argMax(record.source, version) AS latest_source,
      argMax(record.event_ts, version) AS latest_event_ts,
      argMax(record.revision, version) AS latest_revision,
      argMax(record.voided, version) AS latest_voided,
      argMax(record.service, version) AS latest_service,
      countIf(record.kind != 'void') = 0 AS is_withdrawal
    FROM
    (
      SELECT
        *,
        bitShiftLeft(toInt128(revision), 64) + toInt128(toUnixTimestamp64Nano(event_ts)) AS version
      FROM
      (
        SELECT
          *,
          task_ref AS unit
        FROM signals FINAL
        PREWHERE task_ref != 0
          AND ({scope:String} != 'touched' OR task_ref IN (SELECT task_ref FROM touched_units))
          AND ({scope:String} != 'waiting' OR task_ref IN (SELECT id FROM waiting_tasks))
        UNION ALL
        SELECT
          by_run.*,
          runs.unit AS unit
        FROM
        (
          SELECT *
          FROM signals FINAL
          PREWHERE task_ref = 0 AND task_id != 0
            AND ({scope:String} != 'touched' OR task_id IN (SELECT run FROM touched_runs))
            AND ({scope:String} != 'waiting' OR task_id IN (SELECT id FROM waiting_tasks))
        ) AS by_run
        LEFT JOIN
        (
          SELECT
            id,
            any(ref) AS unit
          FROM
          (
            SELECT
              id,
              if(task_ref = 0, id, task_ref) AS ref
            FROM task_links
            WHERE run = 0 AND {scope:String} = 'all'
              AND id IN (SELECT task_id FROM signals WHERE task_ref = 0 AND task_id != 0)
            UNION ALL
            SELECT
              id,
              task_ref AS ref
            FROM touched_tasks
            WHERE id = run AND what != 'signal' AND {scope:String} = 'all'
            UNION ALL
            SELECT
              run AS id,
              task_ref AS ref
            FROM touched_runs
            WHERE {scope:String} = 'touched'
          )
          GROUP BY id
        ) AS runs ON runs.id = by_run.task_id
        UNION ALL
        SELECT
          by_span.*,
          spans.unit AS unit
        FROM
        (
          SELECT *
          FROM signals FINAL
          PREWHERE task_ref = 0 AND task_id = 0
        ) AS by_span
        LEFT JOIN
        (
          SELECT
            trace_id,
            span_id,
            any(task_ref) AS unit
          FROM
          (
            SELECT trace_id, span_id, task_ref
            FROM task_runs
            WHERE trace_id IN (SELECT trace_id FROM signals WHERE task_ref = 0 AND task_id = 0)
            UNION ALL
            SELECT trace_id, span_id, task_ref
            FROM calls
            WHERE trace_id IN (SELECT trace_id FROM signals WHERE task_ref = 0 AND task_id = 0)
          )
          WHERE task_ref != 0
          GROUP BY
            trace_id,
            span_id
        ) AS spans ON spans.trace_id = by_span.trace_id AND spans.span_id = by_span.span_id
      )
    ) AS record
    GROUP BY
      record.unit,
      if(record.unit = 0, (record.task_id, record.trace_id), (0, toFixedString('', 16))),
      record.signal_id
  )
);
