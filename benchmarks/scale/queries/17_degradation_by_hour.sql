-- degradation by hour.
SELECT ts AS hour, model, 1 - sum(failed_calls) / sum(calls), sum(output_tokens) / nullIf(sum(calls_with_output), 0), sum(truncated_calls) / nullIf(sum(finished_calls), 0) FROM calls_hourly WHERE ts >= {start:DateTime64(6, 'UTC')} AND ts < {end:DateTime64(6, 'UTC')} AND workload = 'ticket-reply' GROUP BY ALL ORDER BY ALL
