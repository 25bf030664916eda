-- What the numbers are read from. NULL is unknown, 0 is zero. Every table replaces a row that arrives again in another
-- batch (its sorting key names the fact) and ignores a batch whose deduplication token it has seen.

CREATE TABLE IF NOT EXISTS calls
(
  ts DateTime64(9, 'UTC') CODEC(Delta(8), T64, ZSTD(1)) COMMENT 'When the call started',
  trace_id FixedString(16) CODEC(ZSTD(1)) COMMENT 'Trace id, hex in views [16 bytes]',
  span_id FixedString(8) CODEC(NONE) COMMENT 'Span id, hex in views [8 bytes]',
  parent_span_id FixedString(8) CODEC(ZSTD(1)) COMMENT 'Span id of the parent, zero at the root, hex in views [8 bytes]',
  task_id UInt128 CODEC(ZSTD(1)) COMMENT 'Innermost task run around the call, 0 outside one [UUIDv7 as number]',
  task_key String CODEC(ZSTD(1)) COMMENT 'Host key of that run, empty without one',
  task_ref UInt128 ALIAS if(task_key != '', reinterpretAsUInt128(sipHash128(workload, task_key)), task_id) COMMENT 'Unit of account of that run: hash of workload and key, or the run id without a key; 0 outside a task',
  task_ancestors Array(UInt128) CODEC(ZSTD(1)) COMMENT 'Enclosing task runs, outermost first [UUIDv7 as number]',
  workload LowCardinality(String) COMMENT 'Kind of task or workflow that the call belongs to, empty outside one',
  service LowCardinality(String) COMMENT 'Resource attribute service.name',
  dialect LowCardinality(String) COMMENT 'Which reading of attributes made this row',
  scope LowCardinality(String) COMMENT 'Instrumentation scope that emitted the span',
  span_name LowCardinality(String) COMMENT 'Name of the span',
  operation LowCardinality(String) COMMENT 'chat, text_completion, embeddings, generate_content',
  provider LowCardinality(String) COMMENT 'Who answered, in semantic-convention spelling, lower case',
  request_model LowCardinality(String) COMMENT 'Model asked for',
  response_model LowCardinality(String) COMMENT 'Model that answered, empty if unknown',
  response_id String CODEC(ZSTD(1)) COMMENT 'Id of the response as the provider gave it',
  conversation_id String CODEC(ZSTD(1)) COMMENT 'Conversation as the host named it',
  session_id String CODEC(ZSTD(1)) COMMENT 'Session as the host named it, empty if unknown',
  user_id String CODEC(ZSTD(1)) COMMENT 'User for whom the call was made, as the host named them, empty if unknown',
  tenant LowCardinality(String) COMMENT 'Customer or team that the call is charged to, empty if unknown',
  agent LowCardinality(String) COMMENT 'Agent that made the call, empty if unknown',
  prompt_name LowCardinality(String) COMMENT 'Managed prompt that was used, empty if unknown',
  prompt_version LowCardinality(String) COMMENT 'Version of that prompt, empty if unknown',
  tags Array(LowCardinality(String)) COMMENT 'Tags that the emitter put on the call or its trace',
  tier LowCardinality(String) COMMENT 'edge, local, gateway, cloud or frontier; empty if unknown',
  locality LowCardinality(String) COMMENT 'Where the server is, seen from the caller: host, private or public; empty if unknown',
  service_tier LowCardinality(String) COMMENT 'Applied service tier; empty if unknown',
  requested_service_tier LowCardinality(String) COMMENT 'Service tier asked for, as the emitter spells it; empty if unknown',
  reasoning_level LowCardinality(String) COMMENT 'Reasoning effort asked for, empty if unknown',
  server_address LowCardinality(String) COMMENT 'Host that the client was pointed at',
  system_fingerprint LowCardinality(String) COMMENT 'Backend fingerprint as the provider gave it',
  is_stream Bool COMMENT 'Whether the call was known to be streamed',
  input_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Input with its cached parts, NULL if unknown [tokens]',
  output_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Output with its reasoning, NULL if unknown [tokens]',
  cache_read_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Part of the input read from the prompt cache, NULL if unknown [tokens]',
  cache_write_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Part of the input written to the prompt cache, NULL if unknown [tokens]',
  cache_write_1h_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Part of the cache writes kept an hour or more, NULL if unknown [tokens]',
  reasoning_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Part of the output spent on reasoning, NULL if unknown [tokens]',
  audio_input_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Part of the input that is audio, NULL if unknown [tokens]',
  audio_output_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Part of the output that is audio, NULL if unknown [tokens]',
  image_input_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Part of the input that is images, NULL if unknown [tokens]',
  web_searches Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Searches that the provider ran and bills, NULL if unknown [1]',
  usage_basis LowCardinality(String) COMMENT 'Basis of the tokens: reported, derived, estimated, missing or inconsistent',
  cost_usd Nullable(Decimal(18, 12)) CODEC(GCD, T64, ZSTD(1)) COMMENT 'Cost of the call, NULL if unknown [USD]',
  cost_input_usd Nullable(Decimal(18, 12)) CODEC(GCD, T64, ZSTD(1)) COMMENT 'Part for fresh input, NULL if unknown [USD]',
  cost_cache_read_usd Nullable(Decimal(18, 12)) CODEC(GCD, T64, ZSTD(1)) COMMENT 'Part for cache reads, NULL if unknown [USD]',
  cost_cache_write_usd Nullable(Decimal(18, 12)) CODEC(GCD, T64, ZSTD(1)) COMMENT 'Part for cache writes, NULL if unknown [USD]',
  cost_output_usd Nullable(Decimal(18, 12)) CODEC(GCD, T64, ZSTD(1)) COMMENT 'Part for output, NULL if unknown [USD]',
  cost_server_tools_usd Nullable(Decimal(18, 12)) CODEC(GCD, T64, ZSTD(1)) COMMENT 'Part for server-side tools, NULL if unknown [USD]',
  cost_compute_usd Nullable(Decimal(18, 12)) CODEC(GCD, T64, ZSTD(1)) COMMENT 'Part for time and energy of own hardware, NULL if unknown [USD]',
  cache_saving_usd Nullable(Decimal(18, 12)) CODEC(GCD, T64, ZSTD(1)) COMMENT 'What the call would have cost more without prompt caching, NULL if unknown [USD]',
  cost_basis LowCardinality(String) COMMENT 'Basis of the cost: provider, list, contract, self_hosted, emitter or unknown',
  price_version LowCardinality(String) COMMENT 'Version of the prices used, empty if none',
  repricings UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Times that re-pricing changed the cost; of rows of one call the one with most counts, of equals the last to arrive [1]',
  cost_reported_usd Nullable(Decimal(18, 12)) CODEC(GCD, T64, ZSTD(1)) COMMENT 'Cost that the emitter wrote beside the call, NULL if none [USD]',
  cost_reported_by LowCardinality(String) COMMENT 'Whose figure that is: provider, or emitter (its own price list); empty if none',
  energy_uj Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Energy of the call, NULL if not measured [uJ]',
  energy_method LowCardinality(String) COMMENT 'Basis of the energy: metered, attributed, modelled or estimated; empty if none',
  duration_ns UInt64 CODEC(T64, ZSTD(1)) COMMENT 'From start to end, retries and waits included [ns]',
  ttft_ns Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Time to the first chunk, NULL if unknown [ns]',
  finish_reason LowCardinality(String) COMMENT 'Why generation of the first choice ended; empty if unknown',
  error_type LowCardinality(String) COMMENT 'What ended the call, empty on success; _OTHER if only the status says so',
  http_status Nullable(UInt16) COMMENT 'HTTP status of the last try, NULL if unknown',
  resend_count Nullable(UInt32) CODEC(T64, ZSTD(1)) COMMENT 'HTTP tries after the first, NULL if unknown [1]',
  retry_wait_ns Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Part of the duration spent waiting between HTTP tries, NULL if unknown or none [ns]',
  cache_kind LowCardinality(String) COMMENT 'Response cache that answered: exact, semantic or gateway; empty if none',
  fallback_from LowCardinality(String) COMMENT 'Model whose failure led to this call, empty if none',
  fallback_to LowCardinality(String) COMMENT 'Model that this call went to instead, empty if none',
  fallback_reason LowCardinality(String) COMMENT 'Error that led to this call, empty if none',
  fallback_index Nullable(UInt32) CODEC(T64, ZSTD(1)) COMMENT 'Position of this call among the fallbacks of its step, NULL if none [1]',
  fallback_from_tier LowCardinality(String) COMMENT 'Tier of the model whose failure led to this call, empty if unknown',
  fallback_kind LowCardinality(String) COMMENT 'timeout, rate_limit, unavailable, context_length, content_filter, quality or error; empty if none',
  fallback_chain String CODEC(ZSTD(1)) COMMENT 'Run of ww.fallback that the call belongs to, empty outside one',
  sample_weight Float64 DEFAULT 1 CODEC(ZSTD(1)) COMMENT 'Calls that this one stands for [1]',
  quality Array(LowCardinality(String)) COMMENT 'Columns whose value in the span could not be used',
  attrs Map(LowCardinality(String), String) CODEC(ZSTD(3)) COMMENT 'Span attributes without a column, content excepted',
  ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the row was written',
  INDEX ix_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree(repricings)
PARTITION BY toDate(ts)
ORDER BY (workload, toStartOfHour(ts), task_id, ts, trace_id, span_id)
TTL toDateTime(ingested_at) + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS attempts
(
  ts DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the call of this try started',
  trace_id FixedString(16) CODEC(ZSTD(1)) COMMENT 'Trace id, hex in views [16 bytes]',
  span_id FixedString(8) CODEC(NONE) COMMENT 'Span id of the call, hex in views [8 bytes]',
  number UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Position of the try in its call, from 1 [1]',
  task_id UInt128 CODEC(ZSTD(1)) COMMENT 'Innermost task run around the call, 0 outside one [UUIDv7 as number]',
  task_ref UInt128 CODEC(ZSTD(1)) COMMENT 'Unit of account of that run, 0 outside a task',
  workload LowCardinality(String) COMMENT 'Kind of task that the call belongs to, empty outside a task',
  service LowCardinality(String) COMMENT 'Resource attribute service.name',
  provider LowCardinality(String) COMMENT 'Who was asked',
  request_model LowCardinality(String) COMMENT 'Model asked for',
  http_status Nullable(UInt16) COMMENT 'HTTP status of the try, NULL without a response',
  error_type LowCardinality(String) COMMENT 'What ended the try, empty on success',
  duration_ns Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'From sending the try to its response head, NULL if unknown [ns]',
  wait_ns Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Back-off before the try, NULL if unknown [ns]',
  is_billed Nullable(Bool) COMMENT 'Whether the provider bills the try, NULL if unknown',
  ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the row was written'
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(ts)
ORDER BY (workload, ts, trace_id, span_id, number)
TTL toDateTime(ingested_at) + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS task_runs
(
  ts DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the run started',
  task_id UInt128 CODEC(ZSTD(1)) COMMENT 'Id of the run [UUIDv7 as number]',
  task_ref UInt128 CODEC(ZSTD(1)) COMMENT 'Unit of account: hash of workload and key, or the run id without a key',
  workload LowCardinality(String) COMMENT 'Kind of task',
  task_key String CODEC(ZSTD(1)) COMMENT 'Host key, empty without one',
  task_ancestors Array(UInt128) CODEC(ZSTD(1)) COMMENT 'Enclosing task runs, outermost first [UUIDv7 as number]',
  trace_id FixedString(16) CODEC(ZSTD(1)) COMMENT 'Trace id, hex in views [16 bytes]',
  span_id FixedString(8) CODEC(NONE) COMMENT 'Span id of the run, hex in views [8 bytes]',
  parent_span_id FixedString(8) CODEC(ZSTD(1)) COMMENT 'Span id of the parent, zero at the root, hex in views [8 bytes]',
  service LowCardinality(String) COMMENT 'Resource attribute service.name',
  status LowCardinality(String) COMMENT 'completed, failed, cancelled or abandoned',
  error_type LowCardinality(String) COMMENT 'What the run raised, empty if nothing',
  duration_ns UInt64 CODEC(ZSTD(1)) COMMENT 'From start to end [ns]',
  quality Array(LowCardinality(String)) COMMENT 'Columns whose value in the span could not be used',
  attrs Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'Span attributes without a column',
  ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the row was written',
  INDEX ix_task task_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ReplacingMergeTree
PARTITION BY toDate(ts)
ORDER BY (workload, toStartOfHour(ts), task_id, ts)
TTL toDateTime(ingested_at) + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS signals
(
  signal_id String CODEC(ZSTD(1)) COMMENT 'Idempotency id: revisions of one signal share it',
  task_id UInt128 CODEC(ZSTD(1)) COMMENT 'Run that was judged, 0 if only the key is known [UUIDv7 as number]',
  task_ref UInt128 CODEC(ZSTD(1)) COMMENT 'Hash of workload and key, 0 if only the run is known',
  workload LowCardinality(String) COMMENT 'Kind of task, empty if the signal does not say',
  task_key String CODEC(ZSTD(1)) COMMENT 'Host key, empty if only the run is known',
  kind LowCardinality(String) COMMENT 'accept, reject, edit, escalate, fail, score or void',
  name LowCardinality(String) COMMENT 'Name of the judgement',
  label LowCardinality(String) COMMENT 'Label of the judgement',
  value Nullable(Float64) CODEC(ZSTD(1)) COMMENT 'Score, edit distance or review minutes; NULL without one',
  verdict Nullable(UInt8) COMMENT '1 success, 0 failure, NULL if the signal decides nothing',
  actor LowCardinality(String) COMMENT 'Who or what judged, as the host names it',
  source LowCardinality(String) COMMENT 'Authority: human, automated or system',
  event_ts DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the judgement was made',
  revision Int64 CODEC(ZSTD(1)) COMMENT 'The highest revision of a signal id counts [1]',
  voided Bool COMMENT 'Whether this revision withdraws the signal',
  trace_id FixedString(16) CODEC(ZSTD(1)) COMMENT 'Trace that was current, zero without one, hex in views [16 bytes]',
  span_id FixedString(8) CODEC(ZSTD(1)) COMMENT 'Span that was current, zero without one, hex in views [8 bytes]',
  service LowCardinality(String) COMMENT 'Resource attribute service.name',
  quality Array(LowCardinality(String)) COMMENT 'Columns whose value in the record could not be used',
  attrs Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'Attributes of the record without a column',
  ingested_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the row was written'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(event_ts)
ORDER BY (task_ref, task_id, trace_id, span_id, signal_id, revision, event_ts)
TTL toDateTime(ingested_at) + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000;

-- Hours in which two spans may be one call: what `calls_counted` looks at before it looks at any pair of spans.
CREATE TABLE IF NOT EXISTS call_emitters
(
  hour DateTime('UTC') COMMENT 'Hour of calls',
  scope String COMMENT 'Instrumentation scope that emitted some in that hour',
  dialect LowCardinality(String) COMMENT 'Reading of its attributes'
)
ENGINE = ReplacingMergeTree
ORDER BY (hour, scope, dialect)
SETTINGS non_replicated_deduplication_window = 10000;
