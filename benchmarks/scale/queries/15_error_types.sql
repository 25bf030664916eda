-- error types.
SELECT ts AS day, sumMap(error_types) FROM calls_daily WHERE ts >= {start:DateTime('UTC')} AND ts < {end:DateTime('UTC')} GROUP BY ALL ORDER BY ALL
