-- How long each table keeps what it has. The first statement says so to the roll-ups before anything is deleted: an hour
-- whose calls may be incomplete is not computed again.
INSERT INTO retention (table_name, days, complete_since)
SELECT
  'calls' AS table_name,
  {keep_calls_days} AS days,
  if(count() = 0, toDateTime64(0, 3, 'UTC'), max(greatest(last.complete_since, now64(3, 'UTC') - toIntervalDay(last.days)))) AS complete_since
FROM
(
  SELECT
    complete_since,
    days
  FROM retention
  WHERE table_name = 'calls'
  ORDER BY set_at DESC
  LIMIT 1
) AS last;

ALTER TABLE calls MODIFY TTL toDateTime(ingested_at) + toIntervalDay({keep_calls_days});

ALTER TABLE attempts MODIFY TTL toDateTime(ingested_at) + toIntervalDay({keep_calls_days});

ALTER TABLE task_runs MODIFY TTL toDateTime(ingested_at) + toIntervalDay({keep_calls_days});

ALTER TABLE signals MODIFY TTL toDateTime(ingested_at) + toIntervalDay({keep_calls_days});

ALTER TABLE otel_traces MODIFY TTL toDateTime(Timestamp) + toIntervalDay({keep_spans_days});

ALTER TABLE otel_traces_trace_id_ts MODIFY TTL Start + toIntervalDay({keep_spans_days});

ALTER TABLE otel_logs MODIFY TTL toDateTime(Timestamp) + toIntervalDay({keep_spans_days});

ALTER TABLE call_contents MODIFY TTL toDateTime(ingested_at) + toIntervalDay({keep_content_days});

ALTER TABLE calls_1h MODIFY TTL if(ts < '2000-01-01 00:00:00', toDateTime('2100-01-01 00:00:00', 'UTC'), ts) + toIntervalDay({keep_rollups_days});

ALTER TABLE calls_1d MODIFY TTL if(ts < '2000-01-01 00:00:00', toDateTime('2100-01-01 00:00:00', 'UTC'), ts) + toIntervalDay({keep_rollups_days});
