"""Where spans begin and end: how they take part in a host's provider as a span of its own tracer would, and alone."""

import os
import random
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry.context import attach, detach, get_current
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, set_span_in_context
from tests.sdk.origins import MODEL, REMOTE, SCOPE, UNSAMPLED, Host, call, put_in_force, under

import worthwhile as ww
from worthwhile._hosted import ForeignOrigin, HostedOrigin, origin_of
from worthwhile._invocation import CallRequest, start
from worthwhile._origin import NOWHERE, PrivateOrigin


@pytest.fixture
def through() -> Iterator[Any]:
    yield from put_in_force()


# Which origin


def test_an_sdk_provider_is_joined_and_another_is_given_real_spans() -> None:
    class Own(TracerProvider):
        pass

    assert isinstance(Host().origin, HostedOrigin)
    assert isinstance(origin_of(Own(shutdown_on_exit=False), "worthwhile", "0"), ForeignOrigin)
    assert origin_of(trace.NoOpTracerProvider(), "worthwhile", "0") is NOWHERE


def test_a_provider_that_counts_its_own_spans_gets_real_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    meters = MeterProvider(shutdown_on_exit=False)  # without one, the oldest SDK that we work with keeps no metrics
    assert isinstance(Host(meter_provider=meters).origin, ForeignOrigin)


# What a span says is the same everywhere


def test_every_origin_makes_the_same_span(through: Any) -> None:
    class Own(TracerProvider):
        pass

    private: list[ReadableSpan] = []
    hosted, foreign = Host(), InMemorySpanExporter()
    own = Own(shutdown_on_exit=False)
    own.add_span_processor(SimpleSpanProcessor(foreign))
    origins = (
        PrivateOrigin(private.append, Resource.create({}), SCOPE),
        hosted.origin,
        origin_of(own, "worthwhile", "0"),
    )
    for origin in origins:
        through(origin)
        with ww.task("t", key="K"):
            call(attributes={"gen_ai.request.temperature": 0.5})
            with pytest.raises(KeyError), ww.task("inner"):
                raise KeyError
            failed = start(CallRequest("chat", "openai", MODEL, is_stream=True))
            failed.first_chunk()
            failed.fail(TimeoutError())
    seen = [
        [
            (span.name, span.kind, span.status.status_code, set(span.attributes or {}), len(span.events))
            for span in spans
        ]
        for spans in (private, hosted.spans, foreign.get_finished_spans())
    ]
    assert seen[0] == seen[1] == seen[2]
    assert [name for name, *_ in seen[0]] == [
        "chat gpt-4o-mini",
        "invoke_workflow inner",
        "chat gpt-4o-mini",
        "invoke_workflow t",
    ]
    assert {status.name for _, _, status, _, _ in seen[0]} == {"UNSET", "ERROR"}


# The host's sampler


# Alone


def test_alone_every_span_is_kept_whatever_the_host_has_decided_and_told_on(through: Any) -> None:
    kept: list[ReadableSpan] = []
    through(PrivateOrigin(kept.append, Resource.create({}), SCOPE))
    token = under(UNSAMPLED)
    invocation = start(CallRequest("chat", "openai", MODEL))
    with invocation.activated():
        assert not trace.get_current_span().get_span_context().trace_flags.sampled, "the host's decision goes on"
    invocation.finish(None)
    detach(token)
    (span,) = kept
    assert span.parent == UNSAMPLED
    assert span.context.trace_id == UNSAMPLED.trace_id


def test_alone_a_root_is_sampled_and_its_ids_are_random(through: Any) -> None:
    kept: list[ReadableSpan] = []
    through(PrivateOrigin(kept.append, Resource.create({}), SCOPE))
    with ww.task("t"):
        call()
    inner, outer = kept
    assert outer.parent is None
    assert inner.parent == outer.context
    assert outer.context == SpanContext(
        outer.context.trace_id, outer.context.span_id, is_remote=False, trace_flags=outer.context.trace_flags
    )
    assert outer.context.trace_flags.sampled
    assert outer.context.is_valid
    assert outer.context.span_id != inner.context.span_id


def test_our_ids_leave_the_hosts_random_sequence_alone(through: Any) -> None:
    through(PrivateOrigin(lambda span: None, Resource.create({}), SCOPE))
    before = random.getstate()
    call()
    assert random.getstate() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_ids_of_its_own(through: Any) -> None:
    kept: list[ReadableSpan] = []
    through(PrivateOrigin(kept.append, Resource.create({}), SCOPE))
    read, write = os.pipe()
    child = os.fork()
    if not child:
        call()
        os.write(write, f"{kept[0].context.trace_id:032x}".encode())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    call()
    assert os.read(read, 32).decode() != f"{kept[0].context.trace_id:032x}"
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("kind", ["private", "hosted", "nowhere"])
def test_the_context_around_a_call_is_as_it_was(through: Any, kind: str) -> None:
    through(
        {
            "private": lambda: PrivateOrigin(lambda span: None, Resource.create({}), SCOPE),
            "hosted": lambda: Host().origin,
            "nowhere": lambda: NOWHERE,
        }[kind]()
    )
    token = attach(set_span_in_context(NonRecordingSpan(REMOTE), baggage.set_baggage("tenant", "a")))
    before = get_current()
    invocation = start(CallRequest("chat", "openai", MODEL))
    with invocation.activated():
        assert baggage.get_baggage("tenant") == "a"
        assert trace.get_current_span().get_span_context().trace_id == REMOTE.trace_id
    invocation.finish(None)
    assert get_current() is before
    detach(token)
