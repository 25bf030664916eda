-- Generations that newer ones have replaced for ten minutes: no query reads them any more.
CREATE OR REPLACE VIEW settle_garbage AS
SELECT
  grain,
  bucket,
  old.generation AS generation
FROM settled AS old
INNER JOIN
(
  SELECT
    made.grain AS grain,
    made.bucket AS bucket,
    max(made.generation) AS newest
  FROM settled AS made
  WHERE made.settled_at < now64(3, 'UTC') - INTERVAL 10 MINUTE
  GROUP BY grain, bucket
) AS kept USING (grain, bucket)
WHERE old.generation < kept.newest;
