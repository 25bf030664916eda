-- Spans that are one real call with another span, and that span: the row of `calls_final` that they were folded into.
CREATE OR REPLACE VIEW call_duplicates AS
WITH (SELECT groupArray(hour) FROM call_mixed_hours) AS search_hours
SELECT
  lower(hex(fold.trace_id)) AS trace_id,
  lower(hex(fold.span_id)) AS span_id,
  lower(hex(fold.into_trace_id)) AS duplicate_of_trace_id,
  lower(hex(fold.into_span_id)) AS duplicate_of_span_id,
  fold.hour AS hour
FROM
(
{compare_folds}
) AS fold
SETTINGS do_not_merge_across_partitions_select_final = 1;
