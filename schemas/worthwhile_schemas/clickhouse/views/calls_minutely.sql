-- Calls by minute of the current day and the six before it, with the columns of `calls_hourly`, exact at any moment.
CREATE OR REPLACE VIEW calls_minutely AS
WITH
  (SELECT groupArray((hour, generation, is_settled)) FROM rollup_hours WHERE grain = 'minute') AS hours,
  arrayMap(one -> (one.1, one.2), arrayFilter(one -> one.3, hours)) AS settled_hours,
  arrayMap(one -> one.1, arrayFilter(one -> NOT one.3, hours)) AS live_hours
SELECT
  ts,
{rollup_dimensions},
{rollup_columns}
FROM calls_1m
WHERE (toStartOfHour(ts), generation) IN (SELECT arrayJoin(settled_hours))
UNION ALL
SELECT
  toStartOfMinute(called.ts) AS ts,
{rollup_called_dimensions},
{rollup_calls}
FROM calls_counted AS called
WHERE toStartOfHour(called.ts) IN (SELECT arrayJoin(live_hours))
GROUP BY ALL;
