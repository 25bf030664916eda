-- signals -> touched_tasks: what every signal speaks about, by unit of account, else by run, else by span.
CREATE OR REPLACE MATERIALIZED VIEW touched_by_signals_mv TO touched_tasks AS
SELECT
  if(signals.task_ref != 0, signals.task_ref, signals.task_id) AS id,
  toUInt128(0) AS run,
  toUInt128(0) AS task_ref,
  '' AS workload,
  toDateTime(0, 'UTC') AS hour,
  'signal' AS what,
  if(id != 0, toFixedString('', 16), signals.trace_id) AS trace_id,
  if(id != 0, toFixedString('', 8), signals.span_id) AS span_id
FROM signals;
