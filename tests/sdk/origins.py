"""What the tests of origins share: an origin put in force, a host's provider, one call."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.context import attach
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from opentelemetry.trace.span import TraceState

from worthwhile import Usage, _setup
from worthwhile._hosted import origin_of
from worthwhile._invocation import CallRequest, CallResponse, Invocation, start
from worthwhile._origin import Origin

MODEL = "gpt-4o-mini"
SCOPE = InstrumentationScope("worthwhile", "0")
REMOTE = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(0x01), trace_state=TraceState([("a", "b")]))
UNSAMPLED = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(0x00))


class Pipeline:
    """As much of a pipeline as emitting spans needs."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin


def put_in_force() -> Iterator[Any]:
    """Puts an origin in force for the rest of a test; a fixture, under the name `through`."""
    with pytest.MonkeyPatch.context() as patch:

        def use(origin: Origin) -> None:
            patch.setattr(_setup, "_pipeline", Pipeline(origin))
            patch.setattr(_setup, "_is_decided", True)

        yield use


class Host:
    """A provider of the host's, and what it has exported."""

    def __init__(self, *processors: SpanProcessor, **options: Any) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False, **options)
        for processor in (*processors, SimpleSpanProcessor(self.exporter)):
            self.provider.add_span_processor(processor)

    @property
    def origin(self) -> Origin:
        return origin_of(self.provider, "worthwhile", "0")

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    @property
    def span(self) -> ReadableSpan:
        (span,) = self.spans
        return span


def call(**request: Any) -> Invocation:
    invocation = start(CallRequest("chat", "openai", MODEL, **request))
    invocation.finish(CallResponse(id="r", model=MODEL, usage=Usage(10, 2)))
    return invocation


def under(context: SpanContext) -> Any:
    return attach(set_span_in_context(NonRecordingSpan(context)))
