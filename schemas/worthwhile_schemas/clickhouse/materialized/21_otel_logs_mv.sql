-- otlp_logs_read -> otel_logs: log records without content.
CREATE OR REPLACE MATERIALIZED VIEW otel_logs_mv TO otel_logs AS
SELECT
  *
FROM otlp_logs_read
WHERE NOT ({is_content});
