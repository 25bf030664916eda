-- `calls_counted`, right for hours that are not settled or were not five minutes ago: only these, and hours next to them,
-- are searched for duplicates. The five minutes are for a query that has listed the live hours before it comes here.
CREATE OR REPLACE VIEW compared_live_calls AS
WITH
(
  SELECT groupArray(hour)
  FROM call_mixed_hours
  WHERE hour IN
  (
    SELECT arrayJoin([live.hour - 3600, live.hour, live.hour + 3600])
    FROM
    (
      SELECT hour
      FROM rollup_hours
      WHERE NOT is_settled
      UNION ALL
      SELECT bucket AS hour
      FROM settled
      WHERE settled_at >= now64(3, 'UTC') - INTERVAL 5 MINUTE
    ) AS live
  )
) AS search_hours
SELECT *
FROM
(
{compare_calls}
);
