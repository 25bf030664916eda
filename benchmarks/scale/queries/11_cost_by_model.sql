-- cost by model.
SELECT provider, model, sum(cost_usd), sum(calls), sum(input_tokens), sum(output_tokens), sum(reasoning_tokens), sum(cache_read_tokens) FROM calls_daily WHERE ts >= {start:DateTime64(6, 'UTC')} AND ts < {end:DateTime64(6, 'UTC')} GROUP BY ALL ORDER BY sum(cost_usd) DESC
