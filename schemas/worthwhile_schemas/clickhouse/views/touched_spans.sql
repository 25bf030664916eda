-- Spans of the runs and calls of the touched units, for signals that name nothing else. Not read while there are none.
CREATE OR REPLACE VIEW touched_spans AS
SELECT
  trace_id,
  span_id,
  unit AS task_ref
FROM touched_calls(parts = {parts:Array(String)})
WHERE is_own
UNION ALL
SELECT
  trace_id,
  span_id,
  task_ref
FROM touched_run_spans(parts = {parts:Array(String)});
