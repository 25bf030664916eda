-- calls_in -> call_contents: what emitters wrote into span attributes.
CREATE OR REPLACE MATERIALIZED VIEW call_contents_mv TO call_contents AS
SELECT
  ts,
  trace_id,
  span_id,
  task_id,
  workload,
  service,
  {content_part} AS part,
  name,
  substring(text, 1, 1048576) AS content,
  length(text) AS size,
  xxHash64(text) AS digest
FROM calls_in
ARRAY JOIN
  mapKeys(calls_in.content) AS name,
  mapValues(calls_in.content) AS text
WHERE notEmpty(text);
