"""Sampling leaves sums right: a sampled call says how many it stands for, and our own pipeline keeps every call."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_ON,
    DEFAULT_ON,
    ParentBased,
    Sampler,
    StaticSampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.trace.span import TraceState

import worthwhile as ww
from worthwhile import _sampling, _settings
from worthwhile._invocation import CallRequest, start

SAMPLED = TraceFlags(TraceFlags.SAMPLED)
WEIGHT = "worthwhile.sample.weight"


class SeededIds(IdGenerator):
    """Random ids that are the same in every run."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def generate_span_id(self) -> int:
        return self._random.getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        return self._random.getrandbits(128) or 1


@contextmanager
def exporting(sampler: Sampler, seed: int = 1) -> Iterator[tuple[InMemorySpanExporter, TracerProvider]]:
    """A host's provider with `sampler`."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler, id_generator=SeededIds(seed), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    ww.configure(tracer_provider=provider)
    try:
        yield exporter, provider
    finally:
        _settings.forget()


def ours(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if "worthwhile.span.type" in (span.attributes or {})]


def weights(exporter: InMemorySpanExporter) -> list[Any]:
    return [(span.attributes or {}).get(WEIGHT) for span in ours(exporter)]


def call() -> None:
    start(CallRequest("chat", "openai", "gpt-4o")).finish(None)


@contextmanager
def remote(trace_id: int, state: TraceState | None = None, flags: TraceFlags = SAMPLED) -> Iterator[None]:
    """Under a span of another process."""
    above = NonRecordingSpan(SpanContext(trace_id, 7, is_remote=True, trace_flags=flags, trace_state=state))
    token = otel_context.attach(trace.set_span_in_context(above))
    try:
        yield
    finally:
        otel_context.detach(token)


# In a host's provider, with its real samplers


@pytest.mark.parametrize("sampler", [ALWAYS_ON, DEFAULT_ON, TraceIdRatioBased(1.0), ParentBased(TraceIdRatioBased(1))])
def test_what_is_always_kept_has_no_weight(sampler: Sampler) -> None:
    with exporting(sampler) as (exporter, _):
        with ww.task("t"):
            call()
        call()
    assert weights(exporter) == [None, None, None]


@pytest.mark.parametrize("is_parent_based", [True, False])
@pytest.mark.parametrize("ratio", [0.5, 0.1, 0.37])
def test_estimated_totals_are_right(ratio: float, is_parent_based: bool) -> None:
    plain = TraceIdRatioBased(ratio)
    with exporting(ParentBased(plain) if is_parent_based else plain, seed=11) as (exporter, provider):
        for number in range(3000):
            if number % 3 == 0:
                with provider.get_tracer("host").start_as_current_span("request"), ww.task("t"):
                    call()
            elif number % 3 == 1:
                with ww.task("t"):
                    call()
            else:
                call()
    found = [
        weight for span, weight in zip(ours(exporter), weights(exporter), strict=True) if span.name.startswith("chat")
    ]
    assert set(found) == {1 / ratio}
    spread = (3000 * (1 - ratio) / ratio) ** 0.5  # one standard deviation of the estimate
    assert sum(found) == pytest.approx(3000, abs=3 * spread)


def test_the_estimate_has_no_bias() -> None:
    totals = []
    for seed in range(40):
        with exporting(ParentBased(TraceIdRatioBased(0.2)), seed=seed) as (exporter, _):
            for _ in range(100):
                with ww.task("t"):
                    call()
                    call()
        totals.append(sum(weight for weight in weights(exporter)) / 3)
    spread = (100 * (1 - 0.2) / 0.2 / 40) ** 0.5
    assert sum(totals) / len(totals) == pytest.approx(100, abs=3 * spread)


def test_a_trace_that_another_process_decided_about_has_no_known_weight() -> None:
    with exporting(ParentBased(TraceIdRatioBased(0.25))) as (exporter, provider):
        for trace_id in (1, (1 << 128) - 1):  # the sampler would keep the first and not the second
            with remote(trace_id):
                call()
                with ww.task("t"):
                    call()
                with provider.get_tracer("host").start_as_current_span("request"):
                    call()
                    with ww.task("t"):
                        call()
    assert weights(exporter) == [None] * 12


def test_a_trace_whose_beginning_is_not_known_counts_as_ours_if_it_can_be() -> None:
    with exporting(ParentBased(TraceIdRatioBased(0.25))) as (exporter, provider):
        tracer = provider.get_tracer("host")
        for trace_id in (1, (1 << 128) - 1):
            with remote(trace_id), tracer.start_as_current_span("request"), tracer.start_as_current_span("step"):
                call()
    assert weights(exporter) == [4, None]


def test_another_processs_probability_in_the_trace_state_counts() -> None:
    state = TraceState([("ot", "rv:9;th:c"), ("vendor", "x")])
    for sampler in (DEFAULT_ON, ParentBased(TraceIdRatioBased(0.5))):
        with exporting(sampler) as (exporter, _), remote(1, state):
            with ww.task("t"):
                call()
            call()
        assert weights(exporter) == [4, 4, 4]
    with (
        exporting(ParentBased(TraceIdRatioBased(0.5))) as (exporter, _),
        remote(1, TraceState([("ot", "th:nonsense")])),
    ):
        call()
    assert weights(exporter) == [None]


def test_composable_samplers_tell_by_the_trace_state() -> None:
    experimental = pytest.importorskip("opentelemetry.sdk.trace._sampling_experimental")
    ratio = experimental.composable_traceid_ratio_based(0.25)
    sampler = experimental.composite_sampler(experimental.composable_parent_threshold(ratio))
    with exporting(sampler, seed=3) as (exporter, _):
        for _ in range(400):
            with ww.task("t"):
                call()
    found = weights(exporter)
    assert set(found) == {4}
    assert len(found) / 2 == pytest.approx(100, abs=30)


def test_an_unsampled_call_is_not_exported_and_nothing_breaks() -> None:
    with exporting(TraceIdRatioBased(0)) as (exporter, _):
        with ww.task("t") as task:
            call()
        assert task.calls == 1
    assert ours(exporter) == []


def test_a_sampler_of_unknown_make_has_no_weight() -> None:
    class Own(StaticSampler):
        """Keeps everything, and does not say that it does."""

    with exporting(Own(ALWAYS_ON.should_sample(None, 1, "").decision)) as (exporter, _):
        call()
    assert weights(exporter) == [None]


# In our own pipeline


FIFTY = """
    import worthwhile as ww
    from worthwhile._invocation import CallRequest, start
    from opentelemetry import context, trace
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
    for number in range(50):
        above = NonRecordingSpan(SpanContext(number + 1, 7, is_remote=True, trace_flags=TraceFlags(number % 2)))
        token = context.attach(trace.set_span_in_context(above))
        with ww.task("t"):
            start(CallRequest("chat", "openai", "gpt-4o")).finish(None)
        context.detach(token)
    for number in range(400):
        start(CallRequest("chat", "openai", "gpt-4o")).finish(None)
    assert ww.flush(20)
"""


@pytest.mark.parametrize("sampler", ["always_off", "traceidratio", "parentbased_traceidratio"])
def test_our_own_pipeline_keeps_every_task_and_call(sampler: str, run_program: Any, receiver: Any) -> None:
    done = run_program(
        FIFTY,
        OTEL_TRACES_SAMPLER=sampler,
        OTEL_TRACES_SAMPLER_ARG="0.1",
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
    )
    assert done.returncode == 0, done.stderr
    assert len(receiver.spans) == 500
    assert not any(attribute.key == WEIGHT for span in receiver.spans for attribute in span.attributes)


def test_our_own_pipeline_samples_where_the_host_asks_for_it(run_program: Any, receiver: Any) -> None:
    done = run_program(
        FIFTY,
        WORTHWHILE_ACCOUNTING="sampled",
        OTEL_TRACES_SAMPLER="parentbased_traceidratio",
        OTEL_TRACES_SAMPLER_ARG="0.25",
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
    )
    assert done.returncode == 0, done.stderr
    found = [{each.key: each.value.double_value for each in span.attributes}.get(WEIGHT) for span in receiver.spans]
    assert found.count(None) == 50, "those of another process's traces that it had sampled"
    assert set(found) == {None, 4.0}
    assert sum(weight for weight in found if weight) == pytest.approx(400, abs=4 * (400 * 3) ** 0.5)


# The function itself


def context_of(state: str | None, trace_id: int = 1) -> SpanContext:
    return SpanContext(
        trace_id, 2, is_remote=False, trace_flags=SAMPLED, trace_state=TraceState([("ot", state)] if state else [])
    )


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        *(("th:0", None), ("th:8", 2), ("th:c", 4), ("th:f", 16), ("rv:1;th:8", 2), ("th:8;rv:1", 2)),
        *(("th:fffffffffffff", 2**52), ("th:ffffffffffffff", 2**56), ("rv:8", None), ("th:", None)),
        *(("th:x", None), ("th:123456789012345", None), ("th:-8", None), ("th:012345678901234", None), (None, None)),
    ],
)
def test_thresholds(state: str | None, expected: float | None) -> None:
    assert _sampling.weight(context_of(state), None, None) == expected


def test_a_remote_decision_is_not_ours_even_where_ours_would_be_the_same() -> None:
    parent = SpanContext(1, 7, is_remote=True, trace_flags=SAMPLED)
    assert _sampling.weight(context_of(None), ParentBased(TraceIdRatioBased(0.5)), parent) is None
    local = SpanContext(1, 7, is_remote=False, trace_flags=SAMPLED)
    assert _sampling.weight(context_of(None), ParentBased(TraceIdRatioBased(0.5)), local) == 2


@given(st.text(alphabet="thrv:;0123456789abcdefx-", max_size=40))
def test_no_trace_state_breaks_it(state: str) -> None:
    context = SimpleNamespace(trace_state={"ot": state})
    found = _sampling.weight(context, None, None)  # type: ignore[arg-type]
    assert found is None or found > 1


@settings(max_examples=30, deadline=None)
@given(st.floats(min_value=1e-6, max_value=1), st.integers(min_value=1, max_value=(1 << 128) - 1))
def test_the_weight_of_a_kept_trace_is_the_inverse_of_its_rate(rate: float, trace_id: int) -> None:
    sampler = TraceIdRatioBased(rate)
    for each, parent in ((sampler, None), (ParentBased(sampler), INVALID_SPAN_CONTEXT), (ParentBased(sampler), None)):
        found = _sampling.weight(context_of(None, trace_id), each, parent)
        assert found == (1 / rate if rate < 1 else None)
