-- calls -> call_emitters: who emitted calls in which hour; a handful of rows an hour.
CREATE OR REPLACE MATERIALIZED VIEW call_emitters_mv TO call_emitters AS
SELECT DISTINCT
  toStartOfHour(toDateTime(ts, 'UTC')) AS hour,
  scope,
  dialect
FROM calls;
