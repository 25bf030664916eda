-- The units that the queue touches: worked out once, and read by every later step.
INSERT INTO settling_units (settling, task_ref, is_counted)
SELECT
  {settling:UInt64} AS settling,
  task_ref,
  is_counted
FROM touched_units;
