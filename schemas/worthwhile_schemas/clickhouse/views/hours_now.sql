-- Reads the view that its condition on `_table` names, or none, and only plans that one.
CREATE OR REPLACE TABLE hours_now AS plain_hours
ENGINE = Merge(currentDatabase(), '^(plain_hours|compared_hours)$');
