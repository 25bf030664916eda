-- One more write to every hour that has calls: their roll-ups are out of date, whatever they were computed from.
INSERT INTO touched_hours
SELECT
  hour,
  1 AS touches,
  0 AS calls,
  min(first_ingested_at) AS first_ingested_at,
  now64(3, 'UTC') - INTERVAL 1 MINUTE AS last_touched_at
FROM touched_hours
GROUP BY hour;
