-- One row per real call, in the types of `calls`, after all hours in which there may be duplicates were searched for them.
CREATE OR REPLACE VIEW compared_calls AS
WITH (SELECT groupArray(hour) FROM call_mixed_hours) AS search_hours
SELECT *
FROM
(
{compare_calls}
);
