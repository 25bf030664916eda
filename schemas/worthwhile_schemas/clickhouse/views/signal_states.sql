-- The latest revision of every signal, and the unit of account that it speaks about: by key, else by run, else, where it
-- names neither, by the run or call whose span was current. `task_ref` is 0 while none of these is known. A `void` with the
-- id of a signal withdraws that signal; one whose id is no signal's (`is_withdrawal`) withdraws all of the unit's signals
-- up to its own time. Scope `all`; `touched`: signals of the touched units only; `waiting`: of no known unit only.
CREATE OR REPLACE VIEW signal_states AS
SELECT
  task_ref,
  signal_id,
  latest.task_id AS task_id,
  latest.workload AS workload,
  latest.task_key AS task_key,
  latest.kind AS kind,
  latest.name AS name,
  latest.label AS label,
  latest.value AS value,
  latest.verdict AS verdict,
  latest.actor AS actor,
  latest.source AS source,
  latest.event_ts AS event_ts,
  latest.revision AS revision,
  latest.voided OR (task_ref != 0 AND latest.event_ts <= withdrawn_ts) AS voided,
  is_withdrawal,
  latest.service AS service
FROM
(
  SELECT
    *,
    maxIf(latest.event_ts, is_withdrawal) OVER (PARTITION BY task_ref) AS withdrawn_ts
  FROM
  (
    SELECT
      record.unit AS task_ref,
      record.signal_id AS signal_id,
      argMax(
        CAST(
          (
            if(record.task_id = 0, '', UUIDNumToString(reinterpretAsFixedString(byteSwap(record.task_id)))),
            record.workload, record.task_key, record.kind, record.name, record.label, record.value, record.verdict,
            record.actor, record.source, record.event_ts, record.revision, record.voided, record.service
          ),
          'Tuple(task_id String, workload String, task_key String, kind String, name String, label String, value Nullable(Float64), verdict Nullable(UInt8), actor String, source String, event_ts DateTime64(9, \'UTC\'), revision Int64, voided Bool, service String)'),
        (record.revision, record.event_ts)) AS latest,
      countIf(record.kind != 'void') = 0 AS is_withdrawal
    FROM
    (
      SELECT
        *,
        task_ref AS unit
      FROM signals FINAL
      WHERE task_ref != 0
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
        WHERE task_ref = 0 AND task_id != 0
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
        WHERE task_ref = 0 AND task_id = 0
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
    ) AS record
    GROUP BY
      record.unit,
      if(record.unit = 0, (record.task_id, record.trace_id), (0, toFixedString('', 16))),
      record.signal_id
  )
);
