-- Planned hours without a call in them (touched for a neighbour's sake, or by duplicates only): nothing to append.
WITH
  (SELECT toUInt64(generateSnowflakeID())) AS this_generation,
  (SELECT groupArray((grain, hour, touches)) FROM settle_hours) AS plan,
  arrayMap(one -> one.2, plan) AS plan_hours,
  (SELECT groupArray(hour) FROM call_mixed_hours WHERE hasAny(plan_hours, [hour - 3600, hour, hour + 3600])) AS search_hours
SELECT
  one.1 AS grain,
  one.2 AS bucket,
  this_generation AS generation,
  one.3 AS touches,
  now64(3, 'UTC') AS settled_at
FROM (SELECT arrayJoin(plan) AS one)
WHERE bucket NOT IN
(
  SELECT toStartOfHour(called.ts)
  FROM
  (
{compare_calls}
  ) AS called
  WHERE toStartOfHour(called.ts) IN (SELECT arrayJoin(plan_hours))
)
