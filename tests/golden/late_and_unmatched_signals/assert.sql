SELECT units.workload AS workload, units.task_key AS task_key, verdict, kind, value, source, event_ts, signal_id
FROM outcomes INNER JOIN task_units AS units USING (task_ref)
ORDER BY units.ts
FORMAT TSVWithNames;

SELECT signal_id, task_id, workload, task_key, kind FROM unmatched_signals ORDER BY signal_id
FORMAT TSVWithNames;

SELECT * FROM label_lag ORDER BY workload
