-- Every day that calls were written to. A day is ready when all its hours are settled, and settled when its roll-up was
-- made of exactly these generations of its hours, which `fingerprint` stands for. A day without calls, touched for its
-- neighbour's sake, needs none.
CREATE OR REPLACE VIEW rollup_days AS
SELECT
  days.day AS day,
  days.fingerprint AS fingerprint,
  days.calls AS calls,
  days.is_ready AS is_ready,
  settled_now.generation AS generation,
  days.is_ready AND (days.calls = 0 OR settled_now.generation != 0 AND settled_now.fingerprint = days.fingerprint) AS is_settled
FROM
(
  SELECT
    toStartOfDay(hour) AS day,
    sum(cityHash64(hours.hour, hours.generation)) AS fingerprint,
    sum(hours.calls) AS calls,
    min(hours.is_settled) AS is_ready
  FROM rollup_hours AS hours
  WHERE grain = 'hour'
  GROUP BY day
) AS days
LEFT JOIN
(
  SELECT
    bucket,
    max(records.generation) AS generation,
    argMax(records.touches, records.generation) AS fingerprint
  FROM settled AS records
  WHERE grain = 'day'
  GROUP BY bucket
) AS settled_now ON settled_now.bucket = days.day;
