-- Hours that were written to since their roll-up was computed: views read them from calls themselves. An hour is due when
-- it has ended and nothing was written to it for half a minute, so that an insert in flight is not taken for done.
CREATE OR REPLACE VIEW settle_backlog AS
SELECT
  states.hour AS hour,
  max(states.touches) AS touches,
  max(states.calls) AS calls,
  max(states.last_touched_at) < now64(3, 'UTC') - INTERVAL 30 SECOND AND hour < toStartOfHour(now('UTC')) AS is_due
FROM rollup_hours AS states
WHERE NOT states.is_settled
GROUP BY hour;
