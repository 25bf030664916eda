"""Where spans and signals go: through the host's OpenTelemetry provider, or a private one with our delivery behind it.

Loads the OpenTelemetry SDK and the OTLP exporters, so it is imported at the first task or call, not before.
"""

import importlib
import importlib.metadata
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from opentelemetry import _logs as otel_logs
from opentelemetry import trace as otel_trace
from opentelemetry._logs import Logger, LoggerProvider
from opentelemetry.sdk._logs import LoggerProvider as SdkLoggerProvider
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
from opentelemetry.trace import Tracer, TracerProvider

from worthwhile import _delivery, _guard
from worthwhile._settings import Settings, shown_url

SCOPE: Final = "worthwhile"

_EXPORTERS: Final = "opentelemetry.exporter.otlp.proto.http"


class Pipeline:
    """What emitting needs, and the delivery behind it where that is ours.

    Attributes:
        tracer: Makes every span.
        logger: Emits every signal.
        outboxes: Our own queues; empty where the host's providers deliver.
        hosts: The host's providers that are used.
    """

    __slots__ = ("hosts", "logger", "outboxes", "tracer")

    def __init__(
        self,
        tracer_provider: TracerProvider,
        logger_provider: LoggerProvider,
        outboxes: Sequence["_delivery.Outbox[ReadableSpan] | _delivery.Outbox[ReadableLogRecord]"] = (),
        hosts: Sequence[TracerProvider | LoggerProvider] = (),
    ) -> None:
        self.tracer: Tracer = tracer_provider.get_tracer(SCOPE, version())
        self.logger: Logger = logger_provider.get_logger(SCOPE, version())
        self.outboxes = tuple(outboxes)
        self.hosts = tuple(hosts)

    def start_flush(self, timeout_s: float, *, with_hosts: bool) -> list[Callable[[float], bool]]:
        """Start to deliver what was recorded; each of the returned waits up to some seconds for its part of it."""
        waits = [_start_host_flush(host, timeout_s) for host in self.hosts if with_hosts]
        return waits + [outbox.start_flush().wait for outbox in self.outboxes]

    def close(self) -> None:
        """Take nothing more; what waits is still sent in the background. The host's providers stay as they are."""
        for outbox in self.outboxes:
            outbox.close()

    def after_fork(self) -> None:
        """Start afresh in a child process."""
        for outbox in self.outboxes:
            outbox.after_fork()


def build(
    settings: Settings, tracer_provider: TracerProvider | None, logger_provider: LoggerProvider | None
) -> Pipeline:
    """The pipeline for `settings`.

    A provider that was given is used. Else the host's global one is, where it has set one and no endpoint was given as
    an argument. Else a private one is made, which never becomes the global one.
    """
    may_borrow = _may_borrow(settings)
    tracers = tracer_provider or (_hosts_tracer_provider() if may_borrow else None)
    loggers = logger_provider or (_hosts_logger_provider() if may_borrow else None)
    hosts: list[TracerProvider | LoggerProvider] = [host for host in (tracers, loggers) if host is not None]
    outboxes: list[_delivery.Outbox[ReadableSpan] | _delivery.Outbox[ReadableLogRecord]] = []
    if tracers is None:
        spans = _span_outbox(settings)
        outboxes.append(spans)
        tracers = _private_tracer_provider(settings, spans)
    if loggers is None:
        signals = _signal_outbox(settings)
        outboxes.append(signals)
        loggers = _private_logger_provider(settings, signals)
    pipeline = Pipeline(tracers, loggers, outboxes, hosts)
    if isinstance(pipeline.tracer, otel_trace.NoOpTracer):
        _guard.warn_once(
            "no task or call is recorded, although worthwhile is enabled: the OpenTelemetry provider in use makes no "
            "spans; is OTEL_SDK_DISABLED set?"
        )
    return pipeline


def load_exporters(settings: Settings) -> None:
    """Import the exporters ahead of their use, where it is certain that they will be used."""
    if not _may_borrow(settings):
        importlib.import_module(f"{_EXPORTERS}.trace_exporter")
        importlib.import_module(f"{_EXPORTERS}._log_exporter")


def version() -> str:
    """Version of the installed package."""
    try:
        return importlib.metadata.version("worthwhile")
    except importlib.metadata.PackageNotFoundError:  # run from a source tree
        return "0"


def _may_borrow(settings: Settings) -> bool:
    return settings.origins["endpoint"] != "argument"


def _hosts_tracer_provider() -> TracerProvider | None:
    provider = otel_trace.get_tracer_provider()
    is_nobodys = isinstance(provider, otel_trace.ProxyTracerProvider | otel_trace.NoOpTracerProvider)
    return None if is_nobodys else provider


def _hosts_logger_provider() -> LoggerProvider | None:
    provider = otel_logs.get_logger_provider()
    return provider if isinstance(provider, SdkLoggerProvider) else None


def _private_tracer_provider(settings: Settings, outbox: "_delivery.Outbox[ReadableSpan]") -> TracerProvider:
    provider = SdkTracerProvider(resource=_resource(settings), shutdown_on_exit=False)
    provider.add_span_processor(_delivery.SpanOutboxProcessor(outbox))
    return provider


def _private_logger_provider(settings: Settings, outbox: "_delivery.Outbox[ReadableLogRecord]") -> LoggerProvider:
    provider = SdkLoggerProvider(resource=_resource(settings), shutdown_on_exit=False)
    provider.add_log_record_processor(_delivery.SignalOutboxProcessor(outbox))
    return provider


def _resource(settings: Settings) -> Resource:
    return Resource.create({SERVICE_NAME: settings.service_name} if settings.service_name else {})


def _span_outbox(settings: Settings) -> "_delivery.Outbox[ReadableSpan]":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    def make_export() -> Callable[[Sequence[ReadableSpan]], bool]:
        exporter = OTLPSpanExporter(endpoint=settings.traces_url, headers=_headers(settings))
        return lambda batch: exporter.export(batch).name == "SUCCESS"

    _quieten_exporters()
    return _delivery.Outbox(
        make_export,
        kind="spans",
        target=shown_url(settings.traces_url),
        size=settings.span_queue_size,
        batch=settings.span_batch_size,
        delay=settings.span_delay_ms / 1000,
    )


def _signal_outbox(settings: Settings) -> "_delivery.Outbox[ReadableLogRecord]":
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    def make_export() -> Callable[[Sequence[ReadableLogRecord]], bool]:
        exporter = OTLPLogExporter(endpoint=settings.logs_url, headers=_headers(settings))
        return lambda batch: exporter.export(batch).name == "SUCCESS"

    _quieten_exporters()
    return _delivery.Outbox(
        make_export,
        kind="signals",
        target=shown_url(settings.logs_url),
        size=settings.signal_queue_size,
        batch=settings.signal_batch_size,
        delay=settings.signal_delay_ms / 1000,
    )


def _headers(settings: Settings) -> Mapping[str, str] | None:
    return settings.headers if settings.origins["headers"] == "argument" else None


def _quieten_exporters() -> None:
    for module in ("trace_exporter", "_log_exporter"):  # the same filter again is no second filter
        logging.getLogger(f"{_EXPORTERS}.{module}").addFilter(_delivery.notes)


def _start_host_flush(provider: TracerProvider | LoggerProvider, timeout_s: float) -> Callable[[float], bool]:
    """Flush a provider of the host in a thread of its own: the SDK's `force_flush` ignores its deadline."""
    flush: Callable[[int], object] | None = getattr(provider, "force_flush", None)  # not in OpenTelemetry's API
    if flush is None:
        return lambda seconds: True
    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(flush(int(timeout_s * 1000))), daemon=True)
    thread.start()

    def wait(seconds: float) -> bool:
        thread.join(seconds)
        return bool(answers) and answers[0] is not False

    return wait
