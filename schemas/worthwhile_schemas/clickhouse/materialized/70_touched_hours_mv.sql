-- calls -> touched_hours: which hours have calls that their roll-up does not know of yet. A call is in the hour that it
-- started in. What decides whether two spans are one call may lie on the other side of an hour's end, so the hours of
-- five minutes before and after are touched as well.
CREATE OR REPLACE MATERIALIZED VIEW touched_hours_mv TO touched_hours AS
SELECT
  hour,
  toUInt64(1) AS touches,
  sumIf(written, hour = toStartOfHour(five_minutes)) AS calls,
  min(arrived_at) AS first_ingested_at,
  now64(3, 'UTC') AS last_touched_at
FROM
(
  SELECT
    toStartOfFiveMinutes(ts) AS five_minutes,
    count() AS written,
    min(ingested_at) AS arrived_at
  FROM calls
  GROUP BY five_minutes
)
ARRAY JOIN arrayDistinct([toStartOfHour(five_minutes), toStartOfHour(five_minutes - 300), toStartOfHour(five_minutes + 300)]) AS hour
GROUP BY hour;
