-- For each table that holds what was said to models and by them: only who has this role reads those columns.
REVOKE{on_cluster} SELECT({columns}) ON {database}.{table} FROM {readers};
GRANT{on_cluster} SELECT ON {database}.{table} TO worthwhile_content;
