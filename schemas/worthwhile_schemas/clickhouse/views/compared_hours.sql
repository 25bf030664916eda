-- Calls by hour, each real call once, with the columns of `calls_hourly`: right for hours that are not settled.
CREATE OR REPLACE VIEW compared_hours AS
SELECT
  toStartOfHour(called.ts) AS ts,
{rollup_called_dimensions},
{rollup_calls}
FROM compared_live_calls AS called
GROUP BY ALL;
