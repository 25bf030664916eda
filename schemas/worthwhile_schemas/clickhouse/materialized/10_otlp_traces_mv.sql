-- OTLP protobuf -> otel_traces, with the spellings of the OpenTelemetry Collector's ClickHouse exporter.
CREATE OR REPLACE MATERIALIZED VIEW otlp_traces_mv TO otel_traces AS
WITH
  (items) -> if(empty(items), '[]', concat('[', arrayStringConcat(arrayMap(
    (kind, text, flag, whole, real) -> multiIf(
      kind = 'string_value', replaceAll(toJSONString(text), '\\/', '/'),
      kind = 'int_value', toString(whole),
      kind = 'double_value', toString(real),
      kind = 'bool_value', if(flag = 1, 'true', 'false'),
      'null'),
    items.kind, items.string_value, items.bool_value, items.int_value, items.double_value), ','), ']')) AS list_text,
  (attributes) -> mapFromArrays(attributes.key, arrayMap(
    (kind, text, flag, whole, real, items) -> multiIf(
      kind = 'string_value', text,
      kind = 'int_value', toString(whole),
      kind = 'double_value', toString(real),
      kind = 'bool_value', if(flag = 1, 'true', 'false'),
      kind = 'array_value', list_text(items),
      ''),
    attributes.value.kind, attributes.value.string_value, attributes.value.bool_value, attributes.value.int_value,
    attributes.value.double_value, attributes.value.array_value.values)) AS text_map
SELECT
  fromUnixTimestamp64Nano(toInt64(least(span.start_time_unix_nano, 4102444800000000000)), 'UTC') AS Timestamp,
  lower(hex(span.trace_id)) AS TraceId,
  lower(hex(span.span_id)) AS SpanId,
  lower(hex(span.parent_span_id)) AS ParentSpanId,
  span.trace_state AS TraceState,
  span.name AS SpanName,
  ['Unspecified', 'Internal', 'Server', 'Client', 'Producer', 'Consumer'][span.kind + 1] AS SpanKind,
  ResourceAttributes['service.name'] AS ServiceName,
  ResourceAttributes,
  scope.name AS ScopeName,
  scope.version AS ScopeVersion,
  text_map(span.attributes) AS SpanAttributes,
  if(span.end_time_unix_nano > span.start_time_unix_nano, span.end_time_unix_nano - span.start_time_unix_nano, 0) AS Duration,
  ['Unset', 'Ok', 'Error'][span.status.code + 1] AS StatusCode,
  span.status.message AS StatusMessage,
  arrayMap(nanos -> fromUnixTimestamp64Nano(toInt64(least(nanos, 4102444800000000000)), 'UTC'), span.events.time_unix_nano) AS `Events.Timestamp`,
  span.events.name AS `Events.Name`,
  arrayMap(attributes -> text_map(attributes), span.events.attributes) AS `Events.Attributes`,
  arrayMap(id -> lower(hex(id)), span.links.trace_id) AS `Links.TraceId`,
  arrayMap(id -> lower(hex(id)), span.links.span_id) AS `Links.SpanId`,
  span.links.trace_state AS `Links.TraceState`,
  arrayMap(attributes -> text_map(attributes), span.links.attributes) AS `Links.Attributes`
FROM
(
  SELECT
    ResourceAttributes,
    scope_spans.scope AS scope,
    arrayJoin(scope_spans.spans) AS span
  FROM
  (
    SELECT
      text_map(resource.resource_attributes) AS ResourceAttributes,
      arrayJoin(resource.scope_spans) AS scope_spans
    FROM
    (
      SELECT arrayJoin(resource_spans) AS resource
      FROM otlp_traces_in
    )
  )
);
