-- Who may do what, once a database. Roles hold no passwords: grant them to your users, GRANT worthwhile_reader TO alice.
-- The writer may only add to what collectors and exporters write to; materialised views do the rest as their definer.
CREATE ROLE IF NOT EXISTS worthwhile_writer{on_cluster};
CREATE ROLE IF NOT EXISTS worthwhile_reader{on_cluster};
CREATE ROLE IF NOT EXISTS worthwhile_finops{on_cluster};
CREATE ROLE IF NOT EXISTS worthwhile_content{on_cluster};

CREATE SETTINGS PROFILE OR REPLACE worthwhile_writer{on_cluster}
SETTINGS
  insert_deduplicate = 1,
  deduplicate_blocks_in_dependent_materialized_views = 1,
  async_insert_deduplicate = 1,
  wait_for_async_insert = 1 CONST,
  distributed_foreground_insert = 1 CONST,
  max_partitions_per_insert_block = 0,
  max_memory_usage = 8000000000
TO worthwhile_writer;

CREATE SETTINGS PROFILE OR REPLACE worthwhile_reader{on_cluster}
SETTINGS
  readonly = 2 CONST,
  allow_ddl = 0 CONST,
  max_execution_time = 60 MAX 300,
  max_memory_usage = 4000000000 MAX 16000000000,
  max_bytes_before_external_group_by = 2000000000,
  max_result_rows = 1000000 MAX 10000000,
  max_concurrent_queries_for_user = 16,
  distributed_product_mode = 'global'
TO worthwhile_reader, worthwhile_finops;

CREATE QUOTA OR REPLACE worthwhile_reader{on_cluster}
KEYED BY user_name
FOR INTERVAL 1 minute MAX queries = 600,
FOR INTERVAL 1 hour MAX execution_time = 3600
TO worthwhile_reader, worthwhile_finops;

CREATE QUOTA OR REPLACE worthwhile_writer{on_cluster}
KEYED BY user_name
FOR INTERVAL 1 minute MAX queries = 6000
TO worthwhile_writer;

REVOKE{on_cluster} ALL ON *.* FROM worthwhile_writer, worthwhile_reader, worthwhile_finops, worthwhile_content;
GRANT{on_cluster} SELECT ON {database}.* TO worthwhile_reader;
GRANT{on_cluster} SELECT ON {database}.schema_migrations TO worthwhile_writer, worthwhile_finops;
GRANT{on_cluster} dictGet ON {database}.* TO worthwhile_reader, worthwhile_finops, worthwhile_writer;
