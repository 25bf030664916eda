-- Calls by day, UTC, with the columns of `calls_hourly`, exact at any moment: the roll-up of settled days, and hours of
-- the others.
CREATE OR REPLACE VIEW calls_daily AS
WITH (SELECT groupArray(day) FROM rollup_days WHERE NOT is_settled) AS open_days
SELECT
  ts,
{rollup_dimensions},
{rollup_columns}
FROM calls_1d
WHERE ts NOT IN (SELECT arrayJoin(open_days))
  AND (ts, generation) IN (SELECT bucket, max(generation) FROM settled WHERE grain = 'day' GROUP BY bucket)
UNION ALL
SELECT
  ts,
{rollup_dimensions},
{rollup_columns}
FROM days_now
WHERE ts IN (SELECT arrayJoin(open_days))
  AND _table = if(empty(open_days), '', 'fresh_days');
