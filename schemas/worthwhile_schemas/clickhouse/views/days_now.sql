-- Reads the view that its condition on `_table` names, or none, which is then not planned.
CREATE OR REPLACE TABLE days_now AS fresh_days
ENGINE = Merge(currentDatabase(), '^(fresh_days)$');
