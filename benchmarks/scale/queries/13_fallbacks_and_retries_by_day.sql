-- fallbacks and retries by day.
SELECT workload, ts AS day, sum(fallbacks) / sum(calls), sum(resent_calls) / nullIf(sum(calls_with_resends), 0), sum(failed_calls) / sum(calls) FROM calls_daily WHERE ts >= {start:DateTime64(6, 'UTC')} AND ts < {end:DateTime64(6, 'UTC')} GROUP BY ALL ORDER BY ALL
