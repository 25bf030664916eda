SELECT span_id, number, task_id, workload, provider, request_model, http_status, error_type, duration_ns, wait_ns,
  (SELECT sum(resend_count) FROM calls_final) AS retries, (SELECT retries FROM tasks) AS task_retries
FROM attempts_final
ORDER BY number
