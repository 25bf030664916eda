-- For each table that collectors and exporters write to.
GRANT{on_cluster} INSERT ON {database}.{table} TO worthwhile_writer;
