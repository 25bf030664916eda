-- Deletes the rows of replaced generations, and then what is known of these.
DELETE FROM calls_1h WHERE (ts, generation) IN (SELECT bucket, generation FROM settle_garbage WHERE grain = 'hour');

DELETE FROM calls_1m WHERE (toStartOfHour(ts), generation) IN (SELECT bucket, generation FROM settle_garbage WHERE grain = 'minute');

DELETE FROM calls_1d WHERE (ts, generation) IN (SELECT bucket, generation FROM settle_garbage WHERE grain = 'day');

DELETE FROM settled WHERE (grain, bucket, generation) IN (SELECT grain, bucket, generation FROM settle_garbage);
