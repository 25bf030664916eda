-- otlp_logs_read -> content_logs: log records with content; they are not stored as they came.
CREATE OR REPLACE MATERIALIZED VIEW content_of_otlp_mv TO content_logs AS
SELECT
  *
FROM otlp_logs_read
WHERE {is_content};
