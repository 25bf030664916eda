-- cost by workload day.
SELECT workload, ts AS day, sum(cost_usd), sum(priced_calls) / sum(calls), sum(calls) FROM calls_daily WHERE ts >= {start:DateTime('UTC')} AND ts < {end:DateTime('UTC')} GROUP BY ALL ORDER BY ALL
