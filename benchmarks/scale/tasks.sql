-- Made-up runs of tasks, always the same ones for the same numbers: run `tn` starts where a load that doubles by day and
-- halves by night puts the `tn`-th of `tasks` runs over `days` days from `start`. Sizes repeat 8, 4, 2, 2, 1, 1, 1, 1
-- calls: 2.5 on average. Two workloads of three give their tasks a key; a tenth of those runs repeats an earlier key.
CREATE OR REPLACE VIEW scale_tasks AS
WITH
  ['ticket-reply', 'code-review', 'extract-invoice', 'rag-answer', 'sql-copilot', 'contract-summary', 'triage', 'classify', 'translate', 'agent-research', 'vision-check', 'voice-notes'] AS names,
  (number + 0.5) / {tasks:UInt64} * {days:UInt16} AS day,
  day - 0.333 * sin(2 * pi() * day) / pi() AS moment
SELECT
  number AS tn,
  intHash64(number) AS h1,
  intHash64(number + 7000000007) AS h2,
  intHash64(number + 9000000011) AS h3,
  toUInt8(least(12, 1 + floor(12 * pow((h1 % 1000003) / 1000003., 2.)))) AS workload_number,
  names[workload_number] AS workload,
  concat('svc-', toString(workload_number % 5)) AS service,
  {start:DateTime64(9, 'UTC')} + toIntervalNanosecond(toInt64(moment * 86400e9) + h2 % 1000000000) AS started,
  toUInt8([8, 4, 2, 2, 1, 1, 1, 1][number % 8 + 1]) AS size,
  -- UUIDv7: 48 bits of milliseconds, version, 12 random bits, variant, 62 random bits
  bitOr(bitShiftLeft(toUInt128(bitOr(bitShiftLeft(toUInt64(toUnixTimestamp64Milli(started)), 16), bitOr(0x7000, h1 % 4096))), 64),
    toUInt128(bitOr(bitShiftLeft(toUInt64(2), 62), bitShiftRight(h3, 2)))) AS task_id,
  if(workload_number % 3 = 0, '', concat('T-', toString(if(h3 % 10 = 0, intDiv(number, 50) * 50, number)))) AS task_key,
  if(task_key = '', task_id, reinterpretAsUInt128(sipHash128(workload, task_key))) AS task_ref,
  reinterpretAsFixedString(bitOr(bitShiftLeft(toUInt128(intHash64(h1)), 64), toUInt128(intHash64(h2)))) AS trace_id,
  reinterpretAsFixedString(intHash64(h3)) AS span_id
FROM numbers_mt({first:UInt64}, {count:UInt64});
