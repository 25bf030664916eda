-- A settling that came to its end.
INSERT INTO task_settlings (version, settled_at, touched, units, days)
VALUES ({version:UInt64}, {now:DateTime64(3, 'UTC')}, {touched:UInt64}, {units:UInt64}, {days:UInt64});
