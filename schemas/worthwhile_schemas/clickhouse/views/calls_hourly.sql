-- Calls by hour, exact at any moment: the roll-up of settled hours, and calls themselves of the others. `ts` is the start
-- of the hour, `model` the answering model, or the requested one where that is unknown. `calls_with_…` and the like say
-- for how many calls a figure is known; a sum is NULL when it is known for none. Percentiles over several rows:
-- quantilesDDMerge(0.01, 0.5, 0.9, 0.95, 0.99)(duration_sketch), within one percent.
CREATE OR REPLACE VIEW calls_hourly AS
WITH (SELECT groupArray(hour) FROM rollup_hours WHERE grain = 'hour' AND NOT is_settled) AS live_hours
SELECT
  ts,
{rollup_dimensions},
{rollup_columns}
FROM calls_1h
WHERE ts NOT IN (SELECT arrayJoin(live_hours))
  AND (ts, generation) IN (SELECT bucket, max(generation) FROM settled WHERE grain = 'hour' GROUP BY bucket)
UNION ALL
SELECT
  ts,
{rollup_dimensions},
{rollup_columns}
FROM hours_now
WHERE ts IN (SELECT arrayJoin(live_hours))
  AND _table =
  (
    SELECT multiIf(empty(live_hours), '', count() = 0, 'plain_hours', 'compared_hours')
    FROM call_mixed_hours
    WHERE has(live_hours, hour)
  );
