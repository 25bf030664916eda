-- fallback pairs.
SELECT fallback_from, model, sum(fallbacks), sum(cost_usd) FROM calls_daily WHERE ts >= {start:DateTime64(6, 'UTC')} AND ts < {end:DateTime64(6, 'UTC')} AND fallback_from != '' GROUP BY ALL ORDER BY sum(fallbacks) DESC LIMIT 20
