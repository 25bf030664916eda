NOT is_fixed AND isNotNull(cost_usd) AND cost_basis IN ('list', 'contract', 'self_hosted') AND (isNull(old_cost_usd) OR old_cost_usd != cost_usd)
