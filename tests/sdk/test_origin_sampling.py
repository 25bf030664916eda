"""A host's sampler decides about our spans as about its own."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import detach
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_ON,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import SpanContext, TraceFlags
from opentelemetry.trace.span import TraceState
from tests.sdk.origins import MODEL, REMOTE, UNSAMPLED, Host, call, put_in_force, under

import worthwhile as ww
from worthwhile import Usage
from worthwhile._hosted import origin_of
from worthwhile._invocation import CallRequest, CallResponse, start


@pytest.fixture
def through() -> Iterator[Any]:
    yield from put_in_force()


@pytest.mark.parametrize("sampler", [ALWAYS_ON, DEFAULT_ON, ParentBased(ALWAYS_ON), TraceIdRatioBased(1.0)])
def test_what_the_sampler_keeps_is_exported(through: Any, sampler: Sampler) -> None:
    host = Host(sampler=sampler)
    through(host.origin)
    call()
    assert host.span.context.trace_flags.sampled


@pytest.mark.parametrize("sampler", [ALWAYS_OFF, ParentBased(ALWAYS_OFF), TraceIdRatioBased(0.0)])
def test_what_the_sampler_drops_is_not_and_its_trace_still_goes_on(through: Any, sampler: Sampler) -> None:
    host = Host(sampler=sampler)
    through(host.origin)
    with ww.task("t") as task:
        invocation = start(CallRequest("chat", "openai", MODEL))
        with invocation.activated():
            current = trace.get_current_span().get_span_context()
            assert current.is_valid
            assert not current.trace_flags.sampled
        invocation.finish(CallResponse(usage=Usage(3, 4)))
        assert task.usage == Usage(3, 4), "totals do not depend on sampling"
    assert host.spans == []


def test_a_remote_parent_decides_with_the_default_sampler(through: Any) -> None:
    host = Host(sampler=DEFAULT_ON)
    through(host.origin)
    for context, exported in ((UNSAMPLED, 0), (REMOTE, 1)):
        token = under(context)
        call()
        detach(token)
        assert len(host.spans) == exported
    assert host.span.parent == REMOTE
    assert host.span.context.trace_id == REMOTE.trace_id
    assert host.span.context.trace_state == REMOTE.trace_state
    assert host.span.context.is_remote is False


def test_always_on_keeps_what_its_parent_drops(through: Any) -> None:
    host = Host(sampler=ALWAYS_ON)
    through(host.origin)
    token = under(UNSAMPLED)
    call()
    detach(token)
    assert host.span.context.trace_flags.sampled


def test_a_sampler_of_the_hosts_own_is_asked_and_heard(through: Any) -> None:
    asked: list[Any] = []

    class Own(Sampler):
        def should_sample(
            self, parent_context: Any, trace_id: int, name: str, *args: Any, **kwargs: Any
        ) -> SamplingResult:
            asked.append((parent_context, trace_id, name, dict(args[1] or {})))
            return SamplingResult(Decision.RECORD_AND_SAMPLE, {"sampled.by": "own"}, TraceState([("own", "1")]))

        def get_description(self) -> str:
            return "own"

    host = Host(sampler=Own())
    through(host.origin)
    call()
    ((parent_context, trace_id, name, attributes),) = asked
    assert (parent_context, trace_id, name) == (None, host.span.context.trace_id, "chat gpt-4o-mini")
    assert attributes["gen_ai.request.model"] == MODEL
    assert host.span.attributes is not None
    assert host.span.attributes["sampled.by"] == "own"
    assert host.span.attributes["gen_ai.usage.input_tokens"] == 10
    assert host.span.context.trace_state == TraceState([("own", "1")])


def test_a_recorded_but_unsampled_span_reaches_the_processors_only(through: Any) -> None:
    ended: list[ReadableSpan] = []

    class Records(Sampler):
        def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
            return SamplingResult(Decision.RECORD_ONLY)

        def get_description(self) -> str:
            return "records"

    class Listens(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            ended.append(span)

    host = Host(Listens(), sampler=Records())
    through(host.origin)
    call()
    assert [span.name for span in ended] == ["chat gpt-4o-mini"]
    assert host.spans == []


def test_a_sampler_that_is_replaced_later_counts_from_then_on(through: Any) -> None:
    host = Host()
    origin: Any = host.origin
    through(origin)
    call()
    origin._tracer.sampler = ALWAYS_OFF  # older SDKs make a new tracer for everybody who asks for one
    call()
    assert len(host.spans) == 1


# Ids, resource, limits


# Providers of another make


class Own(TracerProvider):
    """A provider that makes real spans of our calls, as it is not the SDK's own."""


class Nameless(Sampler):
    """A sampler of the host's own, which does not say how much it keeps."""

    def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
        return SamplingResult(Decision.RECORD_AND_SAMPLE)

    def get_description(self) -> str:
        return "nameless"


class Low(RandomIdGenerator):
    """Trace ids that every ratio keeps."""

    def generate_trace_id(self) -> int:
        return 0x1


KEPT_QUARTER = SpanContext(
    0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(0x01), trace_state=TraceState([("ot", "th:c")])
)


@pytest.mark.parametrize(
    ("sampler", "above", "weight"),
    [
        (TraceIdRatioBased(0.25), None, 4.0),
        (ParentBased(TraceIdRatioBased(0.25)), None, 4.0),
        (ParentBased(TraceIdRatioBased(0.25)), REMOTE, None),  # what another process kept of it is not known
        (ParentBased(ALWAYS_ON), KEPT_QUARTER, 4.0),
        (Nameless(), KEPT_QUARTER, 4.0),
        (Nameless(), None, None),
        (ALWAYS_ON, None, None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Sampler) else None,
)
def test_a_real_span_says_how_many_it_stands_for(
    through: Any, sampler: Sampler, above: SpanContext | None, weight: float | None
) -> None:
    exporter = InMemorySpanExporter()
    own = Own(sampler=sampler, shutdown_on_exit=False, id_generator=Low())
    own.add_span_processor(SimpleSpanProcessor(exporter))
    through(origin_of(own, "worthwhile", "0"))
    token = None if above is None else under(above)
    call()
    if token is not None:
        detach(token)
    (span,) = exporter.get_finished_spans()
    assert (span.attributes or {}).get("worthwhile.sample.weight") == weight
