/*
otel_traces -> calls: who wrote the span, whether it is a model call, and what its attributes mean.
`dialect_sql.py` fills the words between braces from dialects/*.toml and writes clickhouse/materialized/30_calls_mv.sql.
An attribute is text here: absent is '', so that 0 and false stay what they are.
*/
SELECT
  if(is_dated, Timestamp, toDateTime64(0, 9, 'UTC')) AS ts,
  toFixedString(if(length(TraceId) = 32, unhex(TraceId), ''), 16) AS trace_id,
  toFixedString(if(length(SpanId) = 16, unhex(SpanId), ''), 8) AS span_id,
  toFixedString(if(length(ParentSpanId) = 16, unhex(ParentSpanId), ''), 8) AS parent_span_id,
  task_id_value AS task_id,
  if(task_key_text != '', reinterpretAsUInt128(sipHash128(workload_text, task_key_text)), task_id_value) AS task_ref,
  task_key_text AS task_key,
  arrayFilter(one -> one != 0, task_ancestors_value) AS task_ancestors,
  workload_text AS workload,
  ServiceName AS service,
  transform(dialect_rank, [{ranks}], [{dialects}], '') AS dialect,
  ScopeName AS scope,
  SpanName AS span_name,
  {operation_alias} AS operation,
  {provider_alias} AS provider,
  request_model_text AS request_model,
  response_model_text AS response_model,
  response_id_text AS response_id,
  conversation_id_text AS conversation_id,
  tier_text AS tier,
  locality_text AS locality,
  service_tier_text AS service_tier,
  server_address_text AS server_address,
  system_fingerprint_text AS system_fingerprint,
  is_stream_flag = 1 OR (is_stream_text = '' AND isNotNull(ttft_ns_value)) AS is_stream,
  -- An inclusive count is never smaller than its parts; a total that only fits with them added says the same.
  multiIf(
    is_uncounted, NULL,
    NOT is_inclusive AND (cached_tokens > input_tokens_value OR {is_exclusive} OR cached_tokens > 0
      AND total_tokens_value = input_tokens_value + cached_tokens + output_tokens_value), input_tokens_value + cached_tokens,
    input_tokens_value) AS input_tokens,
  multiIf(
    is_uncounted, NULL,
    NOT is_inclusive AND (reasoning_tokens_value > output_tokens_value OR {is_without_reasoning}),
      output_tokens_value + ifNull(reasoning_tokens_value, 0),
    output_tokens_value) AS output_tokens,
  cache_read_tokens_value AS cache_read_tokens,
  cache_write_tokens_value AS cache_write_tokens,
  cache_write_1h_tokens_value AS cache_write_1h_tokens,
  reasoning_tokens_value AS reasoning_tokens,
  audio_input_tokens_value AS audio_input_tokens,
  audio_output_tokens_value AS audio_output_tokens,
  web_searches_value AS web_searches,
  multiIf(
    is_uncounted OR isNull(input_tokens_value) AND isNull(output_tokens_value), 'missing',
    is_inclusive AND (cached_tokens > ifNull(input_tokens_value, 0)
      OR ifNull(reasoning_tokens_value, 0) > ifNull(output_tokens_value, 0)), 'inconsistent',
    cache_write_1h_tokens_value > ifNull(cache_write_tokens_value, 0), 'inconsistent',
    usage_basis_text IN ('reported', 'derived', 'estimated', 'missing', 'inconsistent'), usage_basis_text,
    'reported') AS usage_basis,
  cost_usd_value AS cost_usd,
  cost_input_usd_value AS cost_input_usd,
  cost_cache_read_usd_value AS cost_cache_read_usd,
  cost_cache_write_usd_value AS cost_cache_write_usd,
  cost_output_usd_value AS cost_output_usd,
  cost_server_tools_usd_value AS cost_server_tools_usd,
  cache_saving_usd_value AS cache_saving_usd,
  multiIf(
    cost_basis_text = 'self_hosted', 'self_hosted',
    isNull(cost_usd_value), 'unknown',
    cost_basis_text IN ('provider', 'list', 'contract'), cost_basis_text,
    'provider') AS cost_basis,
  price_version_text AS price_version,
  energy_uj_value AS energy_uj,
  energy_method_text AS energy_method,
  Duration AS duration_ns,
  if(is_stream_flag = 0, NULL, ttft_ns_value) AS ttft_ns,
  {finish_reason_alias} AS finish_reason,
  multiIf(
    error_type_text != '', error_type_text,
    StatusCode != 'Error', '',
    exception_type != '', exception_type,
    '_OTHER') AS error_type,
  http_status_value AS http_status,
  if({resend_count_is_zero} AND resend_count_text = '', 0, resend_count_value) AS resend_count,
  retry_wait_ns_value AS retry_wait_ns,
  cache_kind_text AS cache_kind,
  fallback_from_text AS fallback_from,
  fallback_to_text AS fallback_to,
  fallback_reason_text AS fallback_reason,
  fallback_index_value AS fallback_index,
  fallback_from_tier_text AS fallback_from_tier,
  fallback_kind_text AS fallback_kind,
  fallback_chain_text AS fallback_chain,
  ifNull(sample_weight_value, 1) AS sample_weight,
  arrayMap(at -> [{rejected_columns}][at], arrayFilter((at, is_rejected) -> is_rejected, range(1, {columns_and_1}), [
    {rejections}])) AS quality,
  if(has_long_attribute, mapApply((name, text) -> (name, substring(text, 1, 16384)), kept), kept) AS attrs
FROM
(
  SELECT
    *,
    {values},
    Timestamp >= toDateTime64('2000-01-01 00:00:00', 9, 'UTC')
      AND Timestamp < toDateTime64('2100-01-01 00:00:00', 9, 'UTC') AS is_dated,
    transform(lower(is_stream_text), ['true', '1', 'false', '0'], [1, 1, 0, 0], 2) AS is_stream_flag,
    Events.Attributes[indexOf(Events.Name, 'exception')]['exception.type'] AS exception_type,
    if(startsWith(finish_reason_text, '["'),
      substring(finish_reason_text, 3, position(finish_reason_text, '"', 3) - 3), finish_reason_text) AS finish_reason_first,
    arrayExists(text -> length(text) > 16384, mapValues(kept)) AS has_long_attribute,
    SpanAttributes['gen_ai.token.semantics'] = 'inclusive' AS is_inclusive,
    ifNull(cache_read_tokens_value, 0) + ifNull(cache_write_tokens_value, 0) AS cached_tokens,
    NOT {counts_zeros} AND input_tokens_text = '0' AND output_tokens_text = '0' AS is_uncounted
  FROM
  (
    SELECT
      *,
      {texts},
      mapFromArrays(
        arrayFilter((name, code) -> code = 0, names, codes),
        arrayFilter((text, code) -> code = 0, texts, codes)) AS kept
    FROM
    (
      SELECT
        *,
        arraySort((text, code) -> code, read_texts, read_codes) AS sorted_texts,
        arrayMap(code -> bitShiftRight(code, 5), arraySort(read_codes)) AS sorted_columns
      FROM
      (
        SELECT
          *,
          arrayFilter((text, code) -> code > 31 AND text != '', texts, codes) AS read_texts,
          arrayFilter((code, text) -> code > 31 AND text != '', codes, texts) AS read_codes
        FROM
        (
          SELECT
            *,
            mapKeys(SpanAttributes) AS names,
            mapValues(SpanAttributes) AS texts,
            arrayMap(name -> {code}, names) AS codes
          FROM
          (
            SELECT
              Timestamp,
              TraceId,
              SpanId,
              ParentSpanId,
              SpanName,
              ServiceName,
              ScopeName,
              SpanAttributes,
              Duration,
              StatusCode,
              Events.Name,
              Events.Attributes,
              {dialect_rank} AS dialect_rank
            FROM otel_traces
          )
          WHERE {is_call}
        )
      )
    )
  )
)
