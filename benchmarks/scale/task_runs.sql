-- The spans of the runs `first` to `first + count`.
INSERT INTO task_runs
(
  ts, task_id, task_ref, workload, task_key, trace_id, span_id, service, status, error_type, duration_ns, ingested_at
)
SELECT
  started - INTERVAL 5 MILLISECOND AS ts,
  run.task_id AS task_id,
  run.task_ref AS task_ref,
  run.workload AS workload,
  run.task_key AS task_key,
  run.trace_id AS trace_id,
  run.span_id AS span_id,
  run.service AS service,
  multiIf(h2 % 100 < 3, 'failed', h2 % 200 = 7, 'cancelled', 'completed') AS status,
  if(h2 % 100 < 3, 'ValueError', '') AS error_type,
  2500000000 * size + h2 % 900000000 AS duration_ns,
  toDateTime64(toStartOfSecond(ts + toIntervalNanosecond(duration_ns)) + INTERVAL 2 SECOND, 3, 'UTC') AS ingested_at
FROM scale_tasks(first = {first:UInt64}, count = {count:UInt64}, tasks = {tasks:UInt64}, days = {days:UInt16}, start = {start:DateTime64(9, 'UTC')}) AS run
SETTINGS max_partitions_per_insert_block = 0, max_insert_threads = 2, max_threads = 2;
