-- otel_traces -> attempts: the HTTP tries that the SDK wrote as events of a call span.
CREATE OR REPLACE MATERIALIZED VIEW attempts_mv TO attempts AS
SELECT
  if(Timestamp >= toDateTime64('2000-01-01 00:00:00', 9, 'UTC') AND Timestamp < toDateTime64('2100-01-01 00:00:00', 9, 'UTC'),
    Timestamp, toDateTime64(0, 9, 'UTC')) AS ts,
  toFixedString(if(length(TraceId) = 32, unhex(TraceId), ''), 16) AS trace_id,
  toFixedString(if(length(SpanId) = 16, unhex(SpanId), ''), 8) AS span_id,
  ifNull(toUInt32OrNull(event['worthwhile.attempt.number']), 0) AS number,
  toUInt128(toUUIDOrZero(SpanAttributes['worthwhile.task.id'])) AS task_id,
  if(SpanAttributes['worthwhile.task.key'] != '',
    reinterpretAsUInt128(sipHash128(SpanAttributes['worthwhile.workload'], SpanAttributes['worthwhile.task.key'])),
    toUInt128(toUUIDOrZero(SpanAttributes['worthwhile.task.id']))) AS task_ref,
  substring(SpanAttributes['worthwhile.workload'], 1, 512) AS workload,
  ServiceName AS service,
  substring(SpanAttributes['gen_ai.provider.name'], 1, 512) AS provider,
  substring(SpanAttributes['gen_ai.request.model'], 1, 512) AS request_model,
  toUInt16OrNull(event['http.response.status_code']) AS http_status,
  substring(event['error.type'], 1, 512) AS error_type,
  if(toFloat64OrNull(event['worthwhile.attempt.duration']) BETWEEN 0 AND 1e9,
    toUInt64(round(toFloat64OrNull(event['worthwhile.attempt.duration']) * 1e9)), NULL) AS duration_ns,
  if(toFloat64OrNull(event['worthwhile.attempt.wait']) BETWEEN 0 AND 1e9,
    toUInt64(round(toFloat64OrNull(event['worthwhile.attempt.wait']) * 1e9)), NULL) AS wait_ns,
  transform(event['worthwhile.attempt.billed'], ['true', 'false'], [true, false], NULL) AS is_billed
FROM
(
  SELECT
    *,
    arrayJoin(arrayFilter((attributes, name) -> name = 'worthwhile.attempt', Events.Attributes, Events.Name)) AS event
  FROM otel_traces
  WHERE has(Events.Name, 'worthwhile.attempt')
);
