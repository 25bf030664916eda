-- Landing of OTLP protobuf, which ClickHouse parses itself, and the tables of the OpenTelemetry Collector's ClickHouse
-- exporter: column names, types and value spellings are the exporter's, so that its readers work unchanged. The raw tables
-- are written often and read seldom: parts are merged less eagerly, and kept in one file for longer, than by default.

CREATE TABLE IF NOT EXISTS otlp_traces_in
(
  resource_spans Array(Tuple(
    resource_attributes Array(Tuple(key LowCardinality(String), value String)),
    scope_spans Array(Tuple(
      scope Tuple(name LowCardinality(String), version LowCardinality(String)),
      spans Array(Tuple(
        trace_id String,
        span_id String,
        trace_state String,
        parent_span_id String,
        name LowCardinality(String),
        kind Int32,
        start_time_unix_nano UInt64,
        end_time_unix_nano UInt64,
        attributes Array(Tuple(key LowCardinality(String), value String)),
        events Array(Tuple(
          time_unix_nano UInt64,
          name LowCardinality(String),
          attributes Array(Tuple(key LowCardinality(String), value String)))),
        links Array(Tuple(
          trace_id String,
          span_id String,
          trace_state String,
          attributes Array(Tuple(key LowCardinality(String), value String)))),
        status Tuple(message String, code Int32)))))))
    COMMENT 'The OTLP request as it came: resource spans, scope spans, spans; attribute values are AnyValue messages'
)
ENGINE = Null;

CREATE TABLE IF NOT EXISTS otlp_logs_in
(
  resource_logs Array(Tuple(
    resource_attributes Array(Tuple(key LowCardinality(String), value String)),
    scope_logs Array(Tuple(
      scope Tuple(name LowCardinality(String), version LowCardinality(String), attributes Array(Tuple(key LowCardinality(String), value String))),
      log_records Array(Tuple(
        time_unix_nano UInt64,
        severity_number Int32,
        severity_text LowCardinality(String),
        body String,
        attributes Array(Tuple(key LowCardinality(String), value String)),
        flags UInt32,
        trace_id String,
        span_id String,
        observed_time_unix_nano UInt64,
        event_name LowCardinality(String))),
      schema_url LowCardinality(String))),
    schema_url LowCardinality(String)))
    COMMENT 'The OTLP request as it came: resource logs, scope logs, log records; body and attribute values are AnyValue messages'
)
ENGINE = Null;

CREATE TABLE IF NOT EXISTS otel_traces
(
  Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)) COMMENT 'When the span started',
  TraceId String CODEC(ZSTD(1)) COMMENT 'Trace id [lower-case hex]',
  SpanId String CODEC(ZSTD(1)) COMMENT 'Span id [lower-case hex]',
  ParentSpanId String CODEC(ZSTD(1)) COMMENT 'Span id of the parent, empty at the root [lower-case hex]',
  TraceState String CODEC(ZSTD(1)) COMMENT 'W3C trace state',
  SpanName LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'Name of the span',
  SpanKind LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'Unspecified, Internal, Server, Client, Producer or Consumer',
  ServiceName LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'Resource attribute service.name',
  ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'Resource attributes as text',
  ScopeName String CODEC(ZSTD(1)) COMMENT 'Name of the instrumentation scope',
  ScopeVersion String CODEC(ZSTD(1)) COMMENT 'Version of the instrumentation scope',
  SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'Span attributes as text, lists as JSON',
  Duration UInt64 CODEC(ZSTD(1)) COMMENT 'From start to end [ns]',
  StatusCode LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'Unset, Ok or Error',
  StatusMessage String CODEC(ZSTD(1)) COMMENT 'Message of an Error status',
  Events Nested
  (
    Timestamp DateTime64(9),
    Name LowCardinality(String),
    Attributes Map(LowCardinality(String), String)
  ) COMMENT 'Span events',
  Links Nested
  (
    TraceId String,
    SpanId String,
    TraceState String,
    Attributes Map(LowCardinality(String), String)
  ) COMMENT 'Span links',
  INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toDate(Timestamp)
ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))
TTL toDateTime(Timestamp) + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, merge_selector_base = 16, min_bytes_for_wide_part = 134217728, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS otel_traces_trace_id_ts
(
  TraceId String CODEC(ZSTD(1)) COMMENT 'Trace id [lower-case hex]',
  Start DateTime CODEC(Delta(4), ZSTD(1)) COMMENT 'Start of the first span of the trace in one insert',
  End DateTime CODEC(Delta(4), ZSTD(1)) COMMENT 'Start of the last span of the trace in one insert'
)
ENGINE = MergeTree
PARTITION BY toDate(Start)
ORDER BY (TraceId, Start)
TTL Start + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, merge_selector_base = 16, min_bytes_for_wide_part = 134217728, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS otel_logs
(
  Timestamp DateTime64(9) CODEC(Delta(8), ZSTD(1)) COMMENT 'When it happened; when it was observed if that is unknown',
  TraceId String CODEC(ZSTD(1)) COMMENT 'Trace id, empty without one [lower-case hex]',
  SpanId String CODEC(ZSTD(1)) COMMENT 'Span id, empty without one [lower-case hex]',
  TraceFlags UInt8 COMMENT 'W3C trace flags',
  SeverityText LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'Severity as the source names it',
  SeverityNumber UInt8 COMMENT 'Severity, 1 to 24, 0 if unspecified',
  ServiceName LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'Resource attribute service.name',
  Body String CODEC(ZSTD(1)) COMMENT 'Body as text',
  ResourceSchemaUrl LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'Schema URL of the resource',
  ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'Resource attributes as text',
  ScopeSchemaUrl LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'Schema URL of the instrumentation scope',
  ScopeName String CODEC(ZSTD(1)) COMMENT 'Name of the instrumentation scope',
  ScopeVersion LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'Version of the instrumentation scope',
  ScopeAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'Attributes of the instrumentation scope as text',
  LogAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'Attributes of the record as text, lists as JSON',
  EventName String CODEC(ZSTD(1)) COMMENT 'Name of the event, empty for a plain log record',
  INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toDate(Timestamp)
ORDER BY (toStartOfFiveMinutes(Timestamp), ServiceName, Timestamp)
TTL toDateTime(Timestamp) + INTERVAL 30 DAY
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, merge_selector_base = 16, min_bytes_for_wide_part = 134217728, non_replicated_deduplication_window = 10000;
