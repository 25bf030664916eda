-- The latest revision of every signal, and the unit of account that it speaks about: by key, else by run, else by the run
-- or call whose span was current. `task_ref` is 0 while none of these is known. A `void` with the id of a signal withdraws
-- that signal; one whose id is no signal's (`is_withdrawal`) withdraws all of the unit's signals up to its own time.
CREATE OR REPLACE VIEW signal_state AS
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
      multiIf(record.task_ref != 0, record.task_ref, by_run.task_ref != 0, by_run.task_ref, by_span.task_ref) AS task_ref,
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
    FROM signals AS record FINAL
    LEFT JOIN
    (
      SELECT task_id, task_ref
      FROM task_index
      WHERE task_id IN (SELECT task_id FROM signals WHERE task_ref = 0)
    ) AS by_run ON by_run.task_id = record.task_id
    LEFT JOIN
    (
      SELECT trace_id, span_id, any(span_task_ref) AS task_ref
      FROM
      (
        SELECT trace_id, span_id, task_ref AS span_task_ref
        FROM task_runs
        WHERE trace_id IN (SELECT trace_id FROM signals WHERE task_ref = 0 AND task_id = 0)
        UNION ALL
        SELECT trace_id, span_id, task_ref AS span_task_ref
        FROM calls
        WHERE trace_id IN (SELECT trace_id FROM signals WHERE task_ref = 0 AND task_id = 0)
      )
      WHERE span_task_ref != 0
      GROUP BY trace_id, span_id
    ) AS by_span ON by_span.trace_id = record.trace_id AND by_span.span_id = record.span_id
    GROUP BY
      task_ref,
      if(task_ref = 0, (record.task_id, record.trace_id), (0, toFixedString('', 16))),
      record.signal_id
  )
);
