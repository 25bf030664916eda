SELECT span_id, dialect, operation, provider, request_model, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
  cache_write_1h_tokens, reasoning_tokens, usage_basis, finish_reason, error_type, service_tier, resend_count, ttft_ns, cost_basis
FROM calls_final ORDER BY ts
FORMAT TSVWithNames;

SELECT span_id, attrs FROM calls_final WHERE notEmpty(attrs) ORDER BY ts
FORMAT TSVWithNames;

SELECT task_id, calls FROM tasks
