-- All calls by minute, with the columns of `calls_hourly`, where nothing can be a duplicate.
CREATE OR REPLACE VIEW plain_minutes AS
SELECT
  toStartOfMinute(called.ts) AS ts,
{rollup_called_dimensions},
{rollup_calls}
FROM plain_calls AS called
GROUP BY ALL;
