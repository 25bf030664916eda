-- Insert the calls of a period again whose cost is another one at the prices in force. Rows as they came, so that what is one
-- call with another span stays so; `--all` gives `is_all`, else only calls without a cost.
INSERT INTO calls_repriced
SELECT
  * EXCEPT (is_fixed) REPLACE (repricings + 1 AS repricings)
FROM
(
  {priced}
) AS priced
WHERE {is_repriced};
