-- sketch degradation by hour.
SELECT ts AS hour, model, sum(failed_calls) / sum(calls), quantilesDDMerge(0.01, 0.5, 0.9, 0.95, 0.99)(duration_sketch) FROM calls_hourly WHERE ts >= {start:DateTime64(6, 'UTC')} AND ts < {end:DateTime64(6, 'UTC')} AND workload = 'ticket-reply' GROUP BY ALL ORDER BY ALL
