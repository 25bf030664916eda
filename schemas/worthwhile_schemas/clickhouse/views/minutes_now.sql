-- Reads the view that its condition on `_table` names, or none, and only plans that one.
CREATE OR REPLACE TABLE minutes_now AS plain_minutes
ENGINE = Merge(currentDatabase(), '^(plain_minutes|compared_minutes)$');
