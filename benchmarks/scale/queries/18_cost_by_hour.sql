-- cost by hour.
SELECT ts AS hour, sum(cost_usd), sum(calls), sum(failed_calls) FROM calls_hourly WHERE ts >= {start:DateTime64(6, 'UTC')} AND ts < {end:DateTime64(6, 'UTC')} GROUP BY ALL ORDER BY ALL
