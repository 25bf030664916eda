SELECT span_id, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, usage_basis, energy_uj, resend_count, ttft_ns, is_stream, cost_usd FROM calls_final ORDER BY ts
