"""Whose OpenTelemetry provider is used, and how our spans take part in the host's traces."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import _logs, baggage, trace
from opentelemetry.context import attach, detach, get_current
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.util._once import Once

import worthwhile as ww
from worthwhile import Usage
from worthwhile._invocation import CallRequest, CallResponse, start


@pytest.fixture(autouse=True)
def _fresh(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((trace, "TRACER"), (_logs._internal, "LOGGER")):
        monkeypatch.setattr(module, f"_{name}_PROVIDER", None)
        monkeypatch.setattr(module, f"_{name}_PROVIDER_SET_ONCE", Once())


class Host:
    """A host with its own OpenTelemetry set-up."""

    def __init__(self, **options: Any) -> None:
        self.spans = InMemorySpanExporter()
        self.logs = InMemoryLogRecordExporter()
        self.tracers = TracerProvider(shutdown_on_exit=False, **options)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.spans))
        self.loggers = LoggerProvider(shutdown_on_exit=False)
        self.loggers.add_log_record_processor(SimpleLogRecordProcessor(self.logs))

    def names(self) -> list[str]:
        return [span.name for span in self.spans.get_finished_spans()]


@pytest.fixture
def host() -> Iterator[Host]:
    own = Host()
    trace.set_tracer_provider(own.tracers)
    _logs.set_logger_provider(own.loggers)
    yield own
    own.tracers.shutdown()
    own.loggers.shutdown()


def work(name: str = "t") -> None:
    with ww.task(name, key="K") as t:
        start(CallRequest("chat", "openai", "gpt-4o-mini")).finish(CallResponse(usage=Usage(1_000_000, 0)))
        t.accept()


def test_the_hosts_global_providers_are_used(host: Host) -> None:
    work()
    assert host.names() == ["chat gpt-4o-mini", "invoke_workflow t"]
    (log,) = host.logs.get_finished_logs()
    assert log.log_record.event_name == "gen_ai.evaluation.result"
    assert host.spans.get_finished_spans()[0].instrumentation_scope.name == "worthwhile"
    assert ww.flush(5) is True
    assert ww.stats()[4:8] == (0, 0, 0, 0)


def test_shutdown_leaves_the_hosts_providers_open(host: Host) -> None:
    work()
    assert ww.shutdown(5) is True
    trace.get_tracer("host").start_span("afterwards").end()
    assert host.names()[-1] == "afterwards"


def test_an_explicit_endpoint_counts_over_the_hosts_provider(host: Host, receiver: Any) -> None:
    ww.configure(endpoint=receiver.url)
    work()
    assert ww.flush(10) is True
    assert host.names() == []
    assert len(receiver.spans) == 2
    assert len(receiver.signals) == 1


def test_given_providers_count_over_everything(host: Host) -> None:
    other = Host()
    ww.configure(endpoint="http://127.0.0.1:9", tracer_provider=other.tracers, logger_provider=other.loggers)
    work()
    assert ww.flush(5) is True
    assert host.names() == []
    assert other.names() == ["chat gpt-4o-mini", "invoke_workflow t"]
    assert len(other.logs.get_finished_logs()) == 1


def test_a_private_provider_never_becomes_the_global_one(receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    work("before")
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    late = Host()
    trace.set_tracer_provider(late.tracers)
    assert trace.get_tracer_provider() is late.tracers, "the host may still set its own"
    work("after")
    assert ww.flush(10)
    assert late.names() == []
    assert receiver.task_names() == ["after", "before", "chat gpt-4o-mini", "chat gpt-4o-mini"]


def test_a_host_with_a_tracer_provider_only_keeps_its_signals_with_us(
    receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    own = Host()
    trace.set_tracer_provider(own.tracers)
    work()
    assert ww.flush(10)
    assert own.names() == ["chat gpt-4o-mini", "invoke_workflow t"]
    assert (len(receiver.spans), len(receiver.signals)) == (0, 1)


def test_our_spans_join_the_hosts_trace_and_the_hosts_join_ours(host: Host) -> None:
    tracer = trace.get_tracer("host")
    with tracer.start_as_current_span("request") as request, ww.task("t"):
        token = attach(baggage.set_baggage("tenant", "a"))
        with tracer.start_as_current_span("step") as step:
            invocation = start(CallRequest("chat", "openai", "m"))
            with invocation.activated(), tracer.start_as_current_span("http"):
                assert baggage.get_baggage("tenant") == "a"
            invocation.finish(None)
        detach(token)
    spans = {span.name: span for span in host.spans.get_finished_spans()}
    assert {span.context.trace_id for span in spans.values()} == {request.get_span_context().trace_id}
    assert spans["invoke_workflow t"].parent.span_id == request.get_span_context().span_id
    assert spans["step"].parent.span_id == spans["invoke_workflow t"].context.span_id
    assert spans["chat m"].parent.span_id == step.get_span_context().span_id
    assert spans["http"].parent.span_id == spans["chat m"].context.span_id


def test_the_hosts_sampler_decides_and_totals_do_not_depend_on_it() -> None:
    own = Host(sampler=ParentBased(ALWAYS_OFF))
    ww.configure(tracer_provider=own.tracers, logger_provider=own.loggers)
    with ww.task("t", key="K") as t:
        start(CallRequest("chat", "openai", "gpt-4o-mini")).finish(
            CallResponse(model="gpt-4o-mini", usage=Usage(1_000_000, 0))
        )
        assert t.usage == Usage(1_000_000, 0)
        assert str(t.cost_usd) == "0.150000000000"
        t.accept()
    assert own.names() == []
    assert len(own.logs.get_finished_logs()) == 1, "a judgement is never sampled away"


def test_the_sampler_sees_what_is_known_at_the_start() -> None:
    seen: list[dict[str, Any]] = []

    class Sampler(type(ALWAYS_OFF)):  # type: ignore[misc]
        def should_sample(self, *args: Any, **kwargs: Any) -> Any:
            seen.append(dict(args[4] or {}))
            return super().should_sample(*args, **kwargs)

    own = Host(sampler=Sampler(ALWAYS_OFF._decision))
    ww.configure(tracer_provider=own.tracers)
    work()
    assert seen[0]["worthwhile.workload"] == "t"
    assert seen[1]["gen_ai.request.model"] == "gpt-4o-mini"
    assert seen[1]["gen_ai.provider.name"] == "openai"
    assert seen[1]["server.address"] == "api.openai.com"
    assert seen[1]["worthwhile.task.key"] == "K"


@pytest.mark.parametrize(("accounting", "kept"), [("sampled", 0), ("", 2)])
def test_a_sampler_variable_counts_where_accounting_is_sampled_and_else_every_span_is_kept(
    receiver: Any, monkeypatch: pytest.MonkeyPatch, accounting: str, kept: int
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    monkeypatch.setenv("WORTHWHILE_ACCOUNTING", accounting)
    ww.configure(endpoint=receiver.url)
    work()
    assert ww.flush(10)
    assert (len(receiver.spans), len(receiver.signals)) == (kept, 1)


def test_a_host_provider_that_hangs_cannot_hold_up_flush(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading
    import time

    work()
    gate = threading.Event()
    monkeypatch.setattr(host.tracers, "force_flush", lambda timeout_millis: gate.wait(20))
    begin = time.perf_counter()
    assert ww.flush(0.2) is False
    assert time.perf_counter() - begin < 3
    gate.set()


def test_an_sdk_that_is_switched_off_is_told_of(
    monkeypatch: pytest.MonkeyPatch, as_in_production: None, caplog: pytest.LogCaptureFixture, receiver: Any
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("WORTHWHILE_ENABLED", "true")
    monkeypatch.setenv("WORTHWHILE_ACCOUNTING", "sampled")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    work()
    assert ww.flush(10) is True
    assert (len(receiver.spans), len(receiver.signals)) == (0, 1), "signals need no provider"
    assert "is OTEL_SDK_DISABLED set?" in caplog.text


def test_the_context_is_left_as_it_was(host: Host) -> None:
    before = get_current()
    work()
    assert get_current() == before
