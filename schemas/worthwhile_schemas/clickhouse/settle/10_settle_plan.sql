-- The hours to compute now: those that are due, newest first, up to a million calls or one hour.
SELECT
  now64(6, 'UTC') AS planned_at,
  chosen.hour AS hour,
  chosen.touches AS touches
FROM
(
  SELECT
    waiting.hour AS hour,
    waiting.touches AS touches,
    sum(waiting.calls) OVER (ORDER BY waiting.hour DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - waiting.calls AS calls_before,
    row_number() OVER (ORDER BY waiting.hour DESC) AS position
  FROM settle_backlog AS waiting
  WHERE waiting.is_due
) AS chosen
WHERE chosen.calls_before < 1000000 AND chosen.position <= 240
