-- One row per workload of the cohort: its tasks (`report_tasks`), its runs (`report_latency`), its calls (`report_calls`).
CREATE OR REPLACE VIEW report_workloads AS
SELECT
  tasks_of.workload AS workload,
  tasks_of.tasks AS tasks,
  tasks_of.runs AS runs,
  tasks_of.open_runs AS open_runs,
  tasks_of.failed_runs AS failed_runs,
  tasks_of.labelled AS labelled,
  tasks_of.label_coverage AS label_coverage,
  tasks_of.successes AS successes,
  tasks_of.success_rate AS success_rate,
  tasks_of.escalations AS escalations,
  tasks_of.labelled_cost_usd AS labelled_cost_usd,
  tasks_of.labelled_cost_squared_usd2 AS labelled_cost_squared_usd2,
  tasks_of.cost_of_successes_usd AS cost_of_successes_usd,
  tasks_of.cost_per_successful_task_usd AS cost_per_successful_task_usd,
  tasks_of.task_cost_usd AS task_cost_usd,
  tasks_of.bound_all_succeeded_usd AS bound_all_succeeded_usd,
  tasks_of.bound_all_failed_usd AS bound_all_failed_usd,
  tasks_of.label_lag_p95_ns AS label_lag_p95_ns,
  tasks_of.immature_tasks AS immature_tasks,
  runs_of.latency_p50_ns AS latency_p50_ns,
  runs_of.latency_p95_ns AS latency_p95_ns,
  calls_of.calls AS calls,
  calls_of.failed_calls AS failed_calls,
  calls_of.priced_calls AS priced_calls,
  calls_of.self_hosted_calls AS self_hosted_calls,
  calls_of.unpriced_calls AS unpriced_calls,
  calls_of.unmetered_calls AS unmetered_calls,
  calls_of.cost_usd AS cost_usd,
  calls_of.cache_saving_usd AS cache_saving_usd,
  calls_of.input_tokens AS input_tokens,
  calls_of.output_tokens AS output_tokens,
  calls_of.cache_read_tokens AS cache_read_tokens,
  calls_of.cache_write_tokens AS cache_write_tokens,
  calls_of.reasoning_tokens AS reasoning_tokens,
  calls_of.cache_input_tokens AS cache_input_tokens,
  calls_of.cache_hit_rate AS cache_hit_rate,
  calls_of.energy_uj AS energy_uj,
  calls_of.retries AS retries,
  calls_of.fallbacks AS fallbacks,
  calls_of.ttft_p50_ns AS ttft_p50_ns,
  calls_of.ttft_p95_ns AS ttft_p95_ns,
  calls_of.price_versions AS price_versions
FROM
(
  SELECT *
  FROM report_tasks(since = {since:DateTime64(9, 'UTC')}, until = {until:DateTime64(9, 'UTC')})
  WHERE isNull(day)
) AS tasks_of
LEFT JOIN report_latency(since = {since:DateTime64(9, 'UTC')}, until = {until:DateTime64(9, 'UTC')}) AS runs_of ON runs_of.workload = tasks_of.workload
LEFT JOIN
(
  SELECT *
  FROM report_calls(since = {since:DateTime64(9, 'UTC')}, until = {until:DateTime64(9, 'UTC')})
  WHERE scope = 'workload' AND dimension = ''
) AS calls_of ON calls_of.workload = tasks_of.workload;
