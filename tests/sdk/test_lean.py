"""A lean span passes for one of the SDK's, whoever reads it or writes on it, whenever and from wherever."""

import gc
import json
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags

import worthwhile as ww
from worthwhile import Usage, _setup
from worthwhile._call import Attempt, Format
from worthwhile._call_span import CallSpan
from worthwhile._endpoints import endpoint
from worthwhile._invocation import CallRequest, CallResponse, Invocation, Target, begin, start
from worthwhile._origin import PrivateOrigin
from worthwhile._stats import tally

MODEL = "gpt-4o-mini"
SCOPE = InstrumentationScope("worthwhile", "0")


class _Pipeline:
    def __init__(self, origin: PrivateOrigin) -> None:
        self.origin = origin


@pytest.fixture
def kept() -> Iterator[list[Any]]:
    """Every span that ends, as our own queue gets it."""
    spans: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_setup, "_pipeline", _Pipeline(PrivateOrigin(spans.append, Resource.create({}), SCOPE)))
        patch.setattr(_setup, "_is_decided", True)
        yield spans


def a_call(**request: Any) -> Invocation:
    return start(CallRequest("chat", "openai", MODEL, **request))


RESPONSE = CallResponse(
    id="chatcmpl-1",
    model="gpt-4o-mini-2024-07-18",
    finish_reasons=("stop", "length"),
    usage=Usage(1200, 96, cache_read_tokens=1024, reasoning_tokens=32),
    service_tier="default",
    attributes={"openai.response.system_fingerprint": "fp_1"},
)


def retried(invocation: Invocation) -> None:
    invocation.attempt(Attempt(1, invocation.started_perf_ns + 10, 5, 0, 429, None))
    invocation.attempt(Attempt(2, invocation.started_perf_ns + 90, 5, 75, 200, None))


def as_the_sdk_would(span: ReadableSpan) -> ReadableSpan:
    """The same span, made by the SDK's own tracer out of what ours says."""
    made: list[ReadableSpan] = []

    class Keeps(SpanExporter):
        def export(self, spans: Any) -> SpanExportResult:
            made.extend(spans)
            return SpanExportResult.SUCCESS

    provider = TracerProvider(resource=span.resource, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(Keeps()))
    real = provider.get_tracer("worthwhile", "0").start_span(
        span.name, kind=span.kind, attributes=span.attributes, start_time=span.start_time
    )
    real._context = span.context  # type: ignore[attr-defined]
    real._parent = span.parent  # type: ignore[attr-defined]
    for event in span.events:
        real.add_event(event.name, event.attributes, event.timestamp)
    if span.status.status_code is StatusCode.ERROR:
        real.set_status(StatusCode.ERROR)
    real.end(span.end_time)
    return made[0]


# Reading


def test_it_is_what_the_sdk_would_have_made(kept: list[Any]) -> None:
    with ww.task("t", key="K"):
        invocation = a_call(attributes={"gen_ai.request.temperature": 0.5, "gen_ai.request.seed": 7})
        retried(invocation)
        invocation.finish(RESPONSE)
        a_call(is_stream=True).fail(TimeoutError())
    for span in kept:
        real = as_the_sdk_would(span)
        assert isinstance(span, (ReadableSpan, trace.Span))
        assert dict(span.attributes) == dict(real.attributes or {})
        assert json.loads(span.to_json()) == json.loads(real.to_json())
        assert encode_spans([span]) == encode_spans([real])
    assert [span.name for span in kept] == ["chat gpt-4o-mini", "chat gpt-4o-mini", "invoke_workflow t"]
    assert [len(span.events) for span in kept] == [2, 0, 0]


def test_while_it_records_it_tells_what_is_known_so_far(kept: list[Any]) -> None:
    invocation = a_call()
    span: Any = invocation.span
    assert (span.is_recording(), span.end_time) == (True, None)
    assert span.attributes["gen_ai.request.model"] == MODEL
    assert "worthwhile.usage.basis" not in span.attributes
    assert json.loads(span.to_json())["end_time"] is None
    invocation.finish(RESPONSE)
    assert span.is_recording() is False
    assert span.attributes["gen_ai.usage.input_tokens"] == 1200


def test_it_is_read_once_and_then_remembered(kept: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from worthwhile import _call_span

    priced: list[Any] = []
    real = _call_span.price_call
    monkeypatch.setattr(_call_span, "price_call", lambda *args, **kw: priced.append(1) or real(*args, **kw))
    a_call().finish(RESPONSE)
    assert priced == [], "nothing is priced on the host's own thread"
    for _ in range(3):
        assert kept[0].attributes["worthwhile.cost.amount"] == 0.0001608
    assert len(priced) == 1


def test_an_unpriced_call_is_counted_once_however_many_read_it_first(kept: list[Any]) -> None:
    before = tally.unpriced_calls
    start(CallRequest("chat", "openai", "nobody/knows")).finish(CallResponse(model="nobody/knows", usage=Usage(1, 1)))
    barrier, seen = threading.Barrier(8), []

    def read() -> None:
        barrier.wait(10)
        seen.append(dict(kept[0].attributes))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert all(each == seen[0] for each in seen)
    assert tally.unpriced_calls == before + 1


def test_its_context_is_one_that_anybody_could_have_made(kept: list[Any]) -> None:
    a_call().finish(None)
    context = kept[0].get_span_context()
    assert type(context) is SpanContext
    assert context == SpanContext(context.trace_id, context.span_id, is_remote=False, trace_flags=context.trace_flags)
    assert (context.is_valid, context.is_remote, type(context.trace_flags)) == (True, False, TraceFlags)
    assert kept[0].context is context, "one object, for whoever compares by identity"


# Writing


def test_others_may_write_on_it_while_it_records(kept: list[Any]) -> None:
    invocation = a_call()
    with invocation.activated():
        span = trace.get_current_span()
        span.set_attribute("tenant", "acme")
        span.set_attributes({"shop": 7, "gen_ai.request.model": "renamed", "gen_ai.response.id": "theirs"})
        span.add_event("cache miss", {"key": "k"}, timestamp=5)
        span.add_link(SpanContext(1, 2, is_remote=False), {"why": "retry"})
        span.update_name("their name")
        span.record_exception(ValueError("no"))
    retried(invocation)
    invocation.finish(RESPONSE)
    (span,) = kept
    assert (span.attributes["tenant"], span.attributes["shop"]) == ("acme", 7)
    assert span.attributes["gen_ai.request.model"] == "renamed", "what they wrote after the start goes over it"
    assert span.attributes["gen_ai.response.id"] == "chatcmpl-1", "what is known at the end goes over what they wrote"
    assert span.name == "their name"
    assert [event.name for event in span.events] == ["cache miss", "exception", *["worthwhile.attempt"] * 2]
    assert span.events[0].timestamp == 5
    assert dict(span.events[0].attributes) == {"key": "k"}
    assert span.events[1].attributes["exception.type"] == "ValueError"
    assert [(link.context.span_id, dict(link.attributes)) for link in span.links] == [(2, {"why": "retry"})]
    assert len(encode_spans(kept).resource_spans[0].scope_spans[0].spans[0].links) == 1


def test_what_is_no_attribute_is_not_written(kept: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    invocation = a_call()
    invocation.span.set_attribute("", "no name")
    invocation.finish(None)
    assert "" not in kept[0].attributes


@pytest.mark.parametrize(
    ("theirs", "fails", "expected"),
    [
        (None, False, StatusCode.UNSET),
        (None, True, StatusCode.ERROR),
        (Status(StatusCode.OK), True, StatusCode.OK),
        (Status(StatusCode.ERROR, "theirs"), False, StatusCode.ERROR),
        (StatusCode.UNSET, True, StatusCode.ERROR),
    ],
)
def test_the_status_is_what_the_sdk_would_say(kept: list[Any], theirs: Any, fails: bool, expected: StatusCode) -> None:
    invocation = a_call()
    if theirs is not None:
        invocation.span.set_status(theirs)
    if fails:
        invocation.fail(ValueError())
    else:
        invocation.finish(None)
    assert kept[0].status.status_code is expected


def test_what_is_written_after_the_end_is_ignored(kept: list[Any], as_in_production: None) -> None:
    invocation = a_call()
    invocation.finish(RESPONSE)
    before = json.loads(kept[0].to_json())
    span: Any = kept[0]
    span.set_attribute("late", 1)
    span.add_event("late")
    span.update_name("late")
    span.set_status(StatusCode.ERROR)
    assert json.loads(kept[0].to_json()) == before


def test_nobody_else_ends_it_so_its_tokens_are_never_lost(kept: list[Any]) -> None:
    invocation = a_call()
    with trace.use_span(invocation.span, end_on_exit=True):
        pass
    assert kept == []
    invocation.finish(RESPONSE)
    assert [span.attributes["gen_ai.usage.input_tokens"] for span in kept] == [1200]


def test_two_threads_that_write_first_both_do(kept: list[Any]) -> None:
    for _ in range(50):
        invocation = a_call()
        barrier = threading.Barrier(4)

        def write(number: int, barrier: threading.Barrier = barrier, invocation: Invocation = invocation) -> None:
            barrier.wait(10)
            invocation.span.set_attribute(f"n{number}", number)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        invocation.finish(None)
    assert all([span.attributes[f"n{number}"] for number in range(4)] == [0, 1, 2, 3] for span in kept)


# What it keeps


def facts_call(format_: Format, facts: Any) -> None:
    known = endpoint(None, "openai")
    call = begin(Invocation, format_, Target(known, "api.openai.com:443"), MODEL, (("temperature", 0.5),), False)
    assert call is not None
    call.finish(facts)


def test_a_span_that_waits_keeps_less_than_two_kilobytes(kept: list[Any]) -> None:
    format_ = Format("chat", dict, lambda facts: CallResponse(id=facts[0], model=facts[2]))

    def some(count: int) -> None:
        for number in range(count):
            facts_call(
                format_, (f"chatcmpl-{number}", (1200, 96, 1024, 0, 0, 32, 0, None), MODEL, "default", "fp", "stop")
            )

    some(50)
    gc.collect()
    tracemalloc.start(1)
    before = tracemalloc.get_traced_memory()[0]
    some(200)
    gc.collect()
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert used / 200 < 2000


def test_a_reading_that_breaks_costs_the_answer_only(kept: list[Any], as_in_production: None) -> None:
    def broken(facts: Any) -> CallResponse:
        raise RuntimeError("ours")

    facts_call(Format("chat", dict, broken), ("id", None, MODEL))
    assert kept[0].attributes["worthwhile.usage.basis"] == "missing"
    assert kept[0].attributes["gen_ai.request.model"] == MODEL


def test_it_holds_nothing_of_the_hosts(kept: list[Any]) -> None:
    class Host:
        """What the host may hang into a context."""

    thing = Host()
    key = trace.propagation._SPAN_KEY + "-of-the-host"
    from opentelemetry.context import attach, detach, set_value

    token = attach(set_value(key, thing))
    with ww.task("t"):
        invocation = a_call()
        with invocation.activated():
            pass
        invocation.finish(RESPONSE)
    detach(token)
    del invocation
    reachable: list[Any] = [span for span in kept if isinstance(span, CallSpan)]
    seen: set[int] = set()
    while reachable:
        node = reachable.pop()
        if id(node) in seen or isinstance(node, (type, Callable)):  # type: ignore[arg-type]
            continue
        seen.add(id(node))
        assert node is not thing
        reachable.extend(gc.get_referents(node))
