-- sketch latency by workload day.
SELECT workload, ts AS day, quantilesDDMerge(0.01, 0.5, 0.9, 0.95, 0.99)(duration_sketch), sum(calls) FROM calls_daily WHERE ts >= {start:DateTime64(6, 'UTC')} AND ts < {end:DateTime64(6, 'UTC')} GROUP BY ALL ORDER BY ALL
