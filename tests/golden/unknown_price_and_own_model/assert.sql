SELECT workload, calls, priced_calls, self_hosted_calls, unpriced_calls, cost_usd, energy_uj, input_tokens FROM tasks ORDER BY task_id
FORMAT TSVWithNames;

SELECT request_model, cost_usd, cost_basis FROM calls_final WHERE cost_basis != 'list' GROUP BY ALL ORDER BY ALL
