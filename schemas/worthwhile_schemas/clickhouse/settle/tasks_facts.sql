-- The units that the named parts of the queue touch, as they stand now.
INSERT INTO task_facts
SELECT
  *,
  {version:UInt64} AS version,
  0 AS is_gone
FROM touched_facts(parts = {parts:Array(String)})
SETTINGS max_partitions_per_insert_block = 0, do_not_merge_across_partitions_select_final = 1;
