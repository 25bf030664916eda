SELECT
  (SELECT count() FROM unmatched_signals) AS unmatched_signals,
  (SELECT count() FROM (SELECT 1 FROM task_runs LIMIT 1)) > 0 OR (SELECT count() FROM (SELECT 1 FROM calls LIMIT 1)) > 0 AS has_history
