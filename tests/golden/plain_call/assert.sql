SELECT ts, trace_id, span_id, parent_span_id, task_id, task_ref = reinterpretAsUInt128(sipHash128('ticket-reply', 'T-1')) AS is_keyed,
  workload, task_key, service, dialect, scope, span_name, operation, provider, request_model, response_model, response_id,
  tier, service_tier, server_address, is_stream, input_tokens, output_tokens, usage_basis, cost_usd, cost_input_usd,
  cost_output_usd, cost_cache_read_usd, cost_basis, price_version, energy_uj, duration_ns, ttft_ns, finish_reason, error_type,
  http_status, resend_count, quality, attrs
FROM calls_final
