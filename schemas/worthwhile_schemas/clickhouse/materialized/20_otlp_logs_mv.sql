-- OTLP protobuf -> otlp_logs_read, with the spellings of the OpenTelemetry Collector's ClickHouse exporter.
CREATE OR REPLACE MATERIALIZED VIEW otlp_logs_mv TO otlp_logs_read AS
WITH
{otlp_text},
  if(record.time_unix_nano = 0, record.observed_time_unix_nano, record.time_unix_nano) AS nanos
SELECT
  fromUnixTimestamp64Nano(toInt64(least(nanos, 4102444800000000000)), 'UTC') AS Timestamp,
  lower(hex(record.trace_id)) AS TraceId,
  lower(hex(record.span_id)) AS SpanId,
  toUInt8(bitAnd(record.flags, 255)) AS TraceFlags,
  record.severity_text AS SeverityText,
  toUInt8(greatest(0, least(255, record.severity_number))) AS SeverityNumber,
  ResourceAttributes['service.name'] AS ServiceName,
  maps[4]['body'] AS Body,
  ResourceSchemaUrl,
  maps[1] AS ResourceAttributes,
  ScopeSchemaUrl,
  scope.name AS ScopeName,
  scope.version AS ScopeVersion,
  maps[2] AS ScopeAttributes,
  maps[3] AS LogAttributes,
  record.event_name AS EventName
FROM
(
  SELECT
    ResourceSchemaUrl,
    ScopeSchemaUrl,
    scope,
    record,
    arrayMap(attributes -> text_map(attributes), [
      resource_attributes,
      scope.attributes,
      record.attributes,
      [CAST(('body', record.body), 'Tuple(key LowCardinality(String), value String)')]]) AS maps
  FROM
  (
    SELECT
      resource_attributes,
      ResourceSchemaUrl,
      scope_logs.schema_url AS ScopeSchemaUrl,
      scope_logs.scope AS scope,
      arrayJoin(scope_logs.log_records) AS record
    FROM
    (
      SELECT
        resource.resource_attributes AS resource_attributes,
        resource.schema_url AS ResourceSchemaUrl,
        arrayJoin(resource.scope_logs) AS scope_logs
      FROM
      (
        SELECT arrayJoin(resource_logs) AS resource
        FROM otlp_logs_in
      )
    )
  )
);
