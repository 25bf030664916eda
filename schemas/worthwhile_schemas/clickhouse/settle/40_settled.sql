-- The generations that are complete: as many rows as the insert that made them had. The rest of an insert that was cut
-- short is never read, and its hour is planned again.
SELECT
  found.grain AS grain,
  found.bucket AS bucket,
  found.generation AS generation,
  found.touches AS touches,
  now64(3, 'UTC') AS settled_at
FROM
(
  SELECT
    'hour' AS grain,
    made.ts AS bucket,
    made.generation AS generation,
    any(made.touches) AS touches,
    count() = any(made.rows_in_generation) AS is_complete
  FROM calls_1h AS made
  WHERE made.ts IN (SELECT hour FROM settle_plan)
  GROUP BY bucket, generation
  UNION ALL
  SELECT
    'minute' AS grain,
    toStartOfHour(made.ts) AS bucket,
    made.generation AS generation,
    any(made.touches) AS touches,
    count() = any(made.rows_in_generation) AS is_complete
  FROM calls_1m AS made
  WHERE toStartOfHour(made.ts) IN (SELECT hour FROM settle_plan)
  GROUP BY bucket, generation
) AS found
WHERE found.is_complete AND (found.grain, found.bucket, found.generation) NOT IN (SELECT grain, bucket, generation FROM settled)
