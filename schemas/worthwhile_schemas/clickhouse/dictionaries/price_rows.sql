-- (provider, model, tier, second of the day, input) and day -> prices by kind, in the order of `prices`; -1 is none.
CREATE OR REPLACE VIEW price_rows_source AS
SELECT
  toString(provider) AS provider,
  model,
  toString(service_tier) AS service_tier,
  day_from,
  input_from,
  since,
  until - 1 AS last_day,
  toString(version) AS version,
  arrayMap(price -> ifNull(price, toDecimal128(-1, 12)), [
    input_price,
    output_price,
    cache_read_price,
    cache_write_price,
    cache_write_1h_price,
    audio_input_price,
    audio_cache_read_price,
    reasoning_price,
    audio_output_price,
    web_search_price,
    request_price
  ]) AS amounts
FROM prices FINAL
WHERE version = (SELECT argMax(version, loaded_at) FROM price_lists);

CREATE OR REPLACE DICTIONARY price_rows
(
  provider String,
  model String,
  service_tier String,
  day_from UInt32,
  input_from UInt64,
  since Date32,
  last_day Date32,
  version String,
  amounts Array(Decimal(38, 12))
)
PRIMARY KEY provider, model, service_tier, day_from, input_from
SOURCE(CLICKHOUSE({login}TABLE 'price_rows_source'))
LAYOUT(COMPLEX_KEY_RANGE_HASHED())
RANGE(MIN since MAX last_day)
LIFETIME(MIN 60 MAX 120);
