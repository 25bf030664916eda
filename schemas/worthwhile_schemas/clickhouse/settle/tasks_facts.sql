-- The units that the queue touch, as they stand now.
INSERT INTO task_facts
SELECT
  *,
  {version:UInt64} AS version,
  false AS is_gone
FROM touched_facts;
