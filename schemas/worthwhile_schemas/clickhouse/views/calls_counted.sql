-- One row per real call, in the types of `calls`: what sums are made of. Ids are bytes and numbers; `calls_final` has text.
CREATE OR REPLACE VIEW calls_counted AS
SELECT *
FROM calls_counted_between(since = toDateTime64('1970-01-01 00:00:00', 9, 'UTC'), until = toDateTime64('2200-01-01 00:00:00', 9, 'UTC'));
