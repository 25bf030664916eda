-- cost by workload day.
SELECT workload, ts AS day, sum(cost_usd), sum(priced_calls) / sum(calls), sum(calls) FROM calls_daily WHERE ts >= {start:DateTime64(6, 'UTC')} AND ts < {end:DateTime64(6, 'UTC')} GROUP BY ALL ORDER BY ALL
