SELECT task_id = '' AS is_outside, task_ref, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens,
  reasoning_tokens, audio_input_tokens, audio_output_tokens, web_searches, cost_usd, cost_cache_read_usd, cost_cache_write_usd,
  cost_server_tools_usd, cache_saving_usd, is_stream, ttft_ns, energy_uj, energy_method, usage_basis
FROM calls_final
