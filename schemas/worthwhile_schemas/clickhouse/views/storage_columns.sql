-- What each column of this database takes on disk, compressed, and what it would take uncompressed.
CREATE OR REPLACE VIEW storage_columns AS
SELECT
  columns.table AS table,
  columns.name AS column,
  columns.type AS type,
  columns.compression_codec AS codec,
  columns.data_compressed_bytes AS bytes,
  columns.data_uncompressed_bytes AS uncompressed_bytes,
  columns.data_compressed_bytes / nullIf(tables.total_rows, 0) AS bytes_per_row
FROM system.columns AS columns
INNER JOIN system.tables AS tables ON tables.database = columns.database AND tables.name = columns.table
WHERE columns.database = currentDatabase() AND columns.data_compressed_bytes > 0;
