-- otel_logs -> content_logs: the same of records that another collector wrote. There they also stay as they are.
CREATE OR REPLACE MATERIALIZED VIEW content_of_logs_mv TO content_logs AS
SELECT
  *
FROM otel_logs
WHERE {is_content};
