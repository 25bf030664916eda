/*
otel_traces -> calls: who wrote the span, whether it is a model call, and what its attributes mean.
`dialect_sql.py` fills the words between braces from dialects/*.toml and writes clickhouse/materialized/30_calls_mv.sql.
An attribute is text here: absent is '', so that 0 and false stay what they are.
*/
WITH
  ({is_without_reasoning}) AS is_without_reasoning,
  (model) -> splitByChar('/', model)[1] AS before_slash,
  (model) -> if(
    NOT {keeps_names} AND position(model, '/') > 0
      AND (before_slash(model) = 'models' OR transform(lower(before_slash(model)), {model_prefixes}, '-') = provider),
    substring(model, 1 + position(model, '/')), model) AS own_name,
  (text) -> replaceRegexpAll(replaceAll(replaceAll(replaceAll(text, '\'', '"'), 'True', 'true'), 'False', 'false'), '\\bNone\\b', 'null') AS json_of_repr,
  -- Names and texts of the parts of JSON objects; of a list, those of its first item.
  (objects, dot) -> arrayFlatten(arrayMap(
    one -> arrayMap(
      part -> (concat(one.1, dot, part.1), part.2),
      JSONExtractKeysAndValuesRaw(if(startsWith(one.2, '['), JSONExtractRaw(one.2, 1), one.2))),
    arrayFilter(one -> startsWith(one.2, '{') OR startsWith(one.2, '['), objects))) AS parts_of
SELECT
  if(is_dated, Timestamp, toDateTime64(0, 9, 'UTC')) AS ts,
  toFixedString(if(length(TraceId) = 32, unhex(TraceId), ''), 16) AS trace_id,
  toFixedString(if(length(SpanId) = 16, unhex(SpanId), ''), 8) AS span_id,
  toFixedString(if(length(ParentSpanId) = 16, unhex(ParentSpanId), ''), 8) AS parent_span_id,
  task_id_value AS task_id,
  task_key_text AS task_key,
  arrayFilter(one -> one != 0, task_ancestors_value) AS task_ancestors,
  workload_text AS workload,
  ServiceName AS service,
  transform(dialect_rank, [{ranks}], [{dialects_named}], '') AS dialect,
  ScopeName AS scope,
  SpanName AS span_name,
  if(operation_text != '', {operation_alias}, if(SpanName ILIKE '%embed%', 'embeddings', 'chat')) AS operation,
  provider,
  own_name(request_model_name) AS request_model,
  own_name(response_model_text) AS response_model,
  response_id_text AS response_id,
  if(conversation_id_text = '', session_id_text, conversation_id_text) AS conversation_id,
  session_id_text AS session_id,
  user_id_text AS user_id,
  tenant_text AS tenant,
  agent_text AS agent,
  prompt_name_text AS prompt_name,
  prompt_version_text AS prompt_version,
  tags_value AS tags,
  tier_text AS tier,
  locality_text AS locality,
  service_tier_text AS service_tier,
  requested_service_tier_text AS requested_service_tier,
  reasoning_level_text AS reasoning_level,
  server_address_text AS server_address,
  system_fingerprint_text AS system_fingerprint,
  is_stream_flag = 1 OR (is_stream_text = '' AND isNotNull(ttft_ns_value)) AS is_stream,
  -- An inclusive count is never smaller than its parts; a total that only fits with them added says the same.
  multiIf(
    is_uncounted, NULL,
    NOT is_inclusive AND cached_tokens > 0 AND (
      cached_tokens > input_tokens_value
      OR {exclusive_ranks}
      OR {is_exclusive_for}
      OR input_code IN ({exclusive_codes})
      OR input_code IN ({exclusive_beside_codes}) AND hasAny(sorted_codes, [{part_codes}])
      OR total_tokens_value = input_tokens_value + cached_tokens + output_tokens_value), input_tokens_value + cached_tokens,
    input_tokens_value) AS input_tokens,
  multiIf(
    is_uncounted, NULL,
    NOT is_inclusive AND ifNull(reasoning_tokens_value, 0) > 0 AND (
      reasoning_tokens_value > output_tokens_value
      OR is_without_reasoning
      OR hasAny(sorted_codes, [{separate_reasoning_codes}])
      OR total_tokens_value = input_tokens_value + output_tokens_value + reasoning_tokens_value),
      output_tokens_value + reasoning_tokens_value,
    is_over AND is_without_reasoning, total_tokens_value - input_tokens_value,
    output_tokens_value) AS output_tokens,
  cache_read_tokens_value AS cache_read_tokens,
  cache_write_tokens_value AS cache_write_tokens,
  cache_write_1h_tokens_value AS cache_write_1h_tokens,
  reasoning_tokens_value AS reasoning_tokens,
  audio_input_tokens_value AS audio_input_tokens,
  audio_output_tokens_value AS audio_output_tokens,
  image_input_tokens_value AS image_input_tokens,
  web_searches_value AS web_searches,
  multiIf(
    is_uncounted OR isNull(input_tokens_value) AND isNull(output_tokens_value), 'missing',
    is_inclusive AND (cached_tokens > ifNull(input_tokens_value, 0)
      OR ifNull(reasoning_tokens_value, 0) > ifNull(output_tokens_value, 0)), 'inconsistent',
    cache_write_1h_tokens_value > ifNull(cache_write_tokens_value, 0), 'inconsistent',
    usage_basis_text IN ('reported', 'derived', 'estimated', 'missing', 'inconsistent'), usage_basis_text,
    is_over AND is_without_reasoning, 'derived',
    is_stream_flag = 1 AND isNull(cache_read_tokens_value) AND ({guesses_streams}), 'estimated',
    'reported') AS usage_basis,
  -- What an emitter worked out for itself stands in until our own prices say more; its zero is no price.
  multiIf(
    isNotNull(cost_usd_value), cost_usd_value,
    is_from_cache, 0,
    cost_reported_usd_value > 0 OR cost_reported_by_text = 'provider', cost_reported_usd_value,
    NULL) AS cost_usd,
  cost_input_usd_value AS cost_input_usd,
  cost_cache_read_usd_value AS cost_cache_read_usd,
  cost_cache_write_usd_value AS cost_cache_write_usd,
  cost_output_usd_value AS cost_output_usd,
  cost_server_tools_usd_value AS cost_server_tools_usd,
  cache_saving_usd_value AS cache_saving_usd,
  multiIf(
    cost_basis_text = 'self_hosted', 'self_hosted',
    isNull(cost_usd), 'unknown',
    cost_basis_text IN ('provider', 'list', 'contract'), cost_basis_text,
    isNotNull(cost_usd_value) OR cost_reported_by_text = 'provider', 'provider',
    is_from_cache, 'list',
    'emitter') AS cost_basis,
  price_version_text AS price_version,
  cost_reported_usd_value AS cost_reported_usd,
  multiIf(isNull(cost_reported_usd_value), '', cost_reported_by_text = 'provider', 'provider', 'emitter') AS cost_reported_by,
  energy_uj_value AS energy_uj,
  energy_method_text AS energy_method,
  Duration AS duration_ns,
  if(is_stream_flag = 0, NULL, ttft_ns_value) AS ttft_ns,
  {finish_reason_alias} AS finish_reason,
  multiIf(
    startsWith(error_type_text, '<class \''), substring(error_type_text, 9, length(error_type_text) - 10),
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
  arrayConcat(
    arrayMap(column -> [{columns}][column], arrayFilter(column -> [{is_unusable}][column], arrayDistinct(sorted_columns))),
    if(is_dated, [], ['ts']), if(length(TraceId) = 32, [], ['trace_id']), if(length(SpanId) = 16, [], ['span_id']),
    if(has_long_attribute, ['attrs'], []), broken) AS quality,
  if(has_long_attribute, mapApply((name, text) -> (name, substring(text, 1, 16384)), kept), kept) AS attrs,
  content
FROM
(
  SELECT
    *,
    {values},
    if(request_model_text = '', response_model_text, request_model_text) AS request_model_name,
    multiIf(
      provider_text != '', {provider_alias},
      dialect_rank IN ({provider_ranks}), transform(dialect_rank, [{provider_ranks}], [{provider_names}], ''),
      position(request_model_name, '/') > 0, transform(lower(before_slash(request_model_name)), {model_prefixes}, ''),
      '') AS provider,
    Timestamp >= toDateTime64('2000-01-01 00:00:00', 9, 'UTC')
      AND Timestamp < toDateTime64('2100-01-01 00:00:00', 9, 'UTC') AS is_dated,
    transform(lower(is_stream_text), ['true', '1', 'false', '0'], [1, 1, 0, 0], 2) AS is_stream_flag,
    Events.Attributes[indexOf(Events.Name, 'exception')]['exception.type'] AS exception_type,
    multiIf(
      startsWith(finish_reason_text, '["'), substring(finish_reason_text, 3, position(finish_reason_text, '"', 3) - 3),
      finish_reason_text = '', JSONExtractString(SpanAttributes['gen_ai.output.messages'], 1, 'finish_reason'),
      finish_reason_text) AS finish_reason_first,
    arrayExists(text -> length(text) > 16384, mapValues(kept)) AS has_long_attribute,
    SpanAttributes['gen_ai.token.semantics'] = 'inclusive' AS is_inclusive,
    ifNull(cache_read_tokens_value, 0) + ifNull(cache_write_tokens_value, 0) AS cached_tokens,
    NOT {counts_zeros} AND input_tokens_text = '0' AND output_tokens_text = '0' AS is_uncounted,
    sorted_codes[indexOf(sorted_columns, {input_column})] AS input_code,
    ifNull(reasoning_tokens_value, 0) = 0
      AND ifNull(total_tokens_value > input_tokens_value + output_tokens_value, 0) AS is_over,
    cache_kind_text = 'gateway' AND NOT {keeps_names} AS is_from_cache
  FROM
  (
    SELECT
      *,
      {texts},
      mapFromArrays(
        arrayFilter((name, code) -> code = 0, names, codes),
        arrayFilter((text, code) -> code = 0, texts, codes)) AS kept,
      mapFromArrays(
        arrayFilter((name, code) -> code = 2, names, codes),
        arrayFilter((text, code) -> code = 2, texts, codes)) AS content
    FROM
    (
      SELECT
        *,
        arraySort((text, code) -> code, read_texts, read_codes) AS sorted_texts,
        arraySort(read_codes) AS sorted_codes,
        arrayMap(code -> bitShiftRight(code, 6), sorted_codes) AS sorted_columns
      FROM
      (
        SELECT
          *,
          arrayConcat(
            arrayFilter((text, code) -> code > 63 AND text != '', texts, codes),
            arrayFilter((text, code) -> code > 63 AND text != '', inside_texts, inside_codes)) AS read_texts,
          arrayConcat(
            arrayFilter((code, text) -> code > 63 AND text != '', codes, texts),
            arrayFilter((code, text) -> code > 63 AND text != '', inside_codes, inside_texts)) AS read_codes
        FROM
        (
          SELECT
            *,
            arrayMap(one -> {inside_code}, inside) AS inside_codes,
            arrayMap(one -> multiIf(
              one.2 = 'null', '',
              one.1 IN ({constant_names}), transform(one.1, [{constant_names}], [{constants}], ''),
              startsWith(one.2, '"'), JSONExtractString(one.2),
              one.2), inside) AS inside_texts
          FROM
          (
            SELECT
              *,
              arrayConcat(own, level1, level2, parts_of(level2, '.'), timed) AS inside
            FROM
            (
              SELECT
                *,
                parts_of(level1, '.') AS level2
              FROM
              (
                SELECT
                  *,
                  parts_of(objects, '') AS level1,
                  arrayMap(one -> trim(TRAILING '#' FROM one.1),
                    arrayFilter(one -> startsWith(one.2, '{') AND NOT isValidJSON(one.2), objects)) AS broken
                FROM
                (
                  SELECT
                    *,
                    -- What stands inside attributes, and attributes that mean something in one dialect only. Most dialects have
                    -- neither: their arrays are empty from the start, which costs them nothing.
                    arrayMap(
                      (name, text) -> (concat(name, '#'), if(startsWith(text, '{\''), json_of_repr(text), text)),
                      arrayFilter(name -> name IN ({json_names}), own_names),
                      arrayFilter((text, name) -> name IN ({json_names}), own_texts, own_names)) AS objects,
                    arrayMap((name, text) -> (
                      concat(transform(name, {how_of_names}, own_prefix), name),
                      multiIf(
                        name IN ({ms_names}), toString(toFloat64OrZero(text) / 1000),
                        name IN ({time_names}), ifNull(toString(
                          (toUnixTimestamp64Nano(parseDateTime64BestEffortOrNull(replaceAll(text, '"', ''), 9, 'UTC')) - nanos) / 1e9), text),
                        name IN ({head_names}), replaceRegexpOne(text, '\\.[a-z]+$', ''),
                        text)), own_names, own_texts) AS own,
                    arrayMap(
                      (event, at) -> (concat('event:', event), toString((toUnixTimestamp64Nano(at) - nanos) / 1e9)),
                      arrayFilter(event -> event IN ({event_names}), own_events),
                      arrayFilter((at, event) -> event IN ({event_names}), own_moments, own_events)) AS timed
                  FROM
                  (
                    SELECT
                      *,
                      mapKeys(SpanAttributes) AS names,
                      mapValues(SpanAttributes) AS texts,
                      arrayMap((name, code) -> if(code = 0, toUInt16(2 * {is_content}), code), names, arrayMap(name -> {code}, names)) AS codes,
                      toUnixTimestamp64Nano(Timestamp) AS nanos,
                      dialect_rank IN ({reading_ranks}) AS is_read_inside,
                      concat(transform(dialect_rank, [{ranks}], [{dialects_named}], ''), ':') AS own_prefix,
                      if(is_read_inside, names, []) AS own_names,
                      if(is_read_inside, texts, []) AS own_texts,
                      if(is_read_inside, Events.Name, []) AS own_events,
                      if(is_read_inside, Events.Timestamp, []) AS own_moments
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
                        Events.Timestamp,
                        Events.Name,
                        Events.Attributes,
                        {prefix_at} AS prefix_at,
                        transform(prefix_at, {prefix_ranks}, arrayMin(arrayMap(
                          name -> transform(name, {markers}, toUInt8(255)), if(prefix_at > 0, [], mapKeys(SpanAttributes))))) AS dialect_rank
                      FROM otel_traces
                    )
                    WHERE {is_call}
                  )
                )
              )
            )
          )
        )
      )
    )
  )
)
-- Every insert analyses this anew; that optimisation alone compares all its conditions with one another for 0.1 s.
SETTINGS optimize_and_compare_chain = 0
