-- One row per real call, in the types of `calls`. A span that is one call with another is left out, and what the other lacks
-- is filled in from it. Tokens and cost go together: they are the folded span's where it knows more and does not contradict.
-- Duplicates are looked for in `search_hours`.
WITH most_known > known_here AND (calls.usage_basis IN ('missing', 'estimated') OR calls.input_tokens = richest.1 AND calls.output_tokens = richest.2) AS is_richer
SELECT calls.* EXCEPT (hour, known_here) REPLACE (
  if(is_richer, richest.1, calls.input_tokens) AS input_tokens,
  if(is_richer, richest.2, calls.output_tokens) AS output_tokens,
  if(is_richer, richest.3, calls.cache_read_tokens) AS cache_read_tokens,
  if(is_richer, richest.4, calls.cache_write_tokens) AS cache_write_tokens,
  if(is_richer, richest.5, calls.cache_write_1h_tokens) AS cache_write_1h_tokens,
  if(is_richer, richest.6, calls.reasoning_tokens) AS reasoning_tokens,
  if(is_richer, richest.7, calls.audio_input_tokens) AS audio_input_tokens,
  if(is_richer, richest.8, calls.audio_output_tokens) AS audio_output_tokens,
  if(is_richer, richest.9, calls.image_input_tokens) AS image_input_tokens,
  if(is_richer, richest.10, calls.web_searches) AS web_searches,
  if(is_richer, richest.11, calls.usage_basis) AS usage_basis,
  if(is_richer, richest.12, calls.cost_usd) AS cost_usd,
  if(is_richer, richest.13, calls.cost_input_usd) AS cost_input_usd,
  if(is_richer, richest.14, calls.cost_cache_read_usd) AS cost_cache_read_usd,
  if(is_richer, richest.15, calls.cost_cache_write_usd) AS cost_cache_write_usd,
  if(is_richer, richest.16, calls.cost_output_usd) AS cost_output_usd,
  if(is_richer, richest.17, calls.cost_server_tools_usd) AS cost_server_tools_usd,
  if(is_richer, richest.18, calls.cache_saving_usd) AS cache_saving_usd,
  if(is_richer, richest.19, calls.cost_basis) AS cost_basis,
  if(is_richer, richest.20, calls.price_version) AS price_version,
  if(is_richer, richest.21, calls.cost_reported_usd) AS cost_reported_usd,
  if(is_richer, richest.22, calls.cost_reported_by) AS cost_reported_by,
  if(calls.response_model = '', filled_response_model, calls.response_model) AS response_model,
  if(calls.response_id = '', filled_response_id, calls.response_id) AS response_id,
  if(calls.service_tier = '', filled_service_tier, calls.service_tier) AS service_tier,
  if(calls.finish_reason = '', filled_finish_reason, calls.finish_reason) AS finish_reason,
  if(calls.conversation_id = '', filled_conversation_id, calls.conversation_id) AS conversation_id,
  if(calls.session_id = '', filled_session_id, calls.session_id) AS session_id,
  if(calls.user_id = '', filled_user_id, calls.user_id) AS user_id,
  ifNull(calls.ttft_ns, filled_ttft_ns) AS ttft_ns,
  ifNull(calls.http_status, filled_http_status) AS http_status,
  ifNull(calls.resend_count, filled_resend_count) AS resend_count,
  calls.is_stream OR streamed_ns > 0 AS is_stream,
  calls.duration_ns + streamed_ns AS duration_ns)
FROM
(
  SELECT
    *,
    task_ref,
    toStartOfHour(ts) AS hour,
    isNotNull(input_tokens) + isNotNull(output_tokens) + isNotNull(cache_read_tokens) + isNotNull(cache_write_tokens)
      + isNotNull(cache_write_1h_tokens) + isNotNull(reasoning_tokens) + isNotNull(web_searches) AS known_here
  FROM calls FINAL
) AS calls
LEFT JOIN
(
  SELECT
    row.1 AS hour,
    row.2 AS trace_id,
    row.3 AS span_id,
    max(row.4) AS is_folded,
    argMax(usage, known) AS richest,
    max(known) AS most_known,
    sum(streamed) AS streamed_ns,
    max(response_model) AS filled_response_model,
    max(response_id) AS filled_response_id,
    max(service_tier) AS filled_service_tier,
    max(finish_reason) AS filled_finish_reason,
    max(conversation_id) AS filled_conversation_id,
    max(session_id) AS filled_session_id,
    max(user_id) AS filled_user_id,
    minIf(ttft_ns, dialect != 'vllm') AS filled_ttft_ns,
    max(http_status) AS filled_http_status,
    max(resend_count) AS filled_resend_count
  FROM
  (
    SELECT
      *,
      arrayJoin([(hour, trace_id, span_id, true), (into_hour, into_trace_id, into_span_id, false)]) AS row,
      (input_tokens,
        output_tokens,
        cache_read_tokens,
        cache_write_tokens,
        cache_write_1h_tokens,
        reasoning_tokens,
        audio_input_tokens,
        audio_output_tokens,
        image_input_tokens,
        web_searches,
        usage_basis,
        cost_usd,
        cost_input_usd,
        cost_cache_read_usd,
        cost_cache_write_usd,
        cost_output_usd,
        cost_server_tools_usd,
        cache_saving_usd,
        cost_basis,
        price_version,
        cost_reported_usd,
        cost_reported_by) AS usage,
      isNotNull(input_tokens) + isNotNull(output_tokens) + isNotNull(cache_read_tokens) + isNotNull(cache_write_tokens)
        + isNotNull(cache_write_1h_tokens) + isNotNull(reasoning_tokens) + isNotNull(web_searches) AS known,
      if(span_name LIKE 'streaming response from%', toUInt64(toFloat64OrZero(attrs['duration']) * 1e9), 0) AS streamed
    FROM
    (
      SELECT
        *,
        toStartOfHour(ts) AS hour
      FROM calls FINAL
      WHERE toStartOfHour(ts) IN (SELECT arrayJoin(search_hours))
    ) AS inner
    INNER JOIN
    (
{compare_folds}
    ) AS fold USING (hour, trace_id, span_id)
  )
  GROUP BY hour, trace_id, span_id
) AS folded USING (hour, trace_id, span_id)
WHERE NOT is_folded
SETTINGS do_not_merge_across_partitions_select_final = 1
