-- calls -> touched_tasks: the unit of account and all runs around every call, once an insert.
CREATE OR REPLACE MATERIALIZED VIEW touched_by_calls_mv TO touched_tasks AS
SELECT
  arrayJoin(arrayDistinct(arrayConcat([task_ref, run], ancestors))) AS id,
  run,
  task_ref,
  workload,
  hour,
  'call' AS what,
  toFixedString('', 16) AS trace_id,
  toFixedString('', 8) AS span_id
FROM
(
  SELECT
    task_id AS run,
    task_ref,
    workload,
    toStartOfHour(ts) AS hour,
    task_ancestors AS ancestors
  FROM calls
  WHERE task_id != 0
  GROUP BY ALL
);
