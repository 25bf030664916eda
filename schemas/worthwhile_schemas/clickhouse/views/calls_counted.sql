-- One row per real call, in the types of `calls`: what sums are made of. Ids are bytes and numbers; `calls_final` has text.
-- A WHERE does not bound the search for duplicates; `calls_counted_between` does. There is none, and it is not even planned,
-- while every hour has calls of one emitter.
CREATE OR REPLACE VIEW calls_counted AS
SELECT *
FROM calls_now
WHERE _table = (SELECT if(count() = 0, 'plain_calls', 'compared_calls') FROM call_mixed_hours);
