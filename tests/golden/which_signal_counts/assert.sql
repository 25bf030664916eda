SELECT task_key, verdict, kind, name, value, source, signal_id FROM outcomes ORDER BY task_key
