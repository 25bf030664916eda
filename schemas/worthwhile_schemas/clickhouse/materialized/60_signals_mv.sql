-- otel_logs -> signals: judgements, ours and those of other emitters that name a task or stand in a trace. Ours are known
-- by their kind as well: exporters older than the event's name, such as Rotel of 2025, leave that out.
CREATE OR REPLACE MATERIALIZED VIEW signals_mv TO signals AS
SELECT
  multiIf(id_text != '', substring(id_text, 1, 512), kind = 'void', '',
    lower(hex(sipHash128(TraceId, SpanId, name, label, value_text, toString(Timestamp))))) AS signal_id,
  toUInt128(toUUIDOrZero(task_id_text)) AS task_id,
  if(key_text != '' AND workload_text != '', reinterpretAsUInt128(sipHash128(workload_text, key_text)), 0) AS task_ref,
  substring(workload_text, 1, 512) AS workload,
  substring(key_text, 1, 512) AS task_key,
  kind,
  substring(name_text, 1, 512) AS name,
  substring(label_text, 1, 512) AS label,
  if(isFinite(toFloat64OrNull(value_text)), toFloat64OrNull(value_text), NULL) AS value,
  multiIf(
    kind IN ('accept', 'edit'), 1,
    kind IN ('reject', 'escalate', 'fail'), 0,
    kind != 'score', NULL,
    passed_text = 'true', 1,
    passed_text = 'false', 0,
    kind_text != '', NULL,
    lower(label_text) IN ('pass', 'passed', 'true', 'correct', 'accept', 'accepted', 'success', 'yes'), 1,
    lower(label_text) IN ('fail', 'failed', 'false', 'incorrect', 'reject', 'rejected', 'failure', 'no'), 0,
    NULL) AS verdict,
  substring(LogAttributes['worthwhile.signal.actor'], 1, 512) AS actor,
  if(source_text IN ('human', 'automated', 'system'), source_text, 'automated') AS source,
  if(is_dated, Timestamp, toDateTime64(0, 9, 'UTC')) AS event_ts,
  ifNull(toInt64OrNull(revision_text), toUnixTimestamp64Micro(event_ts)) AS revision,
  kind = 'void' OR LogAttributes['worthwhile.signal.voided'] = 'true' AS voided,
  toFixedString(if(length(TraceId) = 32, unhex(TraceId), ''), 16) AS trace_id,
  toFixedString(if(length(SpanId) = 16, unhex(SpanId), ''), 8) AS span_id,
  ServiceName AS service,
  arrayFilter(one -> one != '', [
    if(is_dated, '', 'event_ts'),
    if(is_known, '', 'kind'),
    if(task_id_text != '' AND toUUIDOrZero(task_id_text) = toUUIDOrZero(''), 'task_id', ''),
    if(key_text != '' AND workload_text = '', 'workload', ''),
    if(value_text != '' AND NOT ifNull(isFinite(toFloat64OrNull(value_text)), 0), 'value', ''),
    if(revision_text != '' AND isNull(toInt64OrNull(revision_text)), 'revision', ''),
    if(kind_text != '' AND source_text NOT IN ('human', 'automated', 'system'), 'source', '')]) AS quality,
  mapFilter((name, text) -> name NOT IN ('worthwhile.signal.id', 'worthwhile.signal.kind', 'worthwhile.signal.source',
    'worthwhile.signal.actor', 'worthwhile.signal.revision', 'worthwhile.signal.voided', 'worthwhile.signal.passed',
    'worthwhile.workload', 'worthwhile.task.id', 'worthwhile.task.key', 'gen_ai.evaluation.name',
    'gen_ai.evaluation.score.label', 'gen_ai.evaluation.score.value', 'event.name') AND length(text) <= 16384,
    LogAttributes) AS attrs
FROM
(
  SELECT
    *,
    LogAttributes['worthwhile.signal.kind'] AS kind_text,
    kind_text IN ('', 'accept', 'reject', 'edit', 'escalate', 'fail', 'score', 'void') AS is_known,
    multiIf(kind_text = '', 'score', is_known, kind_text, substring(kind_text, 1, 512)) AS kind,
    LogAttributes['worthwhile.signal.id'] AS id_text,
    LogAttributes['worthwhile.task.id'] AS task_id_text,
    LogAttributes['worthwhile.workload'] AS workload_text,
    LogAttributes['worthwhile.task.key'] AS key_text,
    LogAttributes['gen_ai.evaluation.name'] AS name_text,
    LogAttributes['gen_ai.evaluation.score.label'] AS label_text,
    LogAttributes['gen_ai.evaluation.score.value'] AS value_text,
    LogAttributes['worthwhile.signal.passed'] AS passed_text,
    LogAttributes['worthwhile.signal.source'] AS source_text,
    LogAttributes['worthwhile.signal.revision'] AS revision_text,
    Timestamp >= toDateTime64('2000-01-01 00:00:00', 9, 'UTC') AND Timestamp < toDateTime64('2100-01-01 00:00:00', 9, 'UTC') AS is_dated
  FROM otel_logs
  WHERE (EventName = 'gen_ai.evaluation.result' OR LogAttributes['event.name'] = 'gen_ai.evaluation.result'
      OR kind_text != '')
    AND (kind_text != '' OR task_id_text != '' OR key_text != '' OR TraceId != '')
);
