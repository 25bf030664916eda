-- cost by hour.
SELECT ts AS hour, sum(cost_usd), sum(calls), sum(failed_calls) FROM calls_hourly WHERE ts >= {start:DateTime('UTC')} AND ts < {end:DateTime('UTC')} GROUP BY ALL ORDER BY ALL
