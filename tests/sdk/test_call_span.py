"""What a span of ours writes of itself: the same message as the stock encoder makes of what it says when read."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as stock_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState, set_span_in_context

from worthwhile import _call_otlp, _legs, pricing
from worthwhile._call import Attempt, CallResponse, Facts, Format
from worthwhile._call_span import CallSpan
from worthwhile._encode import encode_spans
from worthwhile._endpoints import Endpoint
from worthwhile._hosted import as_sdk_span
from worthwhile._origin import PrivateOrigin
from worthwhile._task_span import TaskSpan
from worthwhile.usage import Usage
from worthwhile_schemas import attributes as names

MANY = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))

SCOPE = InstrumentationScope("worthwhile", "1")
RESOURCE = Resource({"service.name": "a"})
ROOMY = PrivateOrigin(lambda span: None, RESOURCE, SCOPE, SpanLimits())

OPENAI = Endpoint("openai", "frontier", False, True, "api.openai.com", 443, "public", "public_name")
OWN = Endpoint("vllm", "local", True, True, "127.0.0.1", 8000, "host", "loopback")
NOWHERE = Endpoint("unknown", None, False, False, None, None)

LABELS = {names.WORKLOAD: "reply", names.TASK_ID: "0193", names.TASK_KEY: "T-1"}


def request_of(asked: Any) -> Mapping[str, Any]:
    return {f"request.{name}": value for name, value in asked}


def counted(counts: Facts) -> tuple[Usage | None, str | None]:
    return Usage(*counts[:-1]), counts[-1]


def response_of(facts: Facts) -> CallResponse:
    usage, cost = (None, None) if facts[1] is None else counted(facts[1])
    id_ = facts[0] if isinstance(facts[0], str) else None
    more = {} if facts[5] is None else {names.RESPONSE_SERVICE_TIER if facts[5] else names.ERROR_TYPE: facts[5]}
    return CallResponse(id_, facts[2], tuple(facts[4]), usage, facts[3], cost, more)


WHOLE = Format("chat", request_of, response_of)
BRIEF = Format("embeddings", request_of, response_of, counted)

TEXT = st.sampled_from(["", "é", "gpt-4o", "a" * 64, "b" * 3000]) | st.text(st.characters(exclude_categories=["Cs"]))
MODELS = st.sampled_from(["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "gpt-4o", "claude-sonnet-4-5", "mine", None])
COUNTS = (
    st.none()
    | st.sampled_from([0, 1, 127, 128, 1200, 2047, 2048, 16384, (1 << 21) - 1, 1 << 21, 1 << 40])
    | st.integers(-3, 1 << 62)
)
VALUES = st.sampled_from([1, 1.0, True, 0, 0.0, False, ("a",), "1"]) | TEXT | st.floats(allow_nan=False)
ASKED = st.lists(st.tuples(st.sampled_from("abc"), VALUES), max_size=3).map(tuple)
USAGES = st.builds(Usage, *[COUNTS] * 9)
COSTS = st.none() | st.sampled_from(["0", "0.25", "1e-9", "-1", "much"])
TIERS = st.sampled_from([None, "default", "flex", "Priority", "own"])
REASONS = st.lists(st.sampled_from(["stop", "length"]), max_size=2).map(tuple)
FACTS = st.tuples(
    st.none() | TEXT | st.just(5), st.none() | st.tuples(*[COUNTS] * 9, COSTS), MODELS, TIERS, REASONS, st.none() | TEXT
)
RESPONSES = st.builds(
    CallResponse,
    st.none() | TEXT,
    MODELS,
    REASONS,
    st.none() | USAGES,
    TIERS,
    COSTS,
    st.sampled_from([{}, {"more": 1}, {names.COST_CACHE_SAVING: 0.5}]),
)
STATE = TraceState([("a", "b")])
PARENTS = [
    None,
    SpanContext(7, 8, is_remote=False, trace_flags=TraceFlags(1)),
    SpanContext(7, 9, is_remote=True),
    SpanContext(7, 9, is_remote=True, trace_state=STATE),
]


def begun(kind: Any, parent: SpanContext | None = None, origin: PrivateOrigin = ROOMY) -> Any:
    span = object.__new__(kind)
    span._start_time = 1_760_000_000_000_000_000
    span._end_time = span._parent = span._made_context = span._whole = span._sampled = span._written = None
    above = Context() if parent is None else set_span_in_context(NonRecordingSpan(parent), Context())
    origin.begin(span, above)
    return span


def call(
    *,
    format_: Format = BRIEF,
    known: Endpoint = OPENAI,
    model: str | None = "gpt-4o-mini",
    is_stream: bool = False,
    asked: Any = (),
    answer: Any = None,
    labels: Mapping[str, str] | None = None,
    first_chunk_ns: int | None = None,
    reason: str | None = None,
    parent: SpanContext | None = None,
    origin: PrivateOrigin = ROOMY,
) -> CallSpan:
    span: CallSpan = begun(CallSpan, parent, origin)
    span.format, span.known, span.server, span.model = format_, known, "", model
    span.asked, span.is_stream, span.labels, span.leg = asked, is_stream, labels, None
    span.started_perf_ns = 5
    span._priced = span._response = None
    span.attempts, span.first_chunk_ns, span.reason, span.answer = (), first_chunk_ns, reason, answer
    return span


def ended(span: Any) -> Any:
    span._end_time = span._start_time + 12_345
    return span


def only(request: ExportTraceServiceRequest) -> Span:
    (group,) = request.resource_spans
    (span,) = group.scope_spans[0].spans
    return span


def in_order(span: Span) -> bytes:
    """Its bytes with the attributes in order of their names, which stand for nothing."""
    entries = sorted(span.attributes, key=lambda entry: entry.key)
    assert len({entry.key for entry in entries}) == len(entries)
    del span.attributes[:]
    span.attributes.extend(entries)
    return span.SerializeToString(deterministic=True)


def agrees(span: Any) -> bool:
    """Whether a fresh span writes of itself what it says when it is read; twice, as the second time bytes are kept."""
    written = [in_order(only(ExportTraceServiceRequest.FromString(encode_spans([span])))) for _ in range(2)]
    return written == [in_order(only(stock_spans([span])))] * 2


CALLS = st.builds(
    call,
    format_=st.sampled_from([WHOLE, BRIEF]),
    known=st.sampled_from([OPENAI, OWN, NOWHERE]),
    model=MODELS,
    is_stream=st.booleans(),
    asked=ASKED,
    answer=st.none() | FACTS | RESPONSES,
    labels=st.none() | st.just(LABELS) | st.builds(lambda id_: {**LABELS, names.TASK_ID: id_}, TEXT),
    first_chunk_ns=st.none() | st.integers(5, 1 << 50),
    reason=st.none() | st.sampled_from(["ValueError", "openai.RateLimitError"]),
    parent=st.sampled_from(PARENTS),
)


@MANY
@given(st.lists(CALLS, min_size=1, max_size=3))
@example([call(asked=(("a", value),)) for value in (1, True, 1.0, 0.0, False, -0.0)])
@example([call(answer=("id", (1, 1, *[None] * 8), "gpt-4o", None, (), value)) for value in ("1", "2")])
def test_a_call_writes_what_it_says_when_it_is_read(calls: list[CallSpan]) -> None:
    for span in calls:
        assert agrees(ended(span))


USUAL = (
    "chatcmpl-1",
    (1200, 96, 1024, None, None, 32, 0, 0, None, None),
    "gpt-4o-mini-2024-07-18",
    "default",
    ("stop",),
    "t",
)


def test_the_usual_call_goes_the_short_way() -> None:
    span = ended(call(answer=USUAL, labels=LABELS, asked=(("a", 0.5),), parent=PARENTS[1]))
    assert _call_otlp.encoded(span) is not None
    assert agrees(span)
    assert {names.COST_AMOUNT, names.COST_CACHE_SAVING, names.TASK_KEY} <= set(span.attributes)


def test_the_usual_call_is_written_straight_from_its_facts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_call_otlp, "_any", lambda span, shape: None)
    assert _call_otlp.encoded(ended(call(answer=USUAL, labels=LABELS, first_chunk_ns=9))) is not None
    inconsistent = ("chatcmpl-1", (1200, 96, 1024, None, None, 97, 0, 0, None, None), *USUAL[2:])
    assert _call_otlp.encoded(ended(call(answer=inconsistent))) is None


def test_calls_of_one_kind_have_the_prices_of_their_own_time(tmp_path: Path) -> None:
    contract = tmp_path / "contract.json"
    amount = {"input": "1", "output": "2"}
    row = {"provider": "openai", "model": "gpt-4o-mini*", "since": "2020-01-01", "usd_per_million_tokens": amount}
    contract.write_text(json.dumps({"schema": "worthwhile.price-overrides/1", "name": "acme", "prices": [row]}))
    amounts = []
    for path in (None, contract, None):
        pricing.use_overrides(path)
        span = ended(call(answer=USUAL))
        assert agrees(span)
        amounts.append(span.attributes[names.COST_AMOUNT])
    assert amounts[0] == amounts[2] != amounts[1]


def test_what_was_read_before_is_written_all_the_same() -> None:
    span = ended(call(answer=USUAL))
    assert span.counted()[1] == 160_800_000
    assert _call_otlp.encoded(span) is not None
    assert agrees(span)


def written_on(span: CallSpan) -> CallSpan:
    span.set_attribute("host", 1)
    span.add_event("event", {"x": 1})
    span.add_link(SpanContext(1, 2, is_remote=True))
    span.update_name("renamed")
    return span


def with_sampler_attributes(span: CallSpan) -> CallSpan:
    span._sampled = {"sampler": "s"}
    return span


def with_attempts(span: CallSpan) -> CallSpan:
    span.attempts = (Attempt(1, 5, 6, 0, 500, None), Attempt(2, 20, 6, 9, 200, None))
    return span


def with_leg(span: CallSpan) -> CallSpan:
    before = _legs.Failure("chat", "gpt-4o", "s", "cloud", "ValueError", 0)
    span.leg = _legs.Leg(before, before, 1, "gpt-4o-mini", None, None)
    return span


UNUSUAL = [written_on, with_sampler_attributes, with_attempts, with_leg]


@pytest.mark.parametrize("change", UNUSUAL)
def test_what_is_unusual_about_a_call_is_written_too(change: Any) -> None:
    usual, unusual = ended(call(answer=USUAL)), ended(change(call(answer=USUAL)))
    assert agrees(unusual)
    assert unusual.attributes != usual.attributes or unusual.name != usual.name


@pytest.mark.parametrize("limits", [SpanLimits(max_span_attributes=3), SpanLimits(max_span_attribute_length=2)])
def test_limits_hold(limits: SpanLimits) -> None:
    span = ended(call(answer=USUAL, origin=PrivateOrigin(lambda span: None, RESOURCE, SCOPE, limits)))
    assert agrees(span)
    assert len(span.attributes) == 3 or span.attributes[names.PROVIDER] == "op"


def test_what_cannot_be_written_does_not_take_the_rest_with_it() -> None:
    span = ended(call(model="gpt\ud800", answer=("id\udc00", None, "m\ud800", None, (), None), asked=(("a", 1 << 80),)))
    found = only(ExportTraceServiceRequest.FromString(encode_spans([span])))
    values = {entry.key: entry.value.string_value for entry in found.attributes}
    assert found.name == "embeddings gpt\ufffd"
    assert (values[names.REQUEST_MODEL], values[names.RESPONSE_ID]) == ("gpt\ufffd", "id\ufffd")
    assert "request.a" not in values


def test_scalars_of_the_hosts_own_making_are_written_the_general_way() -> None:
    class Text(str):
        """Text that only the host knows."""

        __slots__ = ()

    span = ended(call(asked=(("a", Text("v")),), answer=USUAL))
    assert _call_otlp.encoded(span) is None
    assert agrees(span)


def test_no_more_is_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_call_otlp, "_MAX_SHAPES", 4)
    monkeypatch.setattr(_call_otlp, "_MAX_LABELS", 4)
    _call_otlp._shapes.clear()
    for number in range(20):
        assert agrees(ended(call(asked=(("seed", number),), answer=USUAL, labels=dict(LABELS))))
        assert max(len(_call_otlp._shapes), len(_call_otlp._labels)) <= 4
    before = set(_call_otlp._shapes)
    assert agrees(ended(call(model="m" * 5000, answer=USUAL)))
    assert set(_call_otlp._shapes) == before


@pytest.mark.parametrize("outcome", [None, "accepted", "failed"])
@pytest.mark.parametrize("reason", [None, "ValueError"])
@pytest.mark.parametrize("parent", PARENTS)
def test_a_task_writes_what_it_says_when_it_is_read(
    outcome: str | None, reason: str | None, parent: SpanContext | None
) -> None:
    span: TaskSpan = begun(TaskSpan, parent)
    span.workload, span.labels, span.outcome, span.reason = "reply", LABELS, outcome, reason
    assert agrees(ended(span))


def test_a_record_becomes_a_span_of_the_sdk_as_it_stands() -> None:
    span = ended(call(answer=USUAL, labels=LABELS))
    before = (dict(span.attributes), span.otlp(), repr(span))
    assert not isinstance(span, SdkSpan)
    assert as_sdk_span(span) is span
    assert isinstance(span, SdkSpan)
    assert isinstance(span, CallSpan)
    assert (dict(span.attributes), span.otlp(), repr(span)) == before
    assert as_sdk_span(span) is span
    assert type(as_sdk_span(ended(call()))) is type(span)
