-- Calls by day, UTC, with the columns of `calls_hourly`, exact at any moment: the roll-up of settled days, and hours of
-- the others.
CREATE OR REPLACE VIEW calls_daily AS
WITH
  (SELECT groupArray((day, generation, is_settled)) FROM rollup_days) AS days,
  arrayMap(one -> (one.1, one.2), arrayFilter(one -> one.3, days)) AS settled_days,
  arrayMap(one -> one.1, arrayFilter(one -> NOT one.3, days)) AS open_days
SELECT
  ts,
{rollup_dimensions},
{rollup_columns}
FROM calls_1d
WHERE (ts, generation) IN (SELECT arrayJoin(settled_days))
UNION ALL
SELECT
  toStartOfDay(made.ts) AS ts,
{rollup_made_dimensions},
{rollup_sums}
FROM calls_hourly AS made
WHERE toStartOfDay(made.ts) IN (SELECT arrayJoin(open_days))
GROUP BY ALL;
