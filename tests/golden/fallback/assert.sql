SELECT span_id, request_model, error_type, http_status, usage_basis, input_tokens, cost_usd, cost_basis, fallback_from, fallback_to, fallback_reason, fallback_index
FROM calls_final
ORDER BY ts
FORMAT TSVWithNames;

SELECT calls, failed_calls, priced_calls, unpriced_calls, fallbacks, cost_usd, status FROM tasks
