-- Spans that are one real call with another span: which one is folded into which. Rules: docs/decisions/0007. Both are looked
-- for in `search_hours`, and a pair is found under its trace, its response id, or the request of a Logfire stream, in the
-- hour of its inner span: an hour is searched right when the one before it is searched with it.
WITH
  (one) -> if(one.response_id = '' OR one.dialect IN ('litellm', 'vllm'), '', one.response_id) AS id_of,
  -- Of what is not parent and child: two scopes, one of them around the other, and nothing that tells them apart.
  (outer, inner) -> outer.scope != inner.scope
    AND (outer.began, -outer.ended, outer.span_id) < (inner.began, -inner.ended, inner.span_id)
    AND outer.parent_span_id != inner.span_id
    AND (outer.provider = inner.provider OR outer.provider = '' OR inner.provider = '' OR inner.dialect = 'vllm')
    AND if(id_of(outer) != '' AND id_of(inner) != '',
      id_of(outer) = id_of(inner) AND inner.began <= outer.ended + 1000000,
      outer.trace_id = inner.trace_id
        AND inner.ended <= outer.ended + 1000000
        AND outer.parent_span_id != inner.parent_span_id
        AND (outer.model = inner.model OR outer.answered = inner.answered OR outer.answered = inner.model OR outer.model = inner.answered)
        AND ifNull(outer.output_tokens = inner.output_tokens, true)) AS is_around
SELECT
  fold.1 AS hour,
  fold.2 AS trace_id,
  fold.3 AS span_id,
  fold.4 AS into_hour,
  fold.5 AS into_trace_id,
  fold.6 AS into_span_id
FROM
(
  SELECT DISTINCT arrayJoin(arrayFilter(one -> one.1 = bucket AND one.6 != toFixedString('', 8), arrayMap(
    (one, into, at) -> (one.hour, one.trace_id, one.span_id, into.hour, into.trace_id,
      if(kind != 'stream' OR indexOf(found, into) = at, into.span_id, toFixedString('', 8))),
    members, found, arrayEnumerate(members)))) AS fold
  FROM
  (
    SELECT
      bucket,
      kind,
      members,
      arrayMap(inner -> if(kind = 'stream',
        -- The log span of a stream belongs to the last request without usage that had ended when the stream began.
        arrayLast(outer -> NOT outer.is_log AND inner.is_log AND outer.ended <= inner.began - inner.streamed_ns + 100000000
          AND isNull(outer.output_tokens) AND outer.error_type = ''
          AND outer.parent_span_id = inner.parent_span_id, members),
        arrayFirst(outer -> outer.span_id = inner.parent_span_id AND outer.trace_id = inner.trace_id OR is_around(outer, inner), members)
      ), members) AS found
    FROM
    (
      SELECT
        arrayJoin([hour, hour + 3600]) AS bucket,
        arrayJoin(arrayFilter(one -> one.2 != 0, [
          ('trace', sipHash64(trace_id)),
          ('response', if(response_id = '', 0, sipHash64(response_id))),
          ('stream', if(dialect = 'logfire', sipHash64(service, scope, request_model), 0))])) AS key,
        key.1 AS kind,
        arraySort(one -> (one.began, -one.ended, one.span_id), groupArray(CAST(
          (hour, trace_id, span_id, parent_span_id, scope, dialect, provider, request_model, if(response_model = '', request_model, response_model),
            response_id, output_tokens, error_type, began, began + duration_ns, span_name LIKE 'streaming response from%',
            toInt64(toFloat64OrZero(attrs['duration']) * 1e9)),
          'Tuple(hour DateTime(\'UTC\'), trace_id FixedString(16), span_id FixedString(8), parent_span_id FixedString(8), scope String,
            dialect String, provider String, model String, answered String, response_id String, output_tokens Nullable(UInt64),
            error_type String, began Int64, ended Int64, is_log Bool, streamed_ns Int64)'))) AS members
      FROM
      (
        SELECT
          *,
          toStartOfHour(ts) AS hour,
          toUnixTimestamp64Nano(ts) AS began
        FROM calls FINAL
        WHERE toStartOfHour(ts) IN (SELECT arrayJoin(search_hours))
      )
      GROUP BY bucket, key
      -- Where nothing can be found, nothing is looked at: that takes ten times as long as putting the calls together.
      HAVING count() > 1
        AND (kind = 'stream' OR min(scope) != max(scope) OR hasAny(groupArray(span_id), groupArray(parent_span_id)))
    )
  )
)
