-- OTLP protobuf -> otel_logs, with the spellings of the OpenTelemetry Collector's ClickHouse exporter.
CREATE OR REPLACE MATERIALIZED VIEW otlp_logs_mv TO otel_logs AS
WITH
  (items) -> concat('[', arrayStringConcat(arrayMap(
    (kind, text, flag, whole, real) -> multiIf(
      kind = 'string_value', replaceAll(toJSONString(text), '\\/', '/'),
      kind = 'int_value', toString(whole),
      kind = 'double_value', toString(real),
      kind = 'bool_value', if(flag = 1, 'true', 'false'),
      'null'),
    items.kind, items.string_value, items.bool_value, items.int_value, items.double_value), ','), ']') AS list_text,
  (kind, text, flag, whole, real, items) -> multiIf(
    kind = 'string_value', text,
    kind = 'int_value', toString(whole),
    kind = 'double_value', toString(real),
    kind = 'bool_value', if(flag = 1, 'true', 'false'),
    kind = 'array_value', list_text(items),
    '') AS value_text,
  (attributes) -> mapFromArrays(attributes.key, arrayMap(
    (kind, text, flag, whole, real, items) -> value_text(kind, text, flag, whole, real, items),
    attributes.value.kind, attributes.value.string_value, attributes.value.bool_value, attributes.value.int_value,
    attributes.value.double_value, attributes.value.array_value.values)) AS text_map,
  if(record.time_unix_nano = 0, record.observed_time_unix_nano, record.time_unix_nano) AS nanos
SELECT
  fromUnixTimestamp64Nano(toInt64(least(nanos, 4102444800000000000)), 'UTC') AS Timestamp,
  lower(hex(record.trace_id)) AS TraceId,
  lower(hex(record.span_id)) AS SpanId,
  toUInt8(bitAnd(record.flags, 255)) AS TraceFlags,
  record.severity_text AS SeverityText,
  toUInt8(greatest(0, least(255, record.severity_number))) AS SeverityNumber,
  ResourceAttributes['service.name'] AS ServiceName,
  value_text(record.body.kind, record.body.string_value, record.body.bool_value, record.body.int_value,
    record.body.double_value, record.body.array_value.values) AS Body,
  ResourceSchemaUrl,
  ResourceAttributes,
  ScopeSchemaUrl,
  scope.name AS ScopeName,
  scope.version AS ScopeVersion,
  text_map(scope.attributes) AS ScopeAttributes,
  text_map(record.attributes) AS LogAttributes,
  record.event_name AS EventName
FROM
(
  SELECT
    ResourceAttributes,
    ResourceSchemaUrl,
    scope_logs.schema_url AS ScopeSchemaUrl,
    scope_logs.scope AS scope,
    arrayJoin(scope_logs.log_records) AS record
  FROM
  (
    SELECT
      text_map(resource.resource_attributes) AS ResourceAttributes,
      resource.schema_url AS ResourceSchemaUrl,
      arrayJoin(resource.scope_logs) AS scope_logs
    FROM
    (
      SELECT arrayJoin(resource_logs) AS resource
      FROM otlp_logs_in
    )
  )
);
