-- content_logs -> call_contents: one row for each attribute that carries content, and one for a record whose body does.
CREATE OR REPLACE MATERIALIZED VIEW content_events_mv TO call_contents AS
WITH
  if(EventName = '', LogAttributes['event.name'], EventName) AS event
SELECT
  Timestamp AS ts,
  toFixedString(if(length(TraceId) = 32, unhex(TraceId), ''), 16) AS trace_id,
  toFixedString(if(length(SpanId) = 16, unhex(SpanId), ''), 8) AS span_id,
  toUInt128(toUUIDOrZero(LogAttributes['worthwhile.task.id'])) AS task_id,
  LogAttributes['worthwhile.workload'] AS workload,
  ServiceName AS service,
  {content_part} AS part,
  name,
  substring(text, 1, 1048576) AS content,
  length(text) AS size,
  xxHash64(text) AS digest
FROM content_logs
ARRAY JOIN
  arrayPushBack(mapKeys(LogAttributes), event) AS name,
  arrayPushBack(mapValues(LogAttributes), Body) AS text
WHERE notEmpty(text) AND (name = event
  OR name IN ('gen_ai.input.messages', 'gen_ai.output.messages', 'gen_ai.system_instructions', 'gen_ai.tool.definitions'));
