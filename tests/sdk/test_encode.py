"""The encoder against the stock one: the same message for any span and log record, and better where that gives up."""

import itertools
import logging
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs as stock_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as stock_spans
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from worthwhile import _encode, _otlp
from worthwhile._encode import encode_logs, encode_spans, logs_request, spans_request

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

MANY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
TORN_TEXT = st.text(st.sampled_from("aé\ud800\udbff\udc00\udfff😀\x00"), max_size=6)
INTS = st.one_of(
    st.integers(-(1 << 63), (1 << 63) - 1), st.integers(-3, 2100), st.sampled_from([127, 128, 2047, 2048, 1 << 35])
)
WRONG = st.sampled_from([1 << 63, -(1 << 63) - 1, 1 << 200, object(), object, {1, 2}, 2j, SpanKind.CLIENT])
STAMPS = st.one_of(st.none(), st.integers(0, (1 << 64) - 1))


def values(text: st.SearchStrategy[str], wrong: st.SearchStrategy[Any] = WRONG) -> st.SearchStrategy[Any]:
    plain = st.one_of(text, st.booleans(), INTS, st.floats(), st.binary(max_size=8), st.none())
    again = st.sampled_from(
        ["gpt", "claude", ("stop",), ("stop", "length"), (1,), (True,), (1.0,), 1, True, 1.0, -1, ""]
    )
    odd = st.one_of(wrong, st.sampled_from([range(3), bytearray(b"ab"), HTTPStatus.OK]))
    keys = st.one_of(text, st.integers(), st.none())
    return st.recursive(
        st.one_of(plain, again, plain, odd),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4), st.tuples(inner, inner), st.dictionaries(keys, inner, max_size=3)
        ),
        max_leaves=6,
    )


def mappings(text: st.SearchStrategy[str]) -> st.SearchStrategy[Mapping[str, Any]]:
    known = st.sampled_from(["model", "tokens", "cost", "reasons"])  # names that come again, with what is remembered
    plain = st.dictionaries(st.one_of(known, known, text), values(text), max_size=5)
    bounded = st.builds(lambda found, most: BoundedAttributes(most, found), plain, st.integers(0, 4))
    return st.one_of(plain, bounded)


def contexts(text: st.SearchStrategy[str]) -> st.SearchStrategy[SpanContext]:
    states = st.lists(st.tuples(st.sampled_from("abc"), st.text("xyz=;", min_size=1, max_size=3)), max_size=2)
    return st.builds(
        SpanContext,
        st.integers(0, (1 << 128) - 1),
        st.integers(0, (1 << 64) - 1),
        st.booleans(),
        st.sampled_from([TraceFlags(0), TraceFlags(1)]),
        st.builds(TraceState, states),
    )


RESOURCES = [
    Resource({"service.name": "a", "n": 1}),
    Resource({"n": 1, "service.name": "a"}),  # equal to the first
    Resource({"service.name": "a", "n": 1}, "https://schema/1"),
    Resource({}),
]
SCOPES = [
    InstrumentationScope("scope"),
    InstrumentationScope("scope"),  # equal to the first
    InstrumentationScope("scope", "1"),
    InstrumentationScope("scope", "1", "https://schema/2", {"a": ("b", "c"), "d": 2}),
    InstrumentationScope(""),
    None,
]


def spans(text: st.SearchStrategy[str]) -> st.SearchStrategy[ReadableSpan]:
    attributes = mappings(text)
    events = st.lists(st.builds(Event, text, attributes.map(bounded), st.integers(0, 1 << 62)), max_size=3)
    links = st.lists(st.builds(Link, contexts(text), attributes.map(bounded)), max_size=3)
    statuses = st.one_of(
        st.builds(Status, st.sampled_from([StatusCode.UNSET, StatusCode.OK])),
        st.builds(Status, st.just(StatusCode.ERROR), st.one_of(st.none(), text)),
    )
    return st.builds(
        ReadableSpan,
        name=text,
        context=contexts(text),
        parent=st.one_of(st.none(), contexts(text)),
        resource=st.sampled_from(RESOURCES),
        attributes=st.one_of(st.none(), attributes),
        events=st.one_of(events, events.map(lambda found: shortened(found, 1))),
        links=st.one_of(links, links.map(lambda found: shortened(found, 1))),
        kind=st.sampled_from(list(SpanKind)),
        status=statuses,
        start_time=STAMPS,
        end_time=STAMPS,
        instrumentation_scope=st.sampled_from(SCOPES),
    )


def bounded(attributes: Mapping[str, Any]) -> BoundedAttributes:
    return BoundedAttributes(3, attributes)


def shortened(found: Sequence[Any], most: int) -> BoundedList:
    return BoundedList.from_seq(most, found)


def records(text: st.SearchStrategy[str], bodies: st.SearchStrategy[Any]) -> st.SearchStrategy[ReadableLogRecord]:
    def record(trace_id: int, span_id: int, flags: TraceFlags, **arguments: Any) -> LogRecord:
        made = LogRecord(**arguments)
        made.trace_id, made.span_id, made.trace_flags = trace_id, span_id, flags
        return made

    made = st.builds(
        record,
        st.integers(0, (1 << 128) - 1) | st.just(0),
        st.integers(0, (1 << 64) - 1) | st.just(0),
        st.sampled_from([TraceFlags(0), TraceFlags(1), TraceFlags(255)]),
        timestamp=STAMPS,
        observed_timestamp=STAMPS,
        severity_text=st.none() | text,
        severity_number=st.none() | st.sampled_from(list(SeverityNumber)),
        body=bodies,
        attributes=st.none() | mappings(text),
        event_name=st.none() | text,
    )
    return st.builds(ReadableLogRecord, made, st.sampled_from(RESOURCES), st.sampled_from(SCOPES))


def canonical(message: Any) -> bytes:
    """Bytes to compare by: a message with a NaN in it is not equal to itself."""
    return message.SerializeToString(deterministic=True)


def as_traces(body: bytes) -> bytes:
    return canonical(ExportTraceServiceRequest.FromString(body))


def as_logs(body: bytes) -> bytes:
    return canonical(ExportLogsServiceRequest.FromString(body))


def mended(value: Any) -> Any:
    """The text, or the texts in a value, with U+FFFD for each surrogate that has no partner."""
    if isinstance(value, str):
        pairs = re.sub("[\ud800-\udbff][\udc00-\udfff]", lambda pair: joined(pair[0]), value)
        return re.sub("[\ud800-\udfff]", "\ufffd", pairs)
    if isinstance(value, list | tuple):
        return [mended(each) for each in value]
    if isinstance(value, Mapping):
        whole = {mended(key): mended(each) for key, each in value.items()}
        assume(len(whole) == len(value))
        return whole
    return value


def joined(pair: str) -> str:
    return chr(0x10000 + ((ord(pair[0]) - 0xD800) << 10) + ord(pair[1]) - 0xDC00)


@pytest.fixture(autouse=True)
def _quiet_stock_encoder() -> Iterator[None]:
    logger = logging.getLogger("opentelemetry")
    logger.disabled, before = True, logger.disabled
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)
    logger.disabled = before


@MANY
@given(st.lists(spans(TEXT), max_size=6))
def test_any_spans_are_encoded_as_the_stock_encoder_does(found: list[ReadableSpan]) -> None:
    assert as_traces(encode_spans(found)) == canonical(stock_spans(found))


@MANY
@given(st.lists(records(TEXT, values(TEXT, st.just(1.5))), max_size=6))
def test_any_log_records_are_encoded_as_the_stock_encoder_does(found: list[ReadableLogRecord]) -> None:
    assert as_logs(encode_logs(found)) == canonical(stock_logs(found))


@MANY
@given(TORN_TEXT, values(TORN_TEXT, st.none()))
@example("\ud800", ["\udc00\ud800", {"\ud800\udc00": "\ud800a"}])
def test_lone_surrogates_are_mended_where_the_stock_encoder_loses_the_batch(text: str, value: Any) -> None:
    context = SpanContext(1, 2, is_remote=False)

    def span(text: str, value: Any) -> ReadableSpan:
        event, link = Event(text, BoundedAttributes(None, {"v": value}), 5), Link(context, {"v": value})
        status = Status(StatusCode.ERROR, text)
        return ReadableSpan(text, context, None, RESOURCES[0], {"k": text, "v": value}, [event], [link], status=status)

    assert as_traces(encode_spans([span(text, value)])) == canonical(stock_spans([span(mended(text), mended(value))]))


def test_real_spans(made: "Made") -> None:
    with made.tracer.start_as_current_span("outer", attributes={"text": "é" * 300, "n": -5, "flag": True}) as outer:
        outer.add_event("event", {"x": 1})
        with made.tracer.start_as_current_span("inner", kind=SpanKind.CLIENT, links=[Link(outer.get_span_context())]):
            outer.add_event("another")
    with pytest.raises(ValueError, match="v"), made.tracer.start_as_current_span("failing"):
        raise ValueError("v")
    for index in range(200):
        with made.tracer.start_as_current_span("many", attributes={f"k{index}": index, "id": f"id-{index}"}):
            pass
    assert len(made.spans) == 203
    assert as_traces(encode_spans(made.spans)) == canonical(stock_spans(made.spans))


def test_limits_are_told_as_dropped_counts(made: "Made") -> None:
    provider = TracerProvider(
        span_limits=SpanLimits(max_attributes=2, max_events=1, max_links=1, max_attribute_length=3)
    )
    provider.add_span_processor(SimpleSpanProcessor(made))
    links = [Link(SpanContext(1, index, is_remote=True)) for index in (1, 2, 3)]
    with provider.get_tracer("t").start_as_current_span("s", links=links) as span:
        for index in range(5):
            span.set_attribute(f"k{index}", "abcdef")
            span.add_event(f"e{index}")
    (group,) = ExportTraceServiceRequest.FromString(encode_spans(made.spans)).resource_spans
    (found,) = group.scope_spans[0].spans
    counts = (found.dropped_attributes_count, found.dropped_events_count, found.dropped_links_count)
    assert counts == (3, 4, 2)
    assert as_traces(encode_spans(made.spans)) == canonical(stock_spans(made.spans))


def test_equal_resources_and_scopes_share_a_group_in_the_order_of_their_first_span() -> None:
    def span(resource: Resource, scope: InstrumentationScope | None) -> ReadableSpan:
        return ReadableSpan("s", SpanContext(1, 1, is_remote=False), resource=resource, instrumentation_scope=scope)

    found = [span(resource, scope) for resource in RESOURCES for scope in reversed(SCOPES)]
    request = ExportTraceServiceRequest.FromString(encode_spans(found))
    assert [len(group.scope_spans) for group in request.resource_spans] == [5, 5, 5]
    assert canonical(request) == canonical(stock_spans(found))


class Broken(ReadableSpan):
    """A span that cannot be read."""

    @property
    def name(self) -> str:
        raise RuntimeError("broken")


def test_a_span_that_cannot_be_read_does_not_take_its_neighbours_with_it(caplog: pytest.LogCaptureFixture) -> None:
    logging.disable(logging.NOTSET)
    context = SpanContext(1, 2, is_remote=False)
    good = [ReadableSpan(name, context, resource=RESOURCES[0]) for name in ("a", "b")]
    bad = [
        Broken("x", context),
        ReadableSpan("x", None),
        ReadableSpan("x", context, start_time=-1),
        Broken("y", context),
    ]
    _otlp._told.clear()
    encoded = spans_request([good[0], *bad, good[1]])
    assert (encoded.items, encoded.skipped) == (2, 4)
    assert as_traces(encoded.body) == canonical(stock_spans(good))
    told = [record.getMessage() for record in caplog.records if "left out a span" in record.getMessage()]
    assert len([line for line in told if "RuntimeError" in line]) <= 1
    assert as_traces(spans_request(bad).body) == b""


def test_an_attribute_or_body_that_cannot_be_written_does_not_take_the_rest_with_it() -> None:
    cyclic: list[Any] = []
    cyclic += [cyclic, cyclic]
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    attributes = {"before": 1, "cyclic": cyclic, "deep": deep, "after": 2, 5: "not text"}
    before = _otlp.left_out
    span = ReadableSpan("s", SpanContext(1, 2, is_remote=False), resource=RESOURCES[0], attributes=attributes)
    group = ExportTraceServiceRequest.FromString(encode_spans([span])).resource_spans[0]
    assert [each.key for each in group.scope_spans[0].spans[0].attributes] == ["before", "after"]
    assert _otlp.left_out == before + 3
    bodies = [cyclic, deep, object(), "kept"]
    logs = [ReadableLogRecord(LogRecord(timestamp=1, body=body), RESOURCES[0], None) for body in bodies]
    encoded = logs_request(logs)
    assert (encoded.items, encoded.skipped) == (4, 0)
    records = ExportLogsServiceRequest.FromString(encoded.body).resource_logs[0].scope_logs[0].log_records
    assert [record.body.string_value for record in records] == ["", "", "", "kept"]


def test_the_deepest_value_that_is_written_can_be_read_by_every_receiver() -> None:
    def nested(depth: int) -> Any:
        return {"k": nested(depth - 1)} if depth else 1

    values = {"deep": nested(_otlp.MAX_DEPTH), "deeper": nested(_otlp.MAX_DEPTH + 1)}
    event = Event("e", BoundedAttributes(None, values), 1)
    span = ReadableSpan("s", SpanContext(1, 2, is_remote=False), resource=RESOURCES[0], events=[event])
    (group,) = ExportTraceServiceRequest.FromString(encode_spans([span])).resource_spans
    assert [each.key for each in group.scope_spans[0].spans[0].events[0].attributes] == ["deep"]


def test_a_span_of_ours_writes_itself() -> None:
    class Own(ReadableSpan):
        def otlp(self) -> bytes:
            return b"\x2a\x03own"

    span = Own("not asked", SpanContext(1, 2, is_remote=False), resource=RESOURCES[0])
    (group,) = ExportTraceServiceRequest.FromString(encode_spans([span])).resource_spans
    assert [each.name for each in group.scope_spans[0].spans] == ["own"]


def test_the_encoder_pauses_when_it_has_held_the_interpreter_for_a_slice(
    made: "Made", monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(100):
        with made.tracer.start_as_current_span("s"):
            pass
    clock = itertools.count(step=13_000)  # ns; one reading per span and one per pause
    monkeypatch.setattr(_encode, "perf_counter_ns", lambda: next(clock))
    pauses: list[None] = []
    paused = spans_request(made.spans, lambda: pauses.append(None))
    assert len(pauses) == 6  # every 16 spans: 15 take the slice, the next is found to be over it
    assert paused == spans_request(made.spans)


def test_nothing_is_an_empty_request() -> None:
    assert spans_request([]) == _encode.Encoded(b"", 0, 0) == logs_request([])


def test_what_is_remembered_is_bounded() -> None:
    many_keys, many_texts = _otlp.AttributeEncoder(b"\x4a"), _otlp.AttributeEncoder(b"\x4a")
    for index in range(12_000):
        many_keys.append([], {f"text-{index}": "x", f"int-{index}": index, f"float-{index}": 0.5})
        many_texts.append([], {f"{index % 1000}": f"{index}", "id": f"{index}", "long": f"{index}" * 100})
    assert len(many_keys._ready) == len(many_keys._int_starts) == len(many_keys._float_starts) == 1024
    assert len(many_keys._keys) == 1024
    assert sum(map(len, many_texts._ready.values())) == 8192
    assert len(many_texts._ready["id"]) == 64
    assert "long" not in many_texts._ready


def test_threads_may_encode_at_once(made: "Made") -> None:
    for index in range(300):
        with made.tracer.start_as_current_span(f"s{index}", attributes={f"k{index % 7}": f"v{index % 11}", "n": index}):
            pass
    expected, found = canonical(stock_spans(made.spans)), []
    threads = [threading.Thread(target=lambda: found.append(encode_spans(made.spans))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [as_traces(body) == expected for body in found] == [True] * 4


class Made(SpanExporter):
    """Real spans of the SDK."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self))
        self.tracer: Tracer = provider.get_tracer("t", "1.0")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans.extend(spans)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None: ...


@pytest.fixture
def made() -> Made:
    return Made()
