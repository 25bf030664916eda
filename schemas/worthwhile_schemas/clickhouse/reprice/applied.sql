-- The rows that may be inserted again.
SELECT
  * REPLACE (
    -- A cost that prices made is looked up again; one that the provider reported, or a cache answered, is none of ours.
    if(calls.cost_basis IN ('list', 'contract', 'self_hosted') AND NOT is_fixed, NULL, calls.cost_usd) AS cost_usd,
    -- The SDK has looked at the address of a server of the host's own, and a contract has priced it since.
    if(calls.cost_basis = 'contract' AND dialect = 'worthwhile' AND {near_address}, 'self_hosted', calls.cost_basis) AS cost_basis
  ),
  false AS is_fixed,
  {revision:String} AS revision,
  calls.cost_usd AS old_cost_usd,
  calls.cost_basis AS old_cost_basis,
  calls.price_version AS old_price_version
FROM calls FINAL
WHERE ts >= {since:DateTime64(9, 'UTC')} AND ts < {until:DateTime64(9, 'UTC')}
  AND ({any_workload:Bool} OR workload = {workload:String})
  AND ({is_all:Bool} OR isNull(calls.cost_usd))
  AND cache_kind = '' AND calls.cost_basis != 'provider'
