-- For each table of facts and figures: every column but those that may hold what users wrote or what models answered.
GRANT{on_cluster} SELECT({columns}) ON {database}.{table} TO worthwhile_finops;
