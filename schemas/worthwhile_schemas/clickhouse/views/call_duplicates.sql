-- Spans that are one real call with another span, and that span: the row of `calls_final` that they were folded into.
CREATE OR REPLACE VIEW call_duplicates AS
SELECT
  lower(hex(fold.trace_id)) AS trace_id,
  lower(hex(fold.span_id)) AS span_id,
  lower(hex(fold.into_trace_id)) AS duplicate_of_trace_id,
  lower(hex(fold.into_span_id)) AS duplicate_of_span_id,
  hour
FROM call_folds_between(since = toDateTime64('1970-01-01 00:00:00', 9, 'UTC'), until = toDateTime64('2200-01-01 00:00:00', 9, 'UTC')) AS fold;
