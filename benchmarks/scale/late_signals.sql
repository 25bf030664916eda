-- A late reversal of some judgements of the last ten days, by a person.
INSERT INTO signals
SELECT * REPLACE(
  concat(signal_id, '-late') AS signal_id,
  toUInt8(1 - assumeNotNull(verdict)) AS verdict,
  'human' AS source,
  event_ts + INTERVAL 20 DAY AS event_ts,
  revision + 1 AS revision)
FROM signals
WHERE isNotNull(verdict) AND event_ts >= {since:DateTime64(9, 'UTC')} - INTERVAL 10 DAY AND event_ts < {since:DateTime64(9, 'UTC')}
ORDER BY cityHash64(signal_id)
LIMIT {signals:UInt64}
SETTINGS max_partitions_per_insert_block = 0;
