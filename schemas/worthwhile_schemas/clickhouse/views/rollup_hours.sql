-- Every hour that calls were written to, for each grain that is computed by the hour, and the generation of its roll-up
-- that counts. An hour is settled while nothing was written to it since that generation was begun. A frozen hour stays as
-- it is: calls of it may have been deleted by age, so that computing it again would lose them. Minutes are kept for the
-- current day and six before it.
CREATE OR REPLACE VIEW rollup_hours AS
SELECT
  touched.grain AS grain,
  touched.hour AS hour,
  touched.touches AS touches,
  touched.calls AS calls,
  touched.last_touched_at AS last_touched_at,
  records.generation AS generation,
  touched.first_ingested_at < (
    SELECT if(count() = 0, toDateTime64(0, 3, 'UTC'), max(greatest(complete_since, now64(3, 'UTC') - toIntervalDay(days))))
    FROM (SELECT complete_since, days FROM retention WHERE table_name = 'calls' ORDER BY set_at DESC LIMIT 1)) AS is_frozen,
  records.generation != 0 AND (is_frozen OR records.known_touches = touched.touches) AS is_settled
FROM
(
  SELECT
    arrayJoin(['minute', 'hour']) AS grain,
    hour,
    sum(writes.touches) AS touches,
    sum(writes.calls) AS calls,
    min(writes.first_ingested_at) AS first_ingested_at,
    max(writes.last_touched_at) AS last_touched_at
  FROM touched_hours AS writes
  GROUP BY hour
  HAVING grain = 'hour' OR hour >= toStartOfDay(now('UTC')) - INTERVAL 6 DAY
) AS touched
LEFT JOIN
(
  SELECT
    made.grain AS grain,
    made.bucket AS hour,
    max(made.generation) AS generation,
    argMax(made.touches, made.generation) AS known_touches
  FROM settled AS made
  GROUP BY grain, hour
) AS records ON records.grain = touched.grain AND records.hour = touched.hour;
