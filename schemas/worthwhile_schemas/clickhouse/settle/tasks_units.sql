-- The units that the queue touches: worked out once, and read by every later step.
INSERT INTO settling_units (task_ref, is_counted)
SELECT
  task_ref,
  is_counted
FROM touched_units;
