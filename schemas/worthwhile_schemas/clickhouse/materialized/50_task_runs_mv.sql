-- otel_traces -> task_runs: the spans that the SDK wrote for runs of tasks.
CREATE OR REPLACE MATERIALIZED VIEW task_runs_mv TO task_runs AS
SELECT
  if(is_dated, Timestamp, toDateTime64(0, 9, 'UTC')) AS ts,
  task_id,
  if(key_text != '', reinterpretAsUInt128(sipHash128(workload_text, key_text)), task_id) AS task_ref,
  substring(workload_text, 1, 512) AS workload,
  substring(key_text, 1, 512) AS task_key,
  arrayFilter(one -> one != 0, ancestors) AS task_ancestors,
  toFixedString(if(length(TraceId) = 32, unhex(TraceId), ''), 16) AS trace_id,
  toFixedString(if(length(SpanId) = 16, unhex(SpanId), ''), 8) AS span_id,
  toFixedString(if(length(ParentSpanId) = 16, unhex(ParentSpanId), ''), 8) AS parent_span_id,
  ServiceName AS service,
  if(has_status, status_text, if(StatusCode = 'Error', 'failed', 'completed')) AS status,
  substring(SpanAttributes['error.type'], 1, 512) AS error_type,
  Duration AS duration_ns,
  arrayFilter(one -> one != '', [
    if(is_dated, '', 'ts'),
    if(length(workload_text) > 512, 'workload', ''),
    if(length(key_text) > 512, 'task_key', ''),
    if(has(ancestors, 0), 'task_ancestors', ''),
    if(length(TraceId) != 32, 'trace_id', ''),
    if(length(SpanId) != 16, 'span_id', ''),
    if(has_status, '', 'status')]) AS quality,
  mapFilter((name, text) -> name NOT IN ('worthwhile.span.type', 'worthwhile.task.id', 'worthwhile.workload',
    'worthwhile.task.key', 'worthwhile.task.ancestors', 'worthwhile.task.status', 'gen_ai.operation.name',
    'gen_ai.workflow.name', 'error.type') AND length(text) <= 16384, SpanAttributes) AS attrs
FROM
(
  SELECT
    *,
    toUInt128(toUUIDOrZero(SpanAttributes['worthwhile.task.id'])) AS task_id,
    SpanAttributes['worthwhile.workload'] AS workload_text,
    SpanAttributes['worthwhile.task.key'] AS key_text,
    SpanAttributes['worthwhile.task.status'] AS status_text,
    status_text IN ('completed', 'failed', 'cancelled', 'abandoned') AS has_status,
    arrayMap(one -> toUInt128(toUUIDOrZero(one)),
      if(SpanAttributes['worthwhile.task.ancestors'] = '', [], splitByChar(',', SpanAttributes['worthwhile.task.ancestors']))) AS ancestors,
    Timestamp >= toDateTime64('2000-01-01 00:00:00', 9, 'UTC') AND Timestamp < toDateTime64('2100-01-01 00:00:00', 9, 'UTC') AS is_dated
  FROM otel_traces
  WHERE SpanAttributes['worthwhile.span.type'] = 'task'
)
WHERE task_id != 0;
