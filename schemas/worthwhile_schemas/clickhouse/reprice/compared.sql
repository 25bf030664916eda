-- The calls that are compared.
SELECT
  * REPLACE (
    -- A cost that prices made is looked up again; one that the provider reported, or a cache answered, is none of ours.
    if(calls.cost_basis IN ('list', 'contract', 'self_hosted') AND NOT is_fixed, NULL, calls.cost_usd) AS cost_usd,
    -- The SDK has looked at the address of a server of the host's own, and a contract has priced it since.
    if(calls.cost_basis = 'contract' AND dialect = 'worthwhile' AND {near_address}, 'self_hosted', calls.cost_basis) AS cost_basis
  ),
  cache_kind != '' OR calls.cost_basis = 'provider' AS is_fixed,
  calls.cost_usd AS old_cost_usd,
  calls.cost_basis AS old_cost_basis
FROM calls_counted_between(since = {since:DateTime64(9, 'UTC')}, until = {until:DateTime64(9, 'UTC')}) AS calls
WHERE {any_workload:Bool} OR workload = {workload:String}
