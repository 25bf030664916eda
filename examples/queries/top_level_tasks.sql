-- Runs of tasks that no other task encloses, by the service that ran them.
SELECT
  service,
  count() AS tasks
FROM tasks
WHERE depth = 0
GROUP BY service
ORDER BY service
