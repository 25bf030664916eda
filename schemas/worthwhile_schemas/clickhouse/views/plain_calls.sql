-- One row per recorded call, in the types of `calls`: what `calls_counted` is where nothing can be a duplicate.
CREATE OR REPLACE VIEW plain_calls AS
SELECT
  *,
  task_ref
FROM calls FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;
