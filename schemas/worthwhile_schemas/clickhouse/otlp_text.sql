-- Text of OTLP values, as the OpenTelemetry Collector's ClickHouse exporter writes it. `{otlp_text}` in a materialised view
-- stands for these definitions. `v` is an AnyValue message as it is on the wire: one field, so its first byte names the kind,
-- and the length of a text follows from the length of the whole. What is frequent is tried first. Lists are read up to 2 kB,
-- lists inside lists and longer ones are kept as the base64 of their bytes.
-- Every use is expanded in place, and ClickHouse analyses it anew at each insert (about 10 us for each function): use
-- `text_map` once where several maps are needed, and repeat no argument needlessly.
  (v) -> substring(v, 3 + (length(v) > 129) + (length(v) > 16386) + (length(v) > 2097156)) AS payload,
  (v) -> reinterpretAsUInt32(substring(v, 2, 4)) AS four_bytes,
  (v) -> bitAnd(four_bytes(v), 127) + bitAnd(bitShiftRight(four_bytes(v), 1), 16256)
    + bitAnd(bitShiftRight(four_bytes(v), 2), 2080768) + bitAnd(bitShiftRight(four_bytes(v), 3), 266338304) AS small_varint,
  (v) -> reinterpretAsInt64(arraySum(
    i -> bitShiftLeft(toUInt64(bitAnd(reinterpretAsUInt8(substring(v, i + 2, 1)), 127)), i * 7),
    range(toUInt8(length(v) - 1)))) AS varint,
  (v) -> multiIf(
    startsWith(v, '\n'), replaceAll(toJSONString(payload(v)), '\\/', '/'),
    startsWith(v, '\x18'), toString(varint(v)),
    startsWith(v, '!'), toString(reinterpretAsFloat64(substring(v, 2))),
    startsWith(v, '\x10'), if(endsWith(v, '\x01'), 'true', 'false'),
    v = '', 'null',
    concat('"', base64Encode(payload(v)), '"')) AS item_json,
  (list, at) -> reinterpretAsUInt16(substring(list, at + 1, 2)) AS item_head,
  (list, at) -> 2 + bitAnd(item_head(list, at), 127)
    + if(bitTest(item_head(list, at), 7), 1 + intDiv(item_head(list, at), 256) * 128, 0) AS item_size,
  (list) -> arrayFold(
    (seen, step) -> if(seen.1 > length(list), seen,
      (seen.1 + item_size(list, seen.1), arrayPushBack(seen.2, substring(list, seen.1, item_size(list, seen.1))))),
    range(intDiv(length(list), 2)), (toUInt64(1), []::Array(String))).2 AS items,
  (v) -> concat('[', arrayStringConcat(arrayMap(
    item -> item_json(substring(item, 3 + (length(item) > 129))), items(payload(v))), ','), ']') AS list_text,
  (v) -> multiIf(
    startsWith(v, '\n') AND length(v) <= 129, substring(v, 3),
    startsWith(v, '\x18') AND length(v) <= 5, toString(small_varint(v)),
    startsWith(v, '!'), toString(reinterpretAsFloat64(substring(v, 2))),
    startsWith(v, '\x10'), if(endsWith(v, '\x01'), 'true', 'false'),
    startsWith(v, '*') AND length(v) <= 2048, list_text(v),
    startsWith(v, '\x18'), toString(varint(v)),
    startsWith(v, '\n'), payload(v),
    v = '', '',
    base64Encode(payload(v))) AS value_text,
  (attributes) -> mapFromArrays(attributes.key, arrayMap(v -> value_text(v), attributes.value)) AS text_map
