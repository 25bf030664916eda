-- Roll-ups of `calls`. They are no running sums: an hour that was written to is computed again from `calls_counted`, which
-- counts a call once however often it arrived, and appended as a new generation. `settled` names the generation that
-- counts; hours written to since then are read from `calls_counted` by the views (docs/decisions/0009).

CREATE TABLE IF NOT EXISTS touched_hours
(
  hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'Start of an hour that calls were written to',
  touches SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)) COMMENT 'Inserts that wrote calls of that hour [1]',
  calls SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)) COMMENT 'Rows that they wrote, calls that arrived twice counted twice [1]',
  first_ingested_at SimpleAggregateFunction(min, DateTime64(3, 'UTC')) CODEC(ZSTD(1)) COMMENT 'Arrival of the first of them',
  last_touched_at SimpleAggregateFunction(max, DateTime64(3, 'UTC')) CODEC(ZSTD(1)) COMMENT 'When the last of those inserts ran'
)
ENGINE = AggregatingMergeTree
ORDER BY hour
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS settle_plan
(
  planned_at DateTime64(6, 'UTC') CODEC(ZSTD(1)) COMMENT 'When the hours were chosen; the newest choice is worked on',
  hour DateTime('UTC') CODEC(ZSTD(1)) COMMENT 'Start of an hour to compute again',
  touches UInt64 CODEC(ZSTD(1)) COMMENT 'Inserts into the hour that were known when it was chosen [1]'
)
ENGINE = MergeTree
ORDER BY (planned_at, hour)
TTL toDateTime(planned_at) + INTERVAL 1 DAY;

CREATE TABLE IF NOT EXISTS settled
(
  grain LowCardinality(String) COMMENT 'Roll-up that the row is about: minute, hour or day',
  bucket DateTime('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'Start of the hour; of the day for the grain day',
  generation UInt64 CODEC(ZSTD(1)) COMMENT 'A complete computing of that hour or day: the highest one counts',
  touches UInt64 CODEC(ZSTD(1)) COMMENT 'As in the roll-up: the hour is up to date while `touched_hours` says the same [1]',
  settled_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') CODEC(ZSTD(1)) COMMENT 'When that computing was found complete'
)
ENGINE = ReplacingMergeTree
ORDER BY (grain, bucket, generation);

CREATE TABLE IF NOT EXISTS retention
(
  table_name LowCardinality(String) COMMENT 'Table that forgets',
  days UInt32 COMMENT 'How long it keeps a row after its arrival [d]',
  complete_since DateTime64(3, 'UTC') COMMENT 'Rows that arrived before this may be gone',
  set_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC') COMMENT 'When this was set; the last setting counts'
)
ENGINE = MergeTree
ORDER BY (table_name, set_at);

CREATE TABLE IF NOT EXISTS calls_1h
(
  ts DateTime('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'Start of the minute, hour or day',
  workload LowCardinality(String) COMMENT 'Kind of task, empty outside a task',
  service LowCardinality(String) COMMENT 'Resource attribute service.name',
  tenant LowCardinality(String) COMMENT 'Customer or team that the calls are charged to, empty if unknown',
  provider LowCardinality(String) COMMENT 'Who answered',
  model LowCardinality(String) COMMENT 'Model that answered, or the one asked for when that is unknown',
  request_model LowCardinality(String) COMMENT 'Model asked for',
  response_model LowCardinality(String) COMMENT 'Model that answered, empty if unknown',
  tier LowCardinality(String) COMMENT 'edge, local, gateway, cloud or frontier; empty if unknown',
  locality LowCardinality(String) COMMENT 'host, private or public; empty if unknown',
  operation LowCardinality(String) COMMENT 'chat, text_completion, embeddings, generate_content',
  dialect LowCardinality(String) COMMENT 'Which reading of attributes made the rows',
  fallback_from LowCardinality(String) COMMENT 'Model whose failure led to the calls, empty if none',
  calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls that were recorded [1]',
  weighted_calls Float64 CODEC(ZSTD(1)) COMMENT 'Calls that these stand for, by their sample weights [1]',
  failed_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls that ended in an error [1]',
  weighted_failed_calls Float64 CODEC(ZSTD(1)) COMMENT 'Failed calls that these stand for [1]',
  error_types Map(LowCardinality(String), UInt64) CODEC(ZSTD(1)) COMMENT 'Failed calls by error type [1]',
  truncated_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls whose output was cut at a limit [1]',
  refused_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls whose output was withheld by a filter or refused [1]',
  finished_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls with a known finish reason, what the two before divide by [1]',
  streamed_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls known to be streamed [1]',
  fallbacks UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls made because another model failed [1]',
  calls_with_resends UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls whose number of HTTP tries is known [1]',
  resends Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'HTTP tries after the first, NULL if unknown for all [1]',
  resent_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls with more than one HTTP try [1]',
  retry_wait_ns Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Time spent waiting between HTTP tries, NULL if unknown for all [ns]',
  response_cache_hits UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls answered by a response cache [1]',
  calls_with_input UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls whose input is known [1]',
  input_tokens Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Input with its cached parts, NULL if unknown for all [tokens]',
  weighted_input_tokens Nullable(Float64) CODEC(ZSTD(1)) COMMENT 'Estimate of all input by sample weights, NULL if unknown for all [tokens]',
  calls_with_output UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls whose output is known [1]',
  output_tokens Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Output with its reasoning, NULL if unknown for all [tokens]',
  weighted_output_tokens Nullable(Float64) CODEC(ZSTD(1)) COMMENT 'Estimate of all output by sample weights, NULL if unknown for all [tokens]',
  output_tokens_squared Nullable(Float64) CODEC(ZSTD(1)) COMMENT 'Sum of squares of the outputs, for their spread; NULL if unknown for all [tokens2]',
  calls_with_cache_read UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls whose cache reads are known [1]',
  prompt_cache_hits UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls that read from the prompt cache [1]',
  cache_read_tokens Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Input read from the prompt cache, NULL if unknown for all [tokens]',
  cache_input_tokens Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Input of the calls whose cache reads are known, what their rate divides by; NULL if none [tokens]',
  cache_write_tokens Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Input written to the prompt cache, NULL if unknown for all [tokens]',
  reasoning_tokens Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Output spent on reasoning, NULL if unknown for all [tokens]',
  audio_input_tokens Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Input that is audio, NULL if unknown for all [tokens]',
  audio_output_tokens Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Output that is audio, NULL if unknown for all [tokens]',
  web_searches Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Searches that providers ran and bill, NULL if unknown for all [1]',
  usage_reported_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls whose tokens the provider reported [1]',
  usage_derived_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls whose tokens were derived [1]',
  usage_estimated_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls whose tokens were estimated [1]',
  usage_inconsistent_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls whose token counts contradict each other [1]',
  unmetered_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls without any token count [1]',
  priced_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls whose cost is known [1]',
  cost_usd Nullable(Decimal(38, 12)) CODEC(ZSTD(1)) COMMENT 'Cost of the priced calls, NULL if there is none [USD]',
  weighted_cost_usd Nullable(Float64) CODEC(ZSTD(1)) COMMENT 'Estimate of the cost of all calls like the priced ones by sample weights, NULL if none is priced [USD]',
  cost_input_usd Nullable(Decimal(38, 12)) CODEC(ZSTD(1)) COMMENT 'Part for fresh input, NULL if unknown for all [USD]',
  cost_cache_read_usd Nullable(Decimal(38, 12)) CODEC(ZSTD(1)) COMMENT 'Part for cache reads, NULL if unknown for all [USD]',
  cost_cache_write_usd Nullable(Decimal(38, 12)) CODEC(ZSTD(1)) COMMENT 'Part for cache writes, NULL if unknown for all [USD]',
  cost_output_usd Nullable(Decimal(38, 12)) CODEC(ZSTD(1)) COMMENT 'Part for output, NULL if unknown for all [USD]',
  cost_server_tools_usd Nullable(Decimal(38, 12)) CODEC(ZSTD(1)) COMMENT 'Part for server-side tools, NULL if unknown for all [USD]',
  calls_with_cache_saving UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls whose saving by prompt caching is known [1]',
  cache_saving_usd Nullable(Decimal(38, 12)) CODEC(ZSTD(1)) COMMENT 'What the calls would have cost more without prompt caching, NULL if unknown for all [USD]',
  provider_priced_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls priced by the provider [1]',
  list_priced_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls priced from the list [1]',
  contract_priced_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls priced by a contract [1]',
  self_hosted_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls of self-hosted models [1]',
  calls_with_energy UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls whose energy is known, measured or not [1]',
  measured_energy_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls whose energy was metered or attributed from a meter [1]',
  measured_energy_uj Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Energy of those calls, NULL if none [uJ]',
  estimated_energy_uj Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Energy of the calls whose energy was modelled or estimated, NULL if none [uJ]',
  weighted_measured_energy_uj Nullable(Float64) CODEC(ZSTD(1)) COMMENT 'Estimate of the measured energy of all calls by sample weights, NULL if none [uJ]',
  measured_energy_output_tokens Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Output of the calls whose energy was measured, NULL if unknown for all [tokens]',
  flagged_calls UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls with a value in the span that could not be used [1]',
  duration_ns UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Sum of durations [ns]',
  duration_sketch AggregateFunction(quantilesDD(0.01, 0.5, 0.9, 0.95, 0.99), UInt64) CODEC(ZSTD(1)) COMMENT 'Sketch of durations, unweighted; quantilesDDMerge(0.01, 0.5, 0.9, 0.95, 0.99) reads it [ns]',
  calls_with_ttft UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Calls whose time to the first chunk is known [1]',
  ttft_ns Nullable(UInt64) CODEC(ZSTD(1)) COMMENT 'Sum of times to the first chunk, NULL if unknown for all [ns]',
  ttft_sketch AggregateFunction(quantilesDD(0.01, 0.5, 0.9, 0.95, 0.99), UInt64) CODEC(ZSTD(1)) COMMENT 'Sketch of times to the first chunk, unweighted, read likewise [ns]',
  generation UInt64 CODEC(ZSTD(1)) COMMENT 'Which computing of the hour (or day) made the row; `settled` names the one that counts',
  touches UInt64 CODEC(ZSTD(1)) COMMENT 'Inserts into the hour that the row knows of; of a day, a fingerprint of the hours that it was made of [1]',
  rows_in_generation UInt64 CODEC(T64, ZSTD(1)) COMMENT 'Rows that this computing of the hour (or day) has: fewer are an unfinished one [1]'
)
ENGINE = MergeTree
PARTITION BY toMonday(ts)
ORDER BY (workload, model, ts, provider, service, request_model, response_model, tier, locality, operation, dialect, fallback_from, tenant)
TTL if(ts < '2000-01-01 00:00:00', toDateTime('2100-01-01 00:00:00', 'UTC'), ts) + INTERVAL 760 DAY
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS calls_1m AS calls_1h
ENGINE = MergeTree
PARTITION BY toDate(ts)
ORDER BY (workload, model, ts, provider, service, request_model, response_model, tier, locality, operation, dialect, fallback_from, tenant)
TTL if(ts < '2000-01-01 00:00:00', toDateTime('2100-01-01 00:00:00', 'UTC'), ts) + INTERVAL 8 DAY
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS calls_1d AS calls_1h
ENGINE = MergeTree
PARTITION BY toYYYYMM(ts)
ORDER BY (workload, model, ts, provider, service, request_model, response_model, tier, locality, operation, dialect, fallback_from, tenant)
TTL if(ts < '2000-01-01 00:00:00', toDateTime('2100-01-01 00:00:00', 'UTC'), ts) + INTERVAL 760 DAY
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1, non_replicated_deduplication_window = 10000;
