-- One row per real call that started in [since, until), in the types of `calls`. Bounds given here also bound the search for
-- duplicates, which a WHERE on `calls_counted` does not: use this where an hour or a day is read and several emitters are mixed.
CREATE OR REPLACE VIEW calls_counted_between AS
WITH
(
  SELECT groupArray(hour)
  FROM call_mixed_hours
  WHERE hour >= {since:DateTime64(9, 'UTC')} - INTERVAL 2 HOUR AND hour < {until:DateTime64(9, 'UTC')} + INTERVAL 1 HOUR
) AS search_hours
SELECT *
FROM
(
{compare_calls}
)
WHERE ts >= {since:DateTime64(9, 'UTC')} AND ts < {until:DateTime64(9, 'UTC')};
