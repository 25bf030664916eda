-- For each view: it is read with the reader's own rights on the tables below it.
GRANT{on_cluster} SELECT ON {database}.{table} TO worthwhile_finops;
