-- The generations of days that are complete.
SELECT
  'day' AS grain,
  made.ts AS bucket,
  made.generation AS generation,
  any(made.touches) AS touches,
  now64(3, 'UTC') AS settled_at
FROM calls_1d AS made
WHERE (made.ts, made.generation) NOT IN (SELECT bucket, generation FROM settled WHERE grain = 'day')
GROUP BY bucket, generation
HAVING count() = any(made.rows_in_generation)
