SELECT workload, task_key, toDate(ts) AS day, runs, open_runs, failed_runs, duration_ns, first_duration_ns, last_status, calls, cost_usd FROM task_units ORDER BY task_key
FORMAT TSVWithNames;

SELECT task_id, status, error_type, calls, cost_usd FROM tasks ORDER BY task_id
FORMAT TSVWithNames;

SELECT task_key, verdict, kind, source FROM outcomes
