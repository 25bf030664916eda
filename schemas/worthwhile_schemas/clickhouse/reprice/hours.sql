-- Hours of a period that have calls to look at, and how many rows they have.
SELECT
  toStartOfHour(ts) AS hour,
  count() AS calls
FROM calls
WHERE ts >= {since:DateTime64(9, 'UTC')} AND ts < {until:DateTime64(9, 'UTC')}
  AND ({any_workload:Bool} OR workload = {workload:String})
GROUP BY hour
ORDER BY hour;
