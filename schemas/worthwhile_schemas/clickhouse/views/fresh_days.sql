-- Calls by day, with the columns of `calls_hourly` and exact at any moment, made of hours.
CREATE OR REPLACE VIEW fresh_days AS
SELECT
  toStartOfDay(made.ts) AS ts,
{rollup_made_dimensions},
{rollup_sums}
FROM calls_hourly AS made
GROUP BY ALL;
