-- What each version of prices was used for: which share of the money rests on which list or contract.
CREATE OR REPLACE VIEW price_usage AS
SELECT
  toDate(counted.ts) AS day,
  price_version,
  cost_basis,
  provider,
  if(response_model != '', response_model, request_model) AS model,
  service_tier,
  count() AS calls,
  sum(counted.cost_usd) AS cost_usd,
  min(counted.ts) AS first_seen,
  max(counted.ts) AS last_seen
FROM calls_counted AS counted
WHERE isNotNull(counted.cost_usd)
GROUP BY
  day,
  price_version,
  cost_basis,
  provider,
  model,
  service_tier;
