-- What calls are priced with: list prices and the rules that tell which model a name means, from the price snapshot; the
-- host's contract prices with exchange rates; and every change that re-pricing made to a cost.
-- An amount is in picodollars (10^-12 USD, or of the contract's currency) for one unit; NULL is no price of its own.

CREATE TABLE IF NOT EXISTS calls_in AS calls
ENGINE = Null
COMMENT 'Calls as the normaliser reads them, before prices are looked up; keeps nothing';

CREATE TABLE IF NOT EXISTS calls_asked AS calls
ENGINE = Null
COMMENT 'Calls whose price has to be looked up; keeps nothing';

CREATE TABLE IF NOT EXISTS calls_rated
ENGINE = Null
COMMENT 'Calls with the prices that hold for them; keeps nothing'
EMPTY AS
SELECT
  * EXCEPT (ingested_at),
  '' AS found_version,
  '' AS found_basis,
  toInt128(1) AS scale,
  [true] AS has,
  toInt128(0) AS hour_rate,
  toInt128(0) AS kwh_rate,
  [toInt128(0)] AS rates
FROM calls;

CREATE TABLE IF NOT EXISTS calls_repriced
ENGINE = Null
COMMENT 'Calls whose cost re-pricing changes, with the cost that they had; keeps nothing'
EMPTY AS
SELECT
  * EXCEPT (ingested_at),
  '' AS revision,
  cost_usd AS old_cost_usd,
  cost_basis AS old_cost_basis,
  price_version AS old_price_version
FROM calls;

CREATE TABLE IF NOT EXISTS price_lists
(
  version String COMMENT 'Names the prices wherever a cost is stored',
  listed_on Date32 COMMENT 'Day on which the prices were last seen to change',
  source String COMMENT 'What they were built from',
  sha256 String COMMENT 'Checksum of the list',
  models UInt32 COMMENT 'Models in the list [1]',
  loaded_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the list was loaded; the last one loaded is in force'
)
ENGINE = ReplacingMergeTree(loaded_at)
ORDER BY version
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS prices
(
  version LowCardinality(String) COMMENT 'Price list that the row is of',
  provider LowCardinality(String) COMMENT 'Provider, as the list names it',
  model String COMMENT 'Model, as the list names it',
  service_tier LowCardinality(String) COMMENT 'Service tier, batch included; empty is every tier without rows of its own',
  since Date32 COMMENT 'First UTC day',
  until Date32 COMMENT 'First UTC day after',
  day_from UInt32 COMMENT 'Part of the UTC day in which it holds: from this second on [s]',
  day_until UInt32 COMMENT 'Part of the UTC day in which it holds: before this second [s]',
  input_from UInt64 COMMENT 'Least input of the calls that it is for, up to that of the next such row [tokens]',
  input_price Nullable(Decimal(38, 12)) COMMENT 'A token of input [pUSD]',
  output_price Nullable(Decimal(38, 12)) COMMENT 'A token of output [pUSD]',
  cache_read_price Nullable(Decimal(38, 12)) COMMENT 'A token read from the prompt cache; NULL costs what input does [pUSD]',
  cache_write_price Nullable(Decimal(38, 12)) COMMENT 'A token written to the prompt cache; NULL costs what input does [pUSD]',
  cache_write_1h_price Nullable(Decimal(38, 12)) COMMENT 'A token written for an hour or more; NULL costs what other writes do [pUSD]',
  audio_input_price Nullable(Decimal(38, 12)) COMMENT 'A token of audio input; NULL costs what input does [pUSD]',
  audio_cache_read_price Nullable(Decimal(38, 12)) COMMENT 'A token of audio read from the cache; a call cannot say how many those are [pUSD]',
  reasoning_price Nullable(Decimal(38, 12)) COMMENT 'A token of reasoning; NULL costs what output does [pUSD]',
  audio_output_price Nullable(Decimal(38, 12)) COMMENT 'A token of audio output; NULL costs what output does [pUSD]',
  web_search_price Nullable(Decimal(38, 12)) COMMENT 'A search that the provider ran; NULL costs nothing [pUSD]',
  request_price Nullable(Decimal(38, 12)) COMMENT 'A call; NULL costs nothing [pUSD]',
  other_prices Map(LowCardinality(String), Decimal(38, 12)) COMMENT 'Prices of what calls do not count, such as images [pUSD]'
)
ENGINE = ReplacingMergeTree
ORDER BY (version, provider, model, service_tier, since, day_from, input_from)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS model_match
(
  version LowCardinality(String) COMMENT 'Price list that the rule is of',
  scope LowCardinality(String) COMMENT 'Provider whose models it tells; empty: it tells providers; *: it tells providers from models',
  position UInt32 COMMENT 'The lowest position whose rule fits counts; rules of one position are alternatives [1]',
  operations Array(LowCardinality(String)) COMMENT 'equals, starts_with, ends_with, contains, regex or not_regex, for each text; all must hold',
  texts Array(String) COMMENT 'What the name, in lower case, is compared with',
  provider LowCardinality(String) COMMENT 'Provider under which prices has the model; empty is never priced from a list',
  model String COMMENT 'Model that the name means, empty where the rule tells providers',
  has_tiers Bool COMMENT 'Whether tiers have their own prices there; not where one provider sells the models of another'
)
ENGINE = ReplacingMergeTree
ORDER BY (version, scope, position, operations, texts)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS price_overrides
(
  name String COMMENT 'Contract, the name in its file',
  number UInt32 COMMENT 'Position of the row in the file [1]',
  version LowCardinality(String) COMMENT 'Name and checksum of the file, stored with every cost',
  provider String COMMENT 'Provider as the file names it, lower case',
  model String COMMENT 'Pattern over the model name, or its name in the price list, lower case',
  model_regex String COMMENT 'The pattern as a regular expression',
  service_tier LowCardinality(String) COMMENT 'standard, flex, priority, fast, batch or any',
  since Date32 COMMENT 'First UTC day',
  until Date32 COMMENT 'First UTC day after',
  currency LowCardinality(String) COMMENT 'Currency of the amounts, as in fx_rates',
  list_percent Nullable(Decimal(18, 9)) COMMENT 'Part of the list price that is paid, instead of amounts; NULL if the row has amounts [%]',
  input_price Nullable(Decimal(38, 12)) COMMENT 'A token of input [picounits of currency]',
  output_price Nullable(Decimal(38, 12)) COMMENT 'A token of output [picounits of currency]',
  cache_read_price Nullable(Decimal(38, 12)) COMMENT 'A token read from the prompt cache [picounits of currency]',
  cache_write_price Nullable(Decimal(38, 12)) COMMENT 'A token written to the prompt cache [picounits of currency]',
  cache_write_1h_price Nullable(Decimal(38, 12)) COMMENT 'A token written for an hour or more [picounits of currency]',
  audio_input_price Nullable(Decimal(38, 12)) COMMENT 'A token of audio input [picounits of currency]',
  audio_cache_read_price Nullable(Decimal(38, 12)) COMMENT 'A token of audio read from the cache [picounits of currency]',
  reasoning_price Nullable(Decimal(38, 12)) COMMENT 'A token of reasoning [picounits of currency]',
  audio_output_price Nullable(Decimal(38, 12)) COMMENT 'A token of audio output [picounits of currency]',
  web_search_price Nullable(Decimal(38, 12)) COMMENT 'A search that the provider ran [picounits of currency]',
  request_price Nullable(Decimal(38, 12)) COMMENT 'A call [picounits of currency]',
  hour_price Nullable(Decimal(38, 12)) COMMENT 'An hour of the hardware that one call occupies [picounits of currency]',
  kwh_price Nullable(Decimal(38, 12)) COMMENT 'A kilowatt-hour of the energy measured for a call [picounits of currency]',
  added_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the row was added; of contracts with rows of one day the one added last counts',
  is_removed Bool DEFAULT false COMMENT 'Whether this withdraws the row'
)
ENGINE = ReplacingMergeTree(added_at)
ORDER BY (name, number)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS fx_rates
(
  currency LowCardinality(String) COMMENT 'Currency, such as EUR',
  since Date32 COMMENT 'First UTC day; the rate holds until the next one',
  usd Decimal(38, 12) COMMENT 'What one unit of the currency is worth [USD]',
  source String COMMENT 'Who says so',
  added_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the rate was added'
)
ENGINE = ReplacingMergeTree(added_at)
ORDER BY (currency, since)
SETTINGS non_replicated_deduplication_window = 10000;

CREATE TABLE IF NOT EXISTS price_revisions
(
  revision String COMMENT 'Re-pricing run that changed the cost',
  revised_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it did',
  ts DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1)) COMMENT 'When the call started',
  trace_id FixedString(16) CODEC(ZSTD(1)) COMMENT 'Trace id, hex in views [16 bytes]',
  span_id FixedString(8) CODEC(NONE) COMMENT 'Span id, hex in views [8 bytes]',
  workload LowCardinality(String) COMMENT 'Kind of task that the call belongs to, empty outside a task',
  provider LowCardinality(String) COMMENT 'Who answered',
  model LowCardinality(String) COMMENT 'Model that answered, or the one asked for if that is unknown',
  old_cost_usd Nullable(Decimal(18, 12)) COMMENT 'Cost before, NULL if unknown [USD]',
  old_cost_basis LowCardinality(String) COMMENT 'Basis before',
  old_price_version LowCardinality(String) COMMENT 'Version of the prices before, empty if none',
  new_cost_usd Nullable(Decimal(18, 12)) COMMENT 'Cost since then, NULL if unknown [USD]',
  new_cost_basis LowCardinality(String) COMMENT 'Basis since then',
  new_price_version LowCardinality(String) COMMENT 'Version of the prices since then, empty if none'
)
ENGINE = ReplacingMergeTree(revised_at)
PARTITION BY toYYYYMM(ts)
ORDER BY (revision, ts, trace_id, span_id)
SETTINGS non_replicated_deduplication_window = 10000;
