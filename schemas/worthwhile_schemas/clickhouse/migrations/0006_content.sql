-- What was said to models and by them, where an emitter was asked to record it: apart from the figures, so that it can be kept
-- for a shorter time and read by fewer people.

CREATE TABLE IF NOT EXISTS call_contents
(
  ts DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the call started, or when its content was recorded',
  trace_id FixedString(16) CODEC(ZSTD(1)) COMMENT 'Trace id of the call, hex in views [16 bytes]',
  span_id FixedString(8) CODEC(ZSTD(1)) COMMENT 'Span id of the call, hex in views [8 bytes]',
  task_id UInt128 CODEC(ZSTD(1)) COMMENT 'Innermost task run around the call, 0 outside one [UUIDv7 as number]',
  workload LowCardinality(String) COMMENT 'Kind of task that the call belongs to, empty outside a task',
  service LowCardinality(String) COMMENT 'Resource attribute service.name',
  part LowCardinality(String) COMMENT 'input, output, system or tools',
  name LowCardinality(String) COMMENT 'Attribute or event that the text stood in',
  content String CODEC(ZSTD(3)) COMMENT 'The text as it came, cut at 1 MiB',
  size UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Length of the text before it was cut here [By]',
  digest UInt64 CODEC(NONE) COMMENT 'Hash of the text: the same message of a call is stored once',
  ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the row was written'
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(ts)
ORDER BY (toStartOfHour(ts), trace_id, span_id, name, digest)
TTL toDateTime(ingested_at) + INTERVAL 14 DAY
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS otlp_logs_read AS otel_logs
ENGINE = Null
COMMENT 'Log records that came as OTLP, before content is told from the rest; keeps nothing';

CREATE TABLE IF NOT EXISTS content_logs AS otel_logs
ENGINE = Null
COMMENT 'Log records that carry content; keeps nothing';

ALTER TABLE calls_in ADD COLUMN IF NOT EXISTS content Map(LowCardinality(String), String) COMMENT 'Span attributes that carry what was said';
