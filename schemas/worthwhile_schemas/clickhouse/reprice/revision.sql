-- What a re-pricing changed.
SELECT
  count() AS calls,
  sum(ifNull(new_cost_usd, 0) - ifNull(old_cost_usd, 0)) AS cost_usd
FROM price_revisions FINAL
WHERE revision = {revision:String};
