SELECT *
FROM report_calls(since = {since:DateTime64(9, 'UTC')}, until = {until:DateTime64(9, 'UTC')})
ORDER BY
  calls DESC,
  provider,
  model,
  cost_basis,
  tier,
  error_type,
  energy_method,
  fallback_from,
  fallback_to,
  fallback_reason
