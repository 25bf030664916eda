-- error types.
SELECT ts AS day, sumMap(error_types) FROM calls_daily WHERE ts >= {start:DateTime64(6, 'UTC')} AND ts < {end:DateTime64(6, 'UTC')} GROUP BY ALL ORDER BY ALL
