-- A new generation of the days whose hours are all settled and differ from those that the day was made of.
WITH
  (SELECT toUInt64(generateSnowflakeID())) AS this_generation,
  (SELECT groupArray((day, fingerprint)) FROM (SELECT day, fingerprint FROM rollup_days WHERE is_ready AND NOT is_settled ORDER BY day DESC LIMIT 31)) AS plan,
  arrayMap(one -> one.1, plan) AS plan_days,
  (SELECT groupArray((hour, generation)) FROM rollup_hours WHERE grain = 'hour' AND is_settled) AS settled_hours
SELECT
  rolled.*,
  this_generation AS generation,
  plan[indexOf(plan_days, rolled.ts)].2 AS touches,
  count() OVER (PARTITION BY rolled.ts) AS rows_in_generation
FROM
(
  SELECT
    toStartOfDay(made.ts) AS ts,
{rollup_made_dimensions},
{rollup_sums}
  FROM calls_1h AS made
  WHERE toStartOfDay(made.ts) IN (SELECT arrayJoin(plan_days)) AND (made.ts, made.generation) IN (SELECT arrayJoin(settled_hours))
  GROUP BY ALL
) AS rolled
