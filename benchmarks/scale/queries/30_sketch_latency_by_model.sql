-- sketch latency by model.
SELECT model, quantilesDDMerge(0.01, 0.5, 0.9, 0.95, 0.99)(duration_sketch), quantilesDDMerge(0.01, 0.5, 0.9, 0.95, 0.99)(ttft_sketch), sum(calls) FROM calls_daily WHERE ts >= {start:DateTime64(6, 'UTC')} AND ts < {end:DateTime64(6, 'UTC')} GROUP BY ALL ORDER BY ALL
