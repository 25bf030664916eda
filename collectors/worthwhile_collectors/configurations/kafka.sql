-- Kafka -> the same chain of materialised views as OTLP over HTTP. Before it: `worthwhile config otlp.proto` into the folder
-- `format_schema_path` of every server, as `worthwhile_otlp.proto`. One consumer a partition, no more in all than there are.
-- A message that ClickHouse cannot read goes to `otlp_unreadable` instead of stopping its partition.
CREATE TABLE IF NOT EXISTS {database}.otlp_traces_kafka{on_cluster} AS {database}.otlp_traces_in
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '{brokers}',
  kafka_topic_list = 'otlp_spans',
  kafka_group_name = 'worthwhile_traces',
  kafka_format = 'ProtobufSingle',
  kafka_schema = 'worthwhile_otlp:ExportTraceServiceRequest',
  kafka_num_consumers = 4,
  kafka_thread_per_consumer = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = 2000,
  kafka_handle_error_mode = 'stream';

CREATE TABLE IF NOT EXISTS {database}.otlp_logs_kafka{on_cluster} AS {database}.otlp_logs_in
ENGINE = Kafka
SETTINGS
  kafka_broker_list = '{brokers}',
  kafka_topic_list = 'otlp_logs',
  kafka_group_name = 'worthwhile_logs',
  kafka_format = 'ProtobufSingle',
  kafka_schema = 'worthwhile_otlp:ExportLogsServiceRequest',
  kafka_num_consumers = 2,
  kafka_thread_per_consumer = 1,
  kafka_max_block_size = 65536,
  kafka_poll_max_batch_size = 65536,
  kafka_flush_interval_ms = 2000,
  kafka_handle_error_mode = 'stream';

CREATE TABLE IF NOT EXISTS {database}.otlp_unreadable{on_cluster}
(
  topic LowCardinality(String) COMMENT 'Topic of the message',
  partition Int64 COMMENT 'Partition of the message [1]',
  offset Int64 COMMENT 'Offset of the message in its partition [1]',
  error String COMMENT 'What ClickHouse said',
  message String CODEC(ZSTD(3)) COMMENT 'The message as it came [bytes]',
  read_at DateTime DEFAULT now() COMMENT 'When it was read'
)
ENGINE = MergeTree
ORDER BY (topic, partition, offset)
TTL read_at + INTERVAL 30 DAY;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.otlp_traces_kafka_mv{on_cluster} TO {database}.otlp_traces_in AS
SELECT resource_spans
FROM {database}.otlp_traces_kafka
WHERE length(_error) = 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.otlp_logs_kafka_mv{on_cluster} TO {database}.otlp_logs_in AS
SELECT resource_logs
FROM {database}.otlp_logs_kafka
WHERE length(_error) = 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.otlp_traces_unreadable_mv{on_cluster} TO {database}.otlp_unreadable AS
SELECT
  _topic AS topic,
  toInt64(_partition) AS partition,
  toInt64(_offset) AS offset,
  _error AS error,
  _raw_message AS message
FROM {database}.otlp_traces_kafka
WHERE length(_error) > 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.otlp_logs_unreadable_mv{on_cluster} TO {database}.otlp_unreadable AS
SELECT
  _topic AS topic,
  toInt64(_partition) AS partition,
  toInt64(_offset) AS offset,
  _error AS error,
  _raw_message AS message
FROM {database}.otlp_logs_kafka
WHERE length(_error) > 0;
