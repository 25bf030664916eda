-- Signals of no known task, by workload and by the time since they were made.
CREATE OR REPLACE VIEW waiting_by_workload AS
SELECT
  workload,
  multiIf(waited_s < 3600, 'under an hour', waited_s < 86400, 'under a day', waited_s < 604800, 'under a week', 'a week or more') AS age,
  count() AS waiting,
  min(event_ts) AS oldest_event_ts
FROM
(
  SELECT
    *,
    dateDiff('second', event_ts, now64(9, 'UTC')) AS waited_s
  FROM unmatched_signals
)
GROUP BY
  workload,
  age;
