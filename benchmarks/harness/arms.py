"""The instrumentations that are measured, one function each, all on the same pipeline that counts instead of sending.

Every arm gets a tracer provider with the stock batch processor, a logger provider and a meter provider; what is batched
is encoded as OTLP, by the stock encoder, and thrown away. Ours, by default, has its own pipeline with its own encoder,
from whose end the HTTP request is taken away likewise.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

CONTENT_OFF = {
    "openai_v2": {"OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental"},
    "openllmetry": {"TRACELOOP_TRACE_CONTENT": "false", "TRACELOOP_TELEMETRY": "false"},
    "openinference": {"OPENINFERENCE_HIDE_INPUTS": "true", "OPENINFERENCE_HIDE_OUTPUTS": "true"},
}
"""What keeps prompts and completions out of the spans, where that is possible; logfire and langfuse cannot."""

NO_TIMERS = {
    "OTEL_BSP_SCHEDULE_DELAY": "3600000",
    "OTEL_BLRP_SCHEDULE_DELAY": "3600000",
    "OTEL_SERVICE_NAME": "bench",
    "ANTHROPIC_OPEN_TELEMETRY": "false",
}
"""No batch leaves in the middle of what is measured; the anthropic client's own spans are off."""

OURS = ("worthwhile", "worthwhile_hosted")


class Counter:
    """What has been exported: a span and a log exporter that encode, count and forget."""

    def __init__(self) -> None:
        self.spans = 0
        self.logs = 0
        self.bytes = 0
        self.flush: Callable[[], Any] = lambda: None

    def take(self, spans: Sequence[Any]) -> None:
        """Count spans, and encode them as the stock exporter does."""
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

        self.spans += len(spans)
        self.bytes += len(encode_spans(spans).SerializePartialToString())


def set_up(arm: str, *, keeps: list[Any] | None = None, delivers: bool = False) -> Counter:
    """Instrument this process; with `keeps`, finished spans and logs stay in that list instead of being exported.

    Without `delivers`, ours too throws the encoded bytes away, as all others do, before they are compressed and kept.
    """
    counter = Counter()
    if arm == "worthwhile" and keeps is None:
        _private(counter, delivers=delivers)
        return counter
    tracers, loggers, meters = _providers(counter, keeps)
    counter.flush = lambda: (tracers.force_flush(), loggers.force_flush())
    if arm in OURS:
        import worthwhile

        worthwhile.configure(tracer_provider=tracers, logger_provider=loggers)
    else:
        PEERS[arm](tracers, loggers, meters)
    return counter


def _private(counter: Counter, *, delivers: bool) -> None:
    """Our own pipeline, whose requests, or what it encodes, are counted instead of sent."""
    import worthwhile

    silence(counter)
    if not delivers:
        from worthwhile import _backlog

        def append(self: Any, body: bytes, items: int) -> None:
            counter.spans += items
            counter.bytes += len(body)

        _backlog.Ring.append = _backlog.Kept.append = append  # type: ignore[method-assign, assignment]
    worthwhile.configure(endpoint="http://127.0.0.1:9")
    counter.flush = lambda: worthwhile.flush(60)


def silence(counter: Counter) -> None:
    """Take the HTTP request away from our delivery."""
    try:
        from worthwhile import _transport
    except ImportError:  # before there was a transport of our own
        from opentelemetry.exporter.otlp.proto.http import trace_exporter

        def export(self: Any, spans: Sequence[Any]) -> Any:
            counter.take(spans)
            return trace_exporter.SpanExportResult.SUCCESS

        trace_exporter.OTLPSpanExporter.export = export  # type: ignore[method-assign]
        return
    _silence_transport(_transport, counter)


def _silence_transport(transport: Any, counter: Counter) -> None:
    from worthwhile import _delivery, _request

    def send(self: Any, body: bytes, timeout_s: float | None = None) -> Any:
        counter.spans += _request.items(body)
        counter.bytes += len(body)
        return transport.Answer("accepted")

    transport.Sender.send = send
    # As NO_TIMERS does for the others: callgrind is fifty times slower than life, a timer would fire as often per call.
    _delivery.DRAIN_S = 3600.0


def _providers(counter: Counter, keeps: list[Any] | None) -> tuple[Any, Any, Any]:
    from opentelemetry import _logs, metrics, trace
    from opentelemetry.sdk import _logs as sdk_logs
    from opentelemetry.sdk._logs import export as log_export
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Spans(SpanExporter):
        def export(self, spans: Sequence[Any]) -> SpanExportResult:
            counter.take(spans)
            return SpanExportResult.SUCCESS

    class Logs(log_export.LogRecordExporter):
        def export(self, batch: Sequence[Any]) -> Any:
            counter.logs += len(batch)
            return log_export.LogRecordExportResult.SUCCESS

        def shutdown(self) -> None:
            """Nothing to close."""

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return True

    class Metrics(MetricExporter):
        def export(self, metrics_data: Any, timeout_millis: float = 10000, **more: Any) -> MetricExportResult:
            return MetricExportResult.SUCCESS

        def shutdown(self, timeout_millis: float = 30000, **more: Any) -> None:
            """Nothing to close."""

        def force_flush(self, timeout_millis: float = 10000) -> bool:
            return True

    class Keeper(SpanProcessor):
        def on_end(self, span: Any) -> None:
            keeps.append(span)

    tracers, loggers = TracerProvider(shutdown_on_exit=False), sdk_logs.LoggerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(Spans()) if keeps is None else Keeper())
    loggers.add_log_record_processor(log_export.BatchLogRecordProcessor(Logs()))
    reader = PeriodicExportingMetricReader(Metrics(), export_interval_millis=3_600_000)
    meters = MeterProvider([reader], shutdown_on_exit=False)
    trace.set_tracer_provider(tracers)
    _logs.set_logger_provider(loggers)
    metrics.set_meter_provider(meters)
    return tracers, loggers, meters


def _none(tracers: Any, loggers: Any, meters: Any) -> None:
    """Nothing at all: the control."""


def _bare_span(tracers: Any, loggers: Any, meters: Any) -> None:
    """One span with fifteen constant attributes around the client's create method."""
    from openai.resources.chat.completions import Completions
    from opentelemetry.trace import SpanKind

    tracer = tracers.get_tracer("bench", "0")
    create = Completions.create
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.max_tokens": 256,
        "gen_ai.response.id": "chatcmpl-canned",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 1200,
        "gen_ai.usage.output_tokens": 96,
        "gen_ai.usage.cache_read.input_tokens": 1024,
        "gen_ai.usage.reasoning.output_tokens": 32,
        "server.address": "api.openai.com",
        "server.port": 443,
        "openai.response.service_tier": "default",
    }

    def watched(self: Any, *args: Any, **kwargs: Any) -> Any:
        with tracer.start_as_current_span("chat gpt-4o-mini", kind=SpanKind.CLIENT, attributes=attributes):
            return create(self, *args, **kwargs)

    Completions.create = watched  # type: ignore[method-assign]


def _openai_v2(tracers: Any, loggers: Any, meters: Any) -> None:
    from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=tracers, logger_provider=loggers, meter_provider=meters)


def _genai_openai(tracers: Any, loggers: Any, meters: Any) -> None:
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=tracers, logger_provider=loggers, meter_provider=meters)


def _openllmetry(tracers: Any, loggers: Any, meters: Any) -> None:
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=tracers, logger_provider=loggers, meter_provider=meters)


def _openinference(tracers: Any, loggers: Any, meters: Any) -> None:
    from openinference.instrumentation.openai import OpenAIInstrumentor

    OpenAIInstrumentor().instrument(tracer_provider=tracers)


def _openlit(tracers: Any, loggers: Any, meters: Any) -> None:
    import openlit

    # Its own price list comes from the network at init; an empty local one keeps it off, at no more work per call.
    prices = os.path.join(os.path.dirname(os.path.abspath(__file__)), "openlit_prices.json")  # noqa: PTH118, PTH120, PTH100
    openlit.init(capture_message_content=False, pricing_json=prices)


def _logfire(tracers: Any, loggers: Any, meters: Any) -> None:
    import logfire

    processors = list(tracers._active_span_processor._span_processors)
    logfire.configure(
        send_to_logfire=False, console=False, inspect_arguments=False, additional_span_processors=processors
    )
    logfire.instrument_openai()


def _langfuse(tracers: Any, loggers: Any, meters: Any) -> None:
    from langfuse import Langfuse

    stock = tracers._active_span_processor._span_processors
    exporter = getattr(stock[0], "span_exporter", None)
    options = {} if exporter is None else {"span_exporter": exporter}
    Langfuse(
        public_key="pk-lf-bench",
        secret_key="sk-lf-bench",
        base_url="http://127.0.0.1:9",
        tracer_provider=tracers,
        **options,
    )
    from langfuse.openai import openai  # noqa: F401  # it patches where it is imported

    if exporter is not None:  # it brings a processor of its own: the stock one would export everything twice
        tracers._active_span_processor._span_processors = tuple(
            each for each in tracers._active_span_processor._span_processors if each not in stock
        )


PEERS: dict[str, Callable[[Any, Any, Any], None]] = {
    "none": _none,
    "bare_span": _bare_span,
    "genai_openai": _genai_openai,
    "openai_v2": _openai_v2,
    "openllmetry": _openllmetry,
    "openinference": _openinference,
    "openlit": _openlit,
    "logfire": _logfire,
    "langfuse": _langfuse,
}

_MISSING = object()
_WATCHED = ("openai", "anthropic", "httpx", "httpx2")
_CACHES = ("__abstractmethods__", "_abc_impl", "__doc__", "__signature__", "__annotations__")


class Patches:
    """The class attributes of the clients that an arm has changed; they can be taken out and put back."""

    def __init__(self) -> None:
        self._before = {cls: dict(cls.__dict__) for cls in _classes()}
        self._changes: list[tuple[type, str, Any, Any]] = []

    def find(self) -> int:
        """Compare with how it was when this was made; the number of changes."""
        for cls, old in self._before.items():
            for name in set(old) | set(cls.__dict__):
                before, after = old.get(name, _MISSING), cls.__dict__.get(name, _MISSING)
                if before is not after and name not in _CACHES and not name.startswith("__pydantic"):
                    self._changes.append((cls, name, before, after))
        return len(self._changes)

    def put(self, *, are_on: bool) -> None:
        """Put the changes in or take them out."""
        for cls, name, before, after in self._changes:
            value = after if are_on else before
            if value is not _MISSING:
                setattr(cls, name, value)
            elif name in cls.__dict__:
                delattr(cls, name)


def _classes() -> set[type]:
    found = set()
    for name, module in list(sys.modules.items()):
        if module is not None and name.partition(".")[0] in _WATCHED:
            for value in list(vars(module).values()):
                if isinstance(value, type) and value.__module__.partition(".")[0] in _WATCHED:
                    found.add(value)
    return found
