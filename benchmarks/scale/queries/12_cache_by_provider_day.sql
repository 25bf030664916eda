-- cache by provider day.
SELECT provider, ts AS day, sum(cache_read_tokens) / nullIf(sum(cache_input_tokens), 0), sum(cache_saving_usd), sum(response_cache_hits) / sum(calls) FROM calls_daily WHERE ts >= {start:DateTime64(6, 'UTC')} AND ts < {end:DateTime64(6, 'UTC')} GROUP BY ALL ORDER BY ALL
