-- One row per real call, in the types of `calls`: what sums are made of. Ids are bytes and numbers; `calls_final` has text.
CREATE OR REPLACE VIEW calls_counted AS
SELECT *
FROM calls FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;
