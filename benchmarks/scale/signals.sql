-- Outcomes of the runs `first` to `first + count`: three runs of four are judged, after a day and a half on average, and
-- one of twenty judgements is contradicted by a person 30 hours later. Four in five say success.
INSERT INTO signals
(
  signal_id, task_id, task_ref, workload, task_key, kind, name, label, value, verdict, actor, source, event_ts, revision, voided,
  trace_id, span_id, service, ingested_at
)
WITH
  cityHash64(h1, wave, 9) AS id_bits,
  cityHash64(tn, 11) AS chance
SELECT
  concat(substring(lower(hex(run.task_id)), 1, 16), lower(hex(id_bits))) AS signal_id,
  if(run.task_key = '', run.task_id, 0) AS task_id,
  if(run.task_key = '', 0, run.task_ref) AS task_ref,
  run.workload AS workload,
  run.task_key AS task_key,
  if(verdict = 1, 'accept', 'reject') AS kind,
  'outcome' AS name,
  if(verdict = 1, 'pass', 'fail') AS label,
  NULL AS value,
  toUInt8(if(wave = 0, chance % 100 < 78, chance % 100 >= 78)) AS verdict,
  if(source = 'human', 'reviewer', 'checker') AS actor,
  if(wave = 1 OR h3 % 3 = 0, 'human', if(h3 % 3 = 1, 'automated', 'system')) AS source,
  run.started + toIntervalSecond(60 + toUInt32(-log((h2 % 1000000 + 1) / 1000001.) * 129600) + wave * 108000) AS event_ts,
  toUnixTimestamp64Milli(event_ts) AS revision,
  false AS voided,
  run.trace_id AS trace_id,
  run.span_id AS span_id,
  run.service AS service,
  toDateTime64(event_ts + INTERVAL 2 SECOND, 3, 'UTC') AS ingested_at
FROM scale_tasks(first = {first:UInt64}, count = {count:UInt64}, tasks = {tasks:UInt64}, days = {days:UInt16}, start = {start:DateTime64(9, 'UTC')}) AS run
ARRAY JOIN if(cityHash64(tn, 7) % 100 < 75, if(cityHash64(tn, 8) % 20 = 0, [0, 1], [0]), []) AS wave
SETTINGS max_partitions_per_insert_block = 0, max_insert_threads = 2, max_threads = 2;
