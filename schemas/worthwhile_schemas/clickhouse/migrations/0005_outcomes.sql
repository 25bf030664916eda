-- What every task cost and how it ended, kept per unit of account, and per workload and day. Nothing here is added up at
-- insert: what an insert touches is queued, and recomputed as a whole from the rows of calls, task_runs and signals.

CREATE TABLE IF NOT EXISTS touched_tasks
(
  id UInt128 COMMENT 'What an insert spoke about: a unit of account or a run; 0 if only a span is known',
  run UInt128 COMMENT 'Innermost run of the row, 0 for a signal',
  task_ref UInt128 COMMENT 'Unit of account of that run, 0 for a signal',
  workload LowCardinality(String) COMMENT 'Workload of that run, empty for a signal',
  hour DateTime('UTC') COMMENT 'Hour in which the row started, 0 for a signal',
  what LowCardinality(String) COMMENT 'call, run or signal',
  trace_id FixedString(16) COMMENT 'Trace that a signal names when it names no task, else zero [16 bytes]',
  span_id FixedString(8) COMMENT 'Span that a signal names when it names no task, else zero [8 bytes]'
)
ENGINE = MergeTree
ORDER BY (hour, id)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS settling_units
(
  settling UInt64 COMMENT 'Settling that works it out; each reads its own rows only',
  task_ref UInt128 COMMENT 'Unit of account that is being settled',
  is_counted Bool COMMENT 'Whether runs or calls of the unit were touched; else only signals were',
  made_at DateTime('UTC') DEFAULT now('UTC') COMMENT 'When it was worked out; what a settling that was killed leaves is forgotten'
)
ENGINE = MergeTree
ORDER BY (settling, task_ref)
TTL made_at + INTERVAL 1 HOUR;

CREATE TABLE IF NOT EXISTS settling_runs
(
  settling UInt64 COMMENT 'Settling that works it out; each reads its own rows only',
  task_ref UInt128 COMMENT 'Unit of account that is being settled',
  workload LowCardinality(String) COMMENT 'Workload of a run of it',
  run UInt128 COMMENT 'That run',
  hour DateTime('UTC') COMMENT 'Hour in which the run or a call right under it started',
  is_counted Bool COMMENT 'Whether runs or calls of the unit were touched; else only signals were',
  made_at DateTime('UTC') DEFAULT now('UTC') COMMENT 'When it was worked out; what a settling that was killed leaves is forgotten'
)
ENGINE = MergeTree
ORDER BY (settling, hour, workload, run)
TTL made_at + INTERVAL 1 HOUR;

CREATE TABLE IF NOT EXISTS task_links
(
  id UInt128 CODEC(ZSTD(1)) COMMENT 'A unit of account, a run, or a run around it',
  hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)) COMMENT 'Hour in which a call or run under it started',
  workload LowCardinality(String) COMMENT 'Workload of that call or run',
  run UInt128 CODEC(ZSTD(1)) COMMENT 'Innermost run of that call; 0 if it is `id` itself',
  task_ref UInt128 CODEC(ZSTD(1)) COMMENT 'Unit of account of that run; 0 if it is `id` itself'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (id, hour, workload, run, task_ref)
SETTINGS index_granularity = 1024;

CREATE TABLE IF NOT EXISTS task_facts
(
  cohort_day Date COMMENT 'Day on which the first run of the unit started, UTC',
  workload LowCardinality(String) COMMENT 'Kind of task',
  task_ref UInt128 CODEC(ZSTD(1)) COMMENT 'Unit of account: hash of workload and key, or the run id without a key',
  task_key String CODEC(ZSTD(1)) COMMENT 'Host key, empty without one',
  ts DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the first run started',
  runs UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Runs of the unit [1]',
  open_runs UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Runs whose end is not known [1]',
  failed_runs UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Runs that raised [1]',
  run_durations_ns Array(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'How long each run took that ended, by start [ns]',
  last_status LowCardinality(String) COMMENT 'Status of the last run: completed, failed, cancelled, abandoned or open',
  last_end DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the last run ended, or started while its end is not known',
  depth UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Fewest tasks around a run of the unit [1]',
  calls UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Calls under the unit, each once [1]',
  failed_calls UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Calls that ended in an error [1]',
  priced_calls UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Calls whose cost is known [1]',
  self_hosted_calls UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Calls of own models without a cost [1]',
  unpriced_calls UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Other calls without a cost [1]',
  retries UInt32 CODEC(T64, ZSTD(1)) COMMENT 'HTTP tries after the first of each call [1]',
  fallbacks UInt32 CODEC(T64, ZSTD(1)) COMMENT 'Calls that stood in for another model [1]',
  cost_usd Nullable(Decimal(38, 12)) CODEC(ZSTD(1)) COMMENT 'Known cost of the calls, NULL if none is known [USD]',
  cache_saving_usd Nullable(Decimal(38, 12)) CODEC(ZSTD(1)) COMMENT 'Known saving by prompt caches, NULL if none is known [USD]',
  energy_uj Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Known energy of the calls, NULL if none is known [uJ]',
  input_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Input of the calls, NULL if unknown [tokens]',
  output_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Output of the calls, NULL if unknown [tokens]',
  cache_read_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Part of the input read from prompt caches, NULL if unknown [tokens]',
  cache_write_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Part of the input written to prompt caches, NULL if unknown [tokens]',
  reasoning_tokens Nullable(UInt64) CODEC(T64, ZSTD(1)) COMMENT 'Part of the output spent on reasoning, NULL if unknown [tokens]',
  last_model LowCardinality(String) COMMENT 'Model of the last call, the one asked for if none answered',
  models Array(LowCardinality(String)) CODEC(ZSTD(1)) COMMENT 'Models of the calls',
  sample_weight Float64 CODEC(ZSTD(1)) COMMENT 'Units that this one stands for: mean weight of its calls, 1 without calls [1]',
  verdict Nullable(UInt8) COMMENT '1 success, 0 failure, NULL while nothing judged the unit',
  verdict_kind LowCardinality(String) COMMENT 'Kind of the signal that counts, fail for a run that raised; empty without a verdict',
  verdict_name LowCardinality(String) COMMENT 'Name of the judgement that counts',
  verdict_value Nullable(Float64) CODEC(ZSTD(1)) COMMENT 'Its score, edit distance or review minutes; NULL without one',
  verdict_source LowCardinality(String) COMMENT 'Its authority: human, automated or system; empty without a verdict',
  verdict_actor LowCardinality(String) COMMENT 'Who or what judged, as the host names it',
  verdict_ts DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When it was judged, 0 without a verdict',
  verdict_revision Int64 CODEC(ZSTD(1)) COMMENT 'Revision of the signal that counts [1]',
  verdict_signal_id String CODEC(ZSTD(1)) COMMENT 'Signal that counts, empty if a run that raised or nothing judged the unit',
  is_escalated Bool COMMENT 'Whether a person had to take over',
  version UInt64 CODEC(Delta(8), ZSTD(1)) COMMENT 'Number of the settling that wrote the row; the highest counts [1]',
  is_gone Bool COMMENT 'Whether the unit has moved to another day since'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY cohort_day
ORDER BY (workload, task_ref)
SETTINGS min_age_to_force_merge_seconds = 3600, min_age_to_force_merge_on_partition_only = 1;

-- Reads the view that its condition on `_table` names, and only plans that one.
CREATE TABLE IF NOT EXISTS units_now AS task_facts
ENGINE = Merge(currentDatabase(), '^(settled_units|fresh_units)$');

CREATE TABLE IF NOT EXISTS waiting_signals
(
  id UInt128 CODEC(ZSTD(1)) COMMENT 'Unit of account or run that a signal named and that was not known; 0 if it named a span',
  trace_id FixedString(16) CODEC(ZSTD(1)) COMMENT 'Trace that the signal named, else zero [16 bytes]',
  span_id FixedString(8) CODEC(ZSTD(1)) COMMENT 'Span that the signal named, else zero [8 bytes]',
  version UInt64 CODEC(Delta(8), ZSTD(1)) COMMENT 'Number of the settling that found it waiting [1]',
  is_gone Bool COMMENT 'Whether its task has arrived since'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (id, trace_id, span_id);

CREATE TABLE IF NOT EXISTS cost_per_success_days
(
  workload LowCardinality(String) COMMENT 'Kind of task',
  cohort_day Date COMMENT 'Day on which the first runs of the units started, UTC',
  known_on Date COMMENT 'Day on which these figures were computed, UTC: the last of each such day is kept',
  computed_at DateTime64(3, 'UTC') COMMENT 'When they were computed',
  version UInt64 COMMENT 'Number of the settling that computed them [1]',
  tasks UInt64 COMMENT 'Units of account [1]',
  runs UInt64 COMMENT 'Their runs [1]',
  calls UInt64 COMMENT 'Their calls; one under two units counts in both [1]',
  priced_calls UInt64 COMMENT 'Calls whose cost is known [1]',
  labelled UInt64 COMMENT 'Units with a verdict [1]',
  successes UInt64 COMMENT 'Units judged a success [1]',
  escalations UInt64 COMMENT 'Units that a person had to take over [1]',
  labelled_cost_usd Nullable(Decimal(38, 12)) COMMENT 'Cost of the labelled units, NULL if unknown [USD]',
  labelled_cost_squared_usd2 Nullable(Decimal(76, 24)) COMMENT 'Sum of the squared costs of the labelled units, NULL if unknown [USD2]',
  cost_of_successes_usd Nullable(Decimal(38, 12)) COMMENT 'Cost of the successes, NULL if unknown [USD]',
  task_cost_usd Nullable(Decimal(38, 12)) COMMENT 'Cost of all units, NULL if unknown [USD]',
  weighted_tasks Float64 COMMENT 'Units that the sampled ones stand for, estimated [1]',
  weighted_labelled Float64 COMMENT 'Labelled units that they stand for, estimated [1]',
  weighted_successes Float64 COMMENT 'Successes that they stand for, estimated [1]',
  weighted_labelled_cost_usd Nullable(Float64) COMMENT 'Cost of the labelled units that they stand for, NULL if unknown, estimated [USD]',
  lag_count UInt64 COMMENT 'Units judged by a signal [1]',
  lags AggregateFunction(quantilesDD(0.01, 0.5, 0.95), Float64) COMMENT 'Their label lags: sketch with 1 % relative error [s]'
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(cohort_day)
ORDER BY (workload, cohort_day, known_on);

CREATE TABLE IF NOT EXISTS task_settlings
(
  version UInt64 COMMENT 'Number of the settling, from 1 [1]',
  settled_at DateTime64(3, 'UTC') COMMENT 'When it ended',
  touched UInt64 COMMENT 'Rows of the queue that it took [1]',
  units UInt64 COMMENT 'Units of account that it recomputed [1]',
  days UInt64 COMMENT 'Cohort days that it recomputed [1]'
)
ENGINE = MergeTree
ORDER BY version;
