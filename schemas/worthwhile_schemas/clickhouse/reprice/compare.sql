-- What the calls of a period cost as billed then, and at the prices in force, as of their days. Real calls, each once.
-- What has no price now keeps what it had.
SELECT
  toDate(ts) AS day,
  provider,
  if(response_model != '', response_model, request_model) AS model,
  count() AS calls,
  countIf(isNull(old_cost_usd)) AS unpriced_calls,
  sum(old_cost_usd) AS billed_usd,
  sum(if(is_repriced, priced.cost_usd, old_cost_usd)) AS priced_usd,
  countIf(is_repriced AND isNull(old_cost_usd)) AS filled_calls,
  sumIf(priced.cost_usd, is_repriced AND isNull(old_cost_usd)) AS filled_usd,
  countIf(is_repriced AND isNotNull(old_cost_usd)) AS changed_calls,
  sumIf(priced.cost_usd - old_cost_usd, is_repriced AND isNotNull(old_cost_usd)) AS changed_usd
FROM
(
  SELECT
    *,
    {is_repriced} AS is_repriced
  FROM
  (
    {priced}
  )
) AS priced
GROUP BY
  day,
  provider,
  model
ORDER BY
  day,
  provider,
  model;
