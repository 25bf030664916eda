-- One row per run of a task, with everything that happened under it: calls of nested tasks count in each enclosing run.
-- Sums of money, tokens and energy are NULL when no call under the run has the figure.
CREATE OR REPLACE VIEW tasks AS
SELECT
  UUIDNumToString(reinterpretAsFixedString(byteSwap(runs.task_id))) AS task_id,
  runs.task_ref AS task_ref,
  runs.workload AS workload,
  runs.task_key AS task_key,
  runs.service AS service,
  lower(hex(runs.trace_id)) AS trace_id,
  runs.depth AS depth,
  runs.ts AS ts,
  runs.duration_ns AS duration_ns,
  runs.status AS status,
  runs.error_type AS error_type,
  sums.cost_usd AS cost_usd,
  sums.cache_saving_usd AS cache_saving_usd,
  sums.energy_uj AS energy_uj,
  sums.calls AS calls,
  sums.failed_calls AS failed_calls,
  sums.priced_calls AS priced_calls,
  sums.self_hosted_calls AS self_hosted_calls,
  sums.unpriced_calls AS unpriced_calls,
  sums.retries AS retries,
  sums.fallbacks AS fallbacks,
  sums.input_tokens AS input_tokens,
  sums.output_tokens AS output_tokens,
  sums.cache_read_tokens AS cache_read_tokens,
  sums.cache_write_tokens AS cache_write_tokens,
  sums.reasoning_tokens AS reasoning_tokens
FROM task_index AS runs
LEFT JOIN
(
  SELECT
    arrayJoin(arrayDistinct(arrayPushBack(final.task_ancestors, final.task_id))) AS run,
    sum(final.cost_usd) AS cost_usd,
    sum(final.cache_saving_usd) AS cache_saving_usd,
    sum(final.energy_uj) AS energy_uj,
    count() AS calls,
    countIf(final.error_type != '') AS failed_calls,
    countIf(isNotNull(final.cost_usd)) AS priced_calls,
    countIf(isNull(final.cost_usd) AND final.cost_basis = 'self_hosted') AS self_hosted_calls,
    countIf(isNull(final.cost_usd) AND final.cost_basis != 'self_hosted') AS unpriced_calls,
    sum(ifNull(final.resend_count, 0)) AS retries,
    countIf(final.fallback_from != '') AS fallbacks,
    sum(final.input_tokens) AS input_tokens,
    sum(final.output_tokens) AS output_tokens,
    sum(final.cache_read_tokens) AS cache_read_tokens,
    sum(final.cache_write_tokens) AS cache_write_tokens,
    sum(final.reasoning_tokens) AS reasoning_tokens
  FROM calls AS final FINAL
  WHERE final.task_id != 0
  GROUP BY run
) AS sums ON sums.run = runs.task_id;
