-- calls_repriced -> price_revisions: what every cost was before.
CREATE OR REPLACE MATERIALIZED VIEW price_revisions_mv TO price_revisions AS
SELECT
  revision,
  ts,
  trace_id,
  span_id,
  workload,
  provider,
  if(response_model != '', response_model, request_model) AS model,
  old_cost_usd,
  old_cost_basis,
  old_price_version,
  cost_usd AS new_cost_usd,
  cost_basis AS new_cost_basis,
  price_version AS new_price_version
FROM calls_repriced;
