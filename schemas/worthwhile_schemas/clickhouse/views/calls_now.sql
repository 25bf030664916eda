-- Reads the view that its condition on `_table` names, and only plans that one.
CREATE OR REPLACE TABLE calls_now AS plain_calls
ENGINE = Merge(currentDatabase(), '^(plain_calls|compared_calls)$');
