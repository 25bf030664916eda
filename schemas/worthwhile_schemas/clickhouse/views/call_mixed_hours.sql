-- Hours whose calls may be duplicates of each other, or of those of the hour before or after: two scopes emitted them, or one
-- that nests its own spans. Elsewhere nothing is compared with anything.
CREATE OR REPLACE VIEW call_mixed_hours AS
SELECT DISTINCT arrayJoin([near, near - 3600]) AS hour
FROM
(
  SELECT
    arrayJoin([hour, hour + 3600]) AS near,
    scope,
    dialect
  FROM call_emitters
)
GROUP BY near
HAVING uniqExact(scope) > 1 OR countIf(dialect IN ('mlflow', 'logfire', 'litellm', 'langfuse', 'gen_ai')) > 0;
