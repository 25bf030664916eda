"""Spans in a host's provider: its ids, resource, limits and processors hold for ours as for its own."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from tests.sdk.origins import MODEL, Host, call, put_in_force

import worthwhile as ww
from worthwhile import Usage
from worthwhile._invocation import CallRequest, CallResponse, start


@pytest.fixture
def through() -> Iterator[Any]:
    yield from put_in_force()


class CountingIds(IdGenerator):
    def __init__(self) -> None:
        self.number = 0

    def generate_span_id(self) -> int:
        self.number += 1
        return self.number

    def generate_trace_id(self) -> int:
        return self.generate_span_id() << 64


def test_the_hosts_id_generator_makes_the_ids(through: Any) -> None:
    host = Host(id_generator=CountingIds())
    through(host.origin)
    call()
    assert (host.span.context.trace_id, host.span.context.span_id) == (1 << 64, 2)
    assert host.span.context.trace_flags == 0x01, "nobody has said that these ids are random"


def test_the_hosts_resource_and_our_scope_are_on_the_span(through: Any) -> None:
    host = Host(resource=Resource.create({"service.name": "shop"}))
    through(host.origin)
    call()
    assert host.span.resource.attributes["service.name"] == "shop"
    assert host.span.instrumentation_scope == InstrumentationScope("worthwhile", "0")


def test_the_hosts_limits_hold(through: Any) -> None:
    host = Host(span_limits=SpanLimits(max_span_attributes=5, max_span_attribute_length=3, max_events=1))
    through(host.origin)
    invocation = start(CallRequest("chat", "openai", MODEL))
    for name in ("one", "two"):
        invocation.span.add_event(name)
    invocation.finish(CallResponse(id="abcdef", model=MODEL, usage=Usage(1, 1)))
    attributes = dict(host.span.attributes or {})
    assert len(attributes) == 5
    assert all(len(value) <= 3 for value in attributes.values() if isinstance(value, str))
    assert host.span.dropped_attributes > 0
    assert [event.name for event in host.span.events] == ["two"]
    assert host.span.dropped_events == 1


# Processors


class Stamps(SpanProcessor):
    """Does what baggage processors and their kin do: it copies context onto each span that starts."""

    def __init__(self) -> None:
        self.started: list[Any] = []
        self.parents: list[Context | None] = []

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        self.started.append(
            (span.name, span.is_recording(), span.parent, dict(span.attributes or {}), span.end_time, type(span.kind))
        )
        assert isinstance(span, SdkSpan)
        self.parents.append(parent_context)
        for key, value in baggage.get_all(parent_context).items():
            span.set_attribute(key, str(value))


def test_a_processor_may_read_and_write_as_a_span_starts(through: Any) -> None:
    stamps = Stamps()
    host = Host(stamps)
    through(host.origin)
    token = attach(baggage.set_baggage("tenant", "acme"))
    with ww.task("t"):
        call()
    detach(token)
    first, second = host.spans
    assert [(span.attributes or {})["tenant"] for span in (first, second)] == ["acme", "acme"]
    assert [name for name, *_ in stamps.started] == ["invoke_workflow t", "chat gpt-4o-mini"]
    _, is_recording, parent, attributes, end_time, _ = stamps.started[1]
    assert (is_recording, parent.span_id, end_time) == (True, second.context.span_id, None)
    assert attributes["gen_ai.request.model"] == MODEL
    assert "gen_ai.usage.input_tokens" not in attributes
    assert (first.attributes or {})["gen_ai.usage.input_tokens"] == 10


def test_a_processor_that_is_added_later_sees_spans_from_then_on(through: Any) -> None:
    host = Host()
    through(host.origin)
    call()
    stamps = Stamps()
    host.provider.add_span_processor(stamps)
    call()
    assert len(stamps.started) == 1


def test_the_processors_that_only_export_are_not_asked_at_the_start(
    through: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    host = Host(BatchSpanProcessor(InMemorySpanExporter()))
    through(host.origin)
    monkeypatch.setattr(type(host.provider._active_span_processor), "on_start", lambda *args, **kw: seen.append(args))
    call()
    assert seen == []
    assert len(host.spans) == 1
    host.provider.shutdown()


def test_a_processor_that_raises_costs_nobody_his_call(through: Any, as_in_production: None) -> None:
    class Broken(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            raise RuntimeError("theirs")

    through(Host(Broken()).origin)
    with ww.task("t"):
        call()


def test_the_span_that_starts_is_the_one_that_ends(through: Any) -> None:
    seen: list[Any] = []

    class Pairs(SpanProcessor):
        def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
            seen.append(span.get_span_context().span_id)

        def _on_ending(self, span: SdkSpan) -> None:
            seen.append(span.get_span_context().span_id)

        def on_end(self, span: ReadableSpan) -> None:
            seen.append(span.context.span_id)

    through(Host(Pairs()).origin)
    call()
    assert len(seen) == 3
    assert len(set(seen)) == 1
