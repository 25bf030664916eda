-- A new generation of the planned hours by minute, from calls that are each counted once. It counts when `settled` says so.
WITH
  (SELECT toUInt64(generateSnowflakeID())) AS this_generation,
  (SELECT groupArray((hour, touches)) FROM settle_hours WHERE grain = 'minute') AS plan,
  arrayMap(one -> one.1, plan) AS plan_hours,
  (SELECT groupArray(hour) FROM call_mixed_hours WHERE hasAny(plan_hours, [hour - 3600, hour, hour + 3600])) AS search_hours
SELECT
  rolled.*,
  this_generation AS generation,
  plan[indexOf(plan_hours, toStartOfHour(rolled.ts))].2 AS touches,
  count() OVER (PARTITION BY toStartOfHour(rolled.ts)) AS rows_in_generation
FROM
(
  SELECT
    toStartOfMinute(called.ts) AS ts,
{rollup_called_dimensions},
{rollup_calls}
  FROM
  (
{compare_calls}
  ) AS called
  WHERE toStartOfHour(called.ts) IN (SELECT arrayJoin(plan_hours))
  GROUP BY ALL
) AS rolled
