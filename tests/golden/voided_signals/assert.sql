SELECT task_key, verdict, kind, signal_id FROM outcomes ORDER BY task_key
FORMAT TSVWithNames;

SELECT count() AS unmatched FROM unmatched_signals
