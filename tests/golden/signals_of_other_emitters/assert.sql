SELECT units.task_key AS task_key, verdict, kind, name, value, source FROM outcomes INNER JOIN task_units AS units USING (task_ref) ORDER BY task_key
FORMAT TSVWithNames;

SELECT name, label, verdict, voided, service FROM signal_state ORDER BY name
