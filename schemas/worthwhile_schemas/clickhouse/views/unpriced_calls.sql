-- Models whose calls have no cost, and why. Grouped by day, so that a reader can take a period.
CREATE OR REPLACE VIEW unpriced_calls AS
SELECT
  toDate(counted.ts) AS day,
  provider,
  if(response_model != '', response_model, request_model) AS model,
  service_tier,
  multiIf(
    usage_basis = 'missing', 'tokens are not known',
    usage_basis = 'inconsistent', 'tokens contradict each other',
    cost_basis = 'self_hosted', 'own hardware, no contract price',
    notEmpty(quality), 'a value of the call could not be read',
    'no price for the model') AS why,
  count() AS calls,
  sum(counted.input_tokens) AS input_tokens,
  sum(counted.output_tokens) AS output_tokens,
  min(counted.ts) AS first_seen,
  max(counted.ts) AS last_seen
FROM calls_counted AS counted
WHERE isNull(counted.cost_usd)
GROUP BY
  day,
  provider,
  model,
  service_tier,
  why;
