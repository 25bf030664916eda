-- What each table of this database takes on disk. `bytes_per_day` is what the last seven whole days added, by the day that
-- the rows are of; for tables that are not cut by day, all their bytes over their age. `keep_days` is NULL where nothing
-- is deleted by age.
CREATE OR REPLACE VIEW storage_tables AS
SELECT
  parts_of.table AS table,
  parts_of.parts AS parts,
  parts_of.rows AS rows,
  parts_of.bytes AS bytes,
  parts_of.bytes / nullIf(parts_of.rows, 0) AS bytes_per_row,
  if(parts_of.is_daily, parts_of.bytes_of_week / 7, parts_of.bytes / greatest(1, dateDiff('day', parts_of.first_day, today()))) AS bytes_per_day,
  if(parts_of.is_daily, parts_of.rows_of_week / 7, parts_of.rows / greatest(1, dateDiff('day', parts_of.first_day, today()))) AS rows_per_day,
  toUInt32OrNull(extract(tables.engine_full, 'TTL .*toIntervalDay\\((\\d+)\\)')) AS keep_days
FROM
(
  SELECT
    stored.table AS table,
    count() AS parts,
    sum(stored.rows) AS rows,
    sum(stored.bytes_on_disk) AS bytes,
    min(match(stored.partition, '^\\d{4}-\\d{2}-\\d{2}$')) AS is_daily,
    min(coalesce(toDateOrNull(stored.partition), toDateOrNull(concat(substring(stored.partition, 1, 4), '-', substring(stored.partition, 5, 2), '-01')),
      toDate(stored.modification_time))) AS first_day,
    sumIf(stored.bytes_on_disk, toDateOrNull(stored.partition) >= today() - 7 AND toDateOrNull(stored.partition) < today()) AS bytes_of_week,
    sumIf(stored.rows, toDateOrNull(stored.partition) >= today() - 7 AND toDateOrNull(stored.partition) < today()) AS rows_of_week
  FROM system.parts AS stored
  WHERE stored.active AND stored.database = currentDatabase()
  GROUP BY table
) AS parts_of
INNER JOIN system.tables AS tables ON tables.database = currentDatabase() AND tables.name = parts_of.table;
