-- Calls by minute of the current day and the six before it, with the columns of `calls_hourly`, exact at any moment.
CREATE OR REPLACE VIEW calls_minutely AS
WITH (SELECT groupArray(hour) FROM rollup_hours WHERE grain = 'minute' AND NOT is_settled) AS live_hours
SELECT
  ts,
{rollup_dimensions},
{rollup_columns}
FROM calls_1m
WHERE toStartOfHour(ts) NOT IN (SELECT arrayJoin(live_hours))
  AND (toStartOfHour(ts), generation) IN (SELECT bucket, max(generation) FROM settled WHERE grain = 'minute' GROUP BY bucket)
UNION ALL
SELECT
  ts,
{rollup_dimensions},
{rollup_columns}
FROM minutes_now
WHERE toStartOfHour(ts) IN (SELECT arrayJoin(live_hours))
  AND _table =
  (
    SELECT multiIf(empty(live_hours), '', count() = 0, 'plain_minutes', 'compared_minutes')
    FROM call_mixed_hours
    WHERE has(live_hours, hour)
  );
