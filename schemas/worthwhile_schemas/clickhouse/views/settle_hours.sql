-- What the newest plan of the settle step says and nobody has done yet: hours to compute, and the inserts into them that
-- were known before the computing begins.
CREATE OR REPLACE VIEW settle_hours AS
SELECT
  hours.grain AS grain,
  plan.hour AS hour,
  plan.touches AS touches
FROM (SELECT hour, touches FROM settle_plan WHERE planned_at = (SELECT max(planned_at) FROM settle_plan)) AS plan
INNER JOIN rollup_hours AS hours ON hours.hour = plan.hour
WHERE NOT hours.is_settled;
