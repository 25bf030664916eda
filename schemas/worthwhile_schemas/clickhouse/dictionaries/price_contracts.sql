-- provider -> contract rows for it, the one that counts last. Amounts in USD where the currency is the dollar; -1 is none.
CREATE OR REPLACE VIEW price_contracts_source AS
SELECT
  provider,
  groupArray(model_regex) AS model_regexes,
  groupArray(service_tier) AS service_tiers,
  groupArray(since) AS sinces,
  groupArray(until) AS untils,
  groupArray(currency) AS currencies,
  groupArray(version) AS versions,
  groupArray(list_percent) AS list_percents,
  groupArray(amounts) AS amounts,
  groupArray(hour_price) AS hour_prices,
  groupArray(kwh_price) AS kwh_prices
FROM
(
  SELECT
    provider,
    model_regex,
    toString(service_tier) AS service_tier,
    since,
    until,
    toString(currency) AS currency,
    toString(version) AS version,
    ifNull(list_percent, toDecimal64(-1, 9)) AS list_percent,
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
    ]) AS amounts,
    ifNull(hour_price, toDecimal128(-1, 12)) AS hour_price,
    ifNull(kwh_price, toDecimal128(-1, 12)) AS kwh_price
  FROM price_overrides FINAL
  WHERE NOT is_removed
  ORDER BY
    provider,
    since,
    added_at,
    name,
    number
)
GROUP BY provider;

CREATE OR REPLACE DICTIONARY price_contracts
(
  provider String,
  model_regexes Array(String),
  service_tiers Array(String),
  sinces Array(Date32),
  untils Array(Date32),
  currencies Array(String),
  versions Array(String),
  list_percents Array(Decimal(18, 9)),
  amounts Array(Array(Decimal(38, 12))),
  hour_prices Array(Decimal(38, 12)),
  kwh_prices Array(Decimal(38, 12))
)
PRIMARY KEY provider
SOURCE(CLICKHOUSE({login}TABLE 'price_contracts_source'))
LAYOUT(COMPLEX_KEY_HASHED())
LIFETIME(MIN 60 MAX 120);
