-- OTLP protobuf -> otel_traces, with the spellings of the OpenTelemetry Collector's ClickHouse exporter.
CREATE OR REPLACE MATERIALIZED VIEW otlp_traces_mv TO otel_traces AS
WITH
{otlp_text}
SELECT
  fromUnixTimestamp64Nano(toInt64(least(span.start_time_unix_nano, 4102444800000000000)), 'UTC') AS Timestamp,
  lower(hex(span.trace_id)) AS TraceId,
  lower(hex(span.span_id)) AS SpanId,
  lower(hex(span.parent_span_id)) AS ParentSpanId,
  span.trace_state AS TraceState,
  span.name AS SpanName,
  ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'][span.kind + 1] AS SpanKind,
  resource_map['service.name'] AS ServiceName,
  resource_map AS ResourceAttributes,
  scope.name AS ScopeName,
  scope.version AS ScopeVersion,
  text_map(span.attributes) AS SpanAttributes,
  if(span.end_time_unix_nano > span.start_time_unix_nano, span.end_time_unix_nano - span.start_time_unix_nano, 0) AS Duration,
  ['Unset', 'Ok', 'Error'][span.status.code + 1] AS StatusCode,
  span.status.message AS StatusMessage,
  arrayMap(nanos -> fromUnixTimestamp64Nano(toInt64(least(nanos, 4102444800000000000)), 'UTC'), span.events.time_unix_nano) AS `Events.Timestamp`,
  span.events.name AS `Events.Name`,
  arraySlice(other_maps, 1, length(span.events)) AS `Events.Attributes`,
  arrayMap(id -> lower(hex(id)), span.links.trace_id) AS `Links.TraceId`,
  arrayMap(id -> lower(hex(id)), span.links.span_id) AS `Links.SpanId`,
  span.links.trace_state AS `Links.TraceState`,
  arraySlice(other_maps, 1 + length(span.events)) AS `Links.Attributes`
FROM
(
  SELECT
    scope,
    span,
    resource_map,
    arrayMap(attributes -> text_map(attributes), arrayConcat(span.events.attributes, span.links.attributes)) AS other_maps
  FROM
  (
    SELECT
      resource_map,
      scope_spans.scope AS scope,
      arrayJoin(scope_spans.spans) AS span
    FROM
    (
      SELECT
        text_map(resource.resource_attributes) AS resource_map,
        arrayJoin(resource.scope_spans) AS scope_spans
      FROM
      (
        SELECT arrayJoin(resource_spans) AS resource
        FROM otlp_traces_in
      )
    )
  )
);
