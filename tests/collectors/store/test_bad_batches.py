"""Values that no emitter should send, in one batch with good calls: all stored, flagged where a column is wrong."""

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.collectors.store.otlp import START_NS, calls

from worthwhile_collectors.store import Store, framed

DAY_NS = 86_400_000_000_000
HUGE = "x" * 10_000_000


def dated(span_id: int, start_ns: int) -> bytes:
    request = ExportTraceServiceRequest.FromString(calls(span_id))
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.start_time_unix_nano, span.end_time_unix_nano = start_ns, min(start_ns + 1000, 2**64 - 1)
    return request.SerializeToString()


def flags(store: Store) -> dict[object, object]:
    rows = store.query("SELECT reinterpretAsUInt64(reverse(toString(span_id))) AS id, quality FROM calls ORDER BY id")
    return {row["id"]: row["quality"] for row in rows}


def test_attributes_of_10_mb_are_flagged_and_stop_nobody(store: Store) -> None:
    batch = [calls(1), calls(2, note=HUGE), calls(3)]
    assert store.insert_protobuf("traces", framed(batch), "huge") == ()
    assert flags(store) == {1: [], 2: ["attrs"], 3: []}
    kept = store.query("""
        SELECT (SELECT max(length(attrs['note'])) FROM calls) AS call,
               (SELECT max(length(SpanAttributes['note'])) FROM otel_traces) AS span
    """)
    assert kept[0]["span"] == len(HUGE)
    assert int(str(kept[0]["call"])) <= 16384


def test_absurd_times_are_flagged_and_stop_nobody(store: Store) -> None:
    """The epoch, year 2554, a clock in seconds instead of nanoseconds, and one of the right time."""
    times = {1: 0, 2: 2**64 - 1, 3: START_NS // 1_000_000_000, 4: START_NS, 5: 2**63}
    batch = [dated(span_id, start_ns) for span_id, start_ns in times.items()]
    assert store.insert_protobuf("traces", framed(batch), "times") == ()
    assert flags(store) == {1: ["ts"], 2: ["ts"], 3: ["ts"], 4: [], 5: ["ts"]}


def test_malformed_protobuf_in_the_middle_costs_one_request(store: Store) -> None:
    """Cut within a length, within a field, and a length that reaches into the next request."""
    whole = calls(9)
    broken = [whole[: len(whole) // 2], whole[:1], b"\x0a\xff\xff\xff\x7f" + whole]
    batch = [calls(1), broken[0], calls(2), broken[1], broken[2], calls(3)]
    refused = store.insert_protobuf("traces", framed(batch), "malformed")
    assert [each.body for each in refused] == broken
    assert flags(store) == {1: [], 2: [], 3: []}


def test_one_insert_over_three_hundred_days(store: Store) -> None:
    """ClickHouse's own limit is 100 partitions; a backlog after a long outage, or clocks gone wild, may have more."""
    batch = [dated(number, START_NS - number * DAY_NS) for number in range(1, 301)]
    for _ in range(2):
        assert store.insert_protobuf("traces", framed(batch), "days") == ()
    assert store.query("SELECT count() AS rows, uniqExact(toDate(ts)) AS days FROM calls") == [
        {"rows": 300, "days": 300}
    ]


def test_numbers_that_are_none_are_flagged_and_stop_nobody(store: Store) -> None:
    tokens = "gen_ai__usage__input_tokens"
    batch = [
        calls(1, **{tokens: 7}),
        calls(2, **{tokens: "many"}),
        calls(3, **{tokens: -1}),
        calls(4, **{tokens: float("nan")}),
        calls(5, **{tokens: 2**62}),
        calls(6, **{tokens: "\x00"}),
    ]
    assert store.insert_protobuf("traces", framed(batch), "numbers") == ()
    found = flags(store)
    assert [found[span_id] for span_id in (2, 3, 4, 6)] == [["input_tokens"]] * 4
    assert found[1] == []
    assert store.query("SELECT input_tokens AS n FROM calls_final ORDER BY ts LIMIT 1") == [{"n": 7}]
