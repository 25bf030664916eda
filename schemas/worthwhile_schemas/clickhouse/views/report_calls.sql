-- Calls of each scope as a whole (`dimension` empty) and by one property at a time: `model` (with its provider),
-- `cost_basis`, `tier`, `error_type`, `energy_method`, `fallback` (from, to, reason). Properties that do not belong to the
-- row's dimension are empty; an empty tier is unknown. Sums are NULL when no call has the figure; `cache_input_tokens` is
-- the input of calls whose cache reads are known, what the hit rate divides by. Quantile function: quantileExact.
CREATE OR REPLACE VIEW report_calls AS
SELECT
  scope,
  workload,
  multiIf(
    grouping(model) = 0, 'model',
    grouping(cost_basis) = 0, 'cost_basis',
    grouping(tier) = 0, 'tier',
    grouping(error_type) = 0, 'error_type',
    grouping(energy_method) = 0, 'energy_method',
    grouping(fallback_from) = 0, 'fallback',
    '') AS dimension,
  provider,
  model,
  cost_basis,
  tier,
  error_type,
  energy_method,
  fallback_from,
  fallback_to,
  fallback_reason,
  sum(part.calls) AS calls,
  sum(part.calls_outside_tasks) AS calls_outside_tasks,
  sum(part.failed_calls) AS failed_calls,
  sum(part.priced_calls) AS priced_calls,
  sum(part.self_hosted_calls) AS self_hosted_calls,
  sum(part.unpriced_calls) AS unpriced_calls,
  sum(part.unmetered_calls) AS unmetered_calls,
  sum(part.calls_without_price) AS calls_without_price,
  sum(part.cost_usd) AS cost_usd,
  sum(part.cache_saving_usd) AS cache_saving_usd,
  sum(part.input_tokens) AS input_tokens,
  sum(part.output_tokens) AS output_tokens,
  sum(part.cache_read_tokens) AS cache_read_tokens,
  sum(part.cache_write_tokens) AS cache_write_tokens,
  sum(part.reasoning_tokens) AS reasoning_tokens,
  sum(part.cache_input_tokens) AS cache_input_tokens,
  cache_read_tokens / nullIf(cache_input_tokens, 0) AS cache_hit_rate,
  sum(part.energy_uj) AS energy_uj,
  sum(part.retries) AS retries,
  sum(part.fallbacks) AS fallbacks,
  quantilesExactMerge(0.5, 0.95)(part.durations)[1] AS duration_p50_ns,
  quantilesExactMerge(0.5, 0.95)(part.durations)[2] AS duration_p95_ns,
  if(sum(part.calls_with_ttft) = 0, NULL, quantilesExactMerge(0.5, 0.95)(part.ttfts)[1]) AS ttft_p50_ns,
  if(sum(part.calls_with_ttft) = 0, NULL, quantilesExactMerge(0.5, 0.95)(part.ttfts)[2]) AS ttft_p95_ns,
  arraySort(groupUniqArrayArray(part.price_versions)) AS price_versions
FROM
(
  SELECT
    scope,
    workload,
    provider,
    model,
    cost_basis,
    tier,
    error_type,
    energy_method,
    fallback_from,
    fallback_to,
    fallback_reason,
    count() AS calls,
    countIf(called.is_outside_tasks) AS calls_outside_tasks,
    countIf(called.is_failed) AS failed_calls,
    countIf(called.is_priced) AS priced_calls,
    countIf(called.is_self_hosted AND NOT called.is_priced) AS self_hosted_calls,
    countIf(NOT called.is_self_hosted AND NOT called.is_priced) AS unpriced_calls,
    countIf(NOT called.is_self_hosted AND NOT called.is_priced AND NOT called.is_metered) AS unmetered_calls,
    countIf(NOT called.is_self_hosted AND NOT called.is_priced AND called.is_metered) AS calls_without_price,
    sum(called.cost_usd) AS cost_usd,
    sum(called.cache_saving_usd) AS cache_saving_usd,
    sum(called.input_tokens) AS input_tokens,
    sum(called.output_tokens) AS output_tokens,
    sum(called.cache_read_tokens) AS cache_read_tokens,
    sum(called.cache_write_tokens) AS cache_write_tokens,
    sum(called.reasoning_tokens) AS reasoning_tokens,
    sumOrNullIf(called.input_tokens, isNotNull(called.cache_read_tokens)) AS cache_input_tokens,
    sum(called.energy_uj) AS energy_uj,
    sum(called.retries) AS retries,
    countIf(called.is_fallback) AS fallbacks,
    quantilesExactState(0.5, 0.95)(called.duration_ns) AS durations,
    count(called.ttft_ns) AS calls_with_ttft,
    quantilesExactStateIf(0.5, 0.95)(assumeNotNull(called.ttft_ns), isNotNull(called.ttft_ns)) AS ttfts,
    groupUniqArrayIf(called.price_version, called.price_version != '') AS price_versions
  FROM report_scoped_calls(since = {since:DateTime64(9, 'UTC')}, until = {until:DateTime64(9, 'UTC')}) AS called
  GROUP BY ALL
) AS part
GROUP BY GROUPING SETS
(
  (scope, workload),
  (scope, workload, provider, model),
  (scope, workload, cost_basis),
  (scope, workload, tier),
  (scope, workload, error_type),
  (scope, workload, energy_method),
  (scope, workload, fallback_from, fallback_to, fallback_reason)
)
HAVING (dimension != 'error_type' OR error_type != '')
  AND (dimension != 'energy_method' OR energy_method != '')
  AND (dimension != 'fallback' OR fallback_from != '');
