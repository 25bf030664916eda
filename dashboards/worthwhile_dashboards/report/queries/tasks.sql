SELECT
  tasks_of.*,
  runs_of.latency_p50_ns AS latency_p50_ns,
  runs_of.latency_p95_ns AS latency_p95_ns
FROM report_tasks(since = {since:DateTime64(9, 'UTC')}, until = {until:DateTime64(9, 'UTC')}) AS tasks_of
LEFT JOIN report_latency(since = {since:DateTime64(9, 'UTC')}, until = {until:DateTime64(9, 'UTC')}) AS runs_of ON runs_of.workload = tasks_of.workload
ORDER BY workload, day
