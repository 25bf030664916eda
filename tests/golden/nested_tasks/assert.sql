SELECT task_id, workload, depth, duration_ns, calls, cost_usd, input_tokens FROM tasks ORDER BY ts, depth
FORMAT TSVWithNames;

SELECT workload, depth, runs, calls, cost_usd FROM task_units ORDER BY ts, depth
FORMAT TSVWithNames;

SELECT count() AS calls, sum(cost_usd) AS cost_usd FROM calls_final
