-- currency and day -> USD of one unit; 0 where nobody said.
CREATE OR REPLACE VIEW exchange_rates_source AS
SELECT
  toString(currency) AS currency,
  since,
  leadInFrame(since - 1, 1, toDate32('2299-12-31')) OVER (
    PARTITION BY currency ORDER BY since ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last_day,
  usd
FROM fx_rates FINAL;

CREATE OR REPLACE DICTIONARY exchange_rates
(
  currency String,
  since Date32,
  last_day Date32,
  usd Decimal(38, 12)
)
PRIMARY KEY currency
SOURCE(CLICKHOUSE({login}TABLE 'exchange_rates_source'))
LAYOUT(COMPLEX_KEY_RANGE_HASHED())
RANGE(MIN since MAX last_day)
LIFETIME(MIN 60 MAX 120);
