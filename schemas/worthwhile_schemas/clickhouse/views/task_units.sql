-- One row per unit of account (`task_ref`): all runs of a keyed task together, or one run without a key. A call counts
-- once in a unit, also when several of its enclosing runs belong to that unit.
CREATE OR REPLACE VIEW task_units AS
SELECT
  units.task_ref AS task_ref,
  units.workload AS workload,
  units.task_key AS task_key,
  units.ts AS ts,
  units.runs AS runs,
  units.open_runs AS open_runs,
  units.failed_runs AS failed_runs,
  units.duration_ns AS duration_ns,
  units.first_duration_ns AS first_duration_ns,
  units.last_status AS last_status,
  units.last_end AS last_end,
  units.depth AS depth,
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
FROM
(
  SELECT
    runs.task_ref AS task_ref,
    any(runs.workload) AS workload,
    any(runs.task_key) AS task_key,
    min(runs.ts) AS ts,
    count() AS runs,
    countIf(runs.status = 'open') AS open_runs,
    countIf(runs.status = 'failed') AS failed_runs,
    sum(runs.duration_ns) AS duration_ns,
    argMin(runs.duration_ns, runs.ts) AS first_duration_ns,
    argMax(runs.status, runs.ts) AS last_status,
    argMax(runs.ts + toIntervalNanosecond(ifNull(runs.duration_ns, 0)), runs.ts) AS last_end,
    min(runs.depth) AS depth
  FROM task_index AS runs
  GROUP BY task_ref
) AS units
LEFT JOIN
(
  SELECT
    ref,
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
  FROM
  (
    SELECT
      own.task_ref AS ref,
      own.cost_usd, own.cache_saving_usd, own.energy_uj, own.error_type, own.cost_basis, own.resend_count, own.fallback_from,
      own.input_tokens, own.output_tokens, own.cache_read_tokens, own.cache_write_tokens, own.reasoning_tokens
    FROM calls AS own FINAL
    WHERE own.task_id != 0
    UNION ALL
    SELECT
      outer_run.task_ref AS ref,
      nested.cost_usd, nested.cache_saving_usd, nested.energy_uj, nested.error_type, nested.cost_basis, nested.resend_count,
      nested.fallback_from, nested.input_tokens, nested.output_tokens, nested.cache_read_tokens, nested.cache_write_tokens,
      nested.reasoning_tokens
    FROM
    (
      SELECT *, arrayJoin(task_ancestors) AS run
      FROM calls FINAL
      WHERE notEmpty(task_ancestors)
    ) AS nested
    INNER JOIN task_index AS outer_run ON outer_run.task_id = nested.run
    WHERE outer_run.task_ref != nested.task_ref
    LIMIT 1 BY outer_run.task_ref, nested.trace_id, nested.span_id, nested.ts
  ) AS final
  GROUP BY ref
) AS sums ON sums.ref = units.task_ref;
