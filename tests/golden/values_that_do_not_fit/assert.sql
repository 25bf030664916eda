SELECT ts, length(trace_id) AS id_length, task_id, length(task_ancestors) AS ancestors, input_tokens, output_tokens, usage_basis, cost_usd, cost_basis, energy_uj, ttft_ns, http_status,
  is_stream, sample_weight, length(request_model) AS model_length, length(attrs['note']) AS note_length, duration_ns, quality
FROM calls_final ORDER BY span_id
FORMAT TSVWithNames;

SELECT UUIDNumToString(reinterpretAsFixedString(byteSwap(task_runs.task_id))) AS task_id, status, quality FROM task_runs FINAL
FORMAT TSVWithNames;

SELECT signal_id, kind, verdict, source, revision > 0 AS has_revision, quality FROM signals FINAL ORDER BY signal_id
