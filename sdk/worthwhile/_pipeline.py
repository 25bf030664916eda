"""Where spans and signals go: through the host's OpenTelemetry provider, or out by queues of our own.

Loads much, so it is imported at the first task or call, not before; the OpenTelemetry SDK only where the host uses it.
"""

import importlib
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry import trace as otel_trace
from opentelemetry.trace import TracerProvider

from worthwhile import _guard
from worthwhile._emitter import Emitter, HostEmitter, PrivateEmitter
from worthwhile._origin import NOWHERE, Origin, PrivateOrigin
from worthwhile._settings import Settings
from worthwhile._standins import SERVICE_NAME, Scope, as_sdk_resource, of_child, of_service, version_of
from worthwhile_schemas import attributes as names

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider

    from worthwhile._delivery import Outbox
    from worthwhile._standins import AnyResource, AnyScope

SCOPE: Final = "worthwhile"

_DELIVERING: Final = ("_outboxes", "_encode", "_emitter", "_spool")

_REPORT: Final = _guard.Guard("the report of what was lost")


class Pipeline:
    """What emitting needs, and the delivery behind it where that is ours.

    Attributes:
        origin: Begins and ends every span.
        emitter: Emits every signal.
        outboxes: Our own queues; empty where the host's providers deliver.
        hosts: The host's providers that are used.
    """

    __slots__ = ("emitter", "hosts", "origin", "outboxes")

    def __init__(
        self,
        origin: Origin,
        emitter: Emitter,
        outboxes: "Sequence[Outbox[Any, Any]]" = (),
        hosts: "Sequence[TracerProvider | LoggerProvider]" = (),
    ) -> None:
        self.origin = origin
        self.emitter = emitter
        self.outboxes = tuple(outboxes)
        self.hosts = tuple(hosts)

    def start_flush(
        self, timeout_s: float, *, with_hosts: bool, may_leave: bool = False
    ) -> list[Callable[[float], bool]]:
        """Start to deliver what was recorded; each of the returned waits up to some seconds for its part of it.

        Args:
            timeout_s: How long the host's providers are given.
            with_hosts: Whether they are flushed too.
            may_leave: Whether, where the receiver is away, it is enough that everything is on disk.
        """
        waits = [_start_host_flush(host, timeout_s) for host in self.hosts if with_hosts]
        return waits + [outbox.start_flush(may_leave=may_leave).wait for outbox in self.outboxes]

    def close(self) -> None:
        """Take nothing more; what waits is still sent in the background. The host's providers stay as they are."""
        for outbox in self.outboxes:
            outbox.close()

    def after_fork(self) -> None:
        """Start afresh in a child process."""
        for outbox in self.outboxes:
            outbox.after_fork()
        for maker in (self.origin, self.emitter):
            if isinstance(maker, PrivateOrigin | PrivateEmitter):
                maker.resource = of_child(maker.resource)


class Reporter:
    """Tells the receiver what was lost: a log record for each kind and cause, with the count so far in this process.

    The first time that the receiver takes something it also sees to what ended processes have left of every kind.
    """

    def __init__(self) -> None:
        self._reported: dict[tuple[str, str], int] = {}
        self._has_begun = False
        self._outboxes: Sequence[Outbox[Any, Any]] = ()
        self._emit: Callable[[dict[str, str | int]], object] = lambda attributes: None

    def watch(self, outboxes: "Sequence[Outbox[Any, Any]]", emit: "Callable[[dict[str, str | int]], object]") -> None:
        """Report the losses of `outboxes` by `emit`."""
        self._outboxes = outboxes
        self._emit = emit

    def report(self) -> None:
        """Report what is new."""
        with _REPORT:
            if not self._has_begun:
                self._has_begun = True
                for outbox in self._outboxes:
                    outbox.deliver_orphans()
            for outbox in self._outboxes:
                for cause, count in outbox.losses():
                    key = (outbox.kind, cause)
                    if count > self._reported.get(key, 0):
                        self._reported[key] = count
                        what: dict[str, str | int] = {names.SDK_DROPPED_SPANS: count}
                        what[names.SDK_DROPPED_CAUSE] = cause
                        what[names.SDK_DROPPED_KIND] = outbox.kind
                        self._emit(what)


def build(
    settings: Settings, tracer_provider: TracerProvider | None, logger_provider: "LoggerProvider | None"
) -> Pipeline:
    """The pipeline for `settings`.

    A provider that was given is used. Else the host's global one is, where it has set one and no endpoint was given as
    an argument. Else spans and signals go to queues of our own, with no provider at all.
    """
    may_borrow = _may_borrow(settings)
    tracers = tracer_provider or (_hosts_tracer_provider() if may_borrow else None)
    loggers = logger_provider or (_hosts_logger_provider() if may_borrow else None)
    pipeline = _hosted(tracers, loggers) if tracers and loggers else _private(settings, tracers, loggers)
    if pipeline.origin is NOWHERE:
        _guard.warn_once(
            "no task or call is recorded, although worthwhile is enabled: the OpenTelemetry provider in use makes no "
            "spans; is OTEL_SDK_DISABLED set?"
        )
    return pipeline


def hosted(tracers: TracerProvider, loggers: "LoggerProvider") -> Pipeline:
    """The pipeline through providers that somebody else flushes and shuts down."""
    return Pipeline(_origin_of(tracers), _host_emitter(loggers))


def load(settings: Settings) -> None:
    """Import what delivers ahead of its use, where it is certain that it will be used."""
    if not _may_borrow(settings):
        for module in _DELIVERING:
            importlib.import_module(f"worthwhile.{module}")


def _hosted(tracers: TracerProvider, loggers: "LoggerProvider") -> Pipeline:
    return Pipeline(_origin_of(tracers), _host_emitter(loggers), hosts=(tracers, loggers))


def _private(settings: Settings, tracers: TracerProvider | None, loggers: "LoggerProvider | None") -> Pipeline:
    """A pipeline in which spans or signals, or both, go to queues of our own."""
    from worthwhile import _outboxes
    from worthwhile._delivery import Drainer

    resource, scope = _described(settings)
    service = str(resource.attributes.get(SERVICE_NAME, ""))
    reporter, drainer = Reporter(), Drainer()
    outboxes: list[Outbox[Any, Any]] = []
    if tracers is None:
        spans = _outboxes.outbox(_outboxes.spans(settings), settings, service, drainer, reporter.report)
        outboxes.append(spans)
        is_sampled = settings.accounting == "sampled"
        plain = cast("Origin", PrivateOrigin(spans.put, resource, scope))  # whose `end` pyright takes for a method
        origin = _sampled(spans.put, resource) if is_sampled else plain
    else:
        origin = _origin_of(tracers)
    if loggers is None:
        signals = _outboxes.outbox(_outboxes.signals(settings), settings, service, drainer, reporter.report)
        outboxes.append(signals)
        emitter: Emitter = PrivateEmitter(signals.put, resource, scope)
        noting: Emitter = PrivateEmitter(signals.note, resource, scope)
    else:
        emitter = noting = _host_emitter(loggers)
    reporter.watch(outboxes, lambda attributes: _note(noting, attributes))
    return Pipeline(origin, emitter, outboxes, [host for host in (tracers, loggers) if host is not None])


def _described(settings: Settings) -> "tuple[AnyResource, AnyScope]":
    """What everything of ours is of, and under which name it is made: as the SDK has it, where that is to export it."""
    resource, scope = of_service(settings.service_name), Scope(SCOPE, version_of("worthwhile"))
    if settings.accounting == "always" and settings.wire("traces").is_ours and settings.wire("logs").is_ours:
        return resource, scope
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    return as_sdk_resource(resource), InstrumentationScope(*scope[:2])


def _sampled(put: Callable[[Any], object], resource: Any) -> Origin:
    """An origin of spans for `put` that keeps those which the sampler of `OTEL_TRACES_SAMPLER` takes."""
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider

    class Putting(SpanProcessor):
        def on_end(self, span: Any) -> None:
            put(span)

    provider = SdkTracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(Putting())
    return _origin_of(provider)


def _origin_of(provider: TracerProvider) -> Origin:
    from worthwhile._hosted import origin_of

    return origin_of(provider, SCOPE, version_of("worthwhile"))


def _note(emitter: Emitter, attributes: "dict[str, str | int]") -> None:
    now_ns = time.time_ns()
    emitter.emit(names.SDK_DROPPED_EVENT, attributes, timestamp_ns=now_ns, observed_ns=now_ns)


def _host_emitter(loggers: "LoggerProvider") -> Emitter:
    return HostEmitter(loggers.get_logger(SCOPE, version_of("worthwhile")))


def _may_borrow(settings: Settings) -> bool:
    return settings.origins["endpoint"] != "argument"


def _hosts_tracer_provider() -> TracerProvider | None:
    provider = otel_trace.get_tracer_provider()
    is_nobodys = isinstance(provider, otel_trace.ProxyTracerProvider | otel_trace.NoOpTracerProvider)
    return None if is_nobodys else provider


def _hosts_logger_provider() -> "LoggerProvider | None":
    """The host's, if it is the SDK's; who has set one has loaded the SDK's logs, and we do not do so only to ask."""
    sdk = sys.modules.get("opentelemetry.sdk._logs")
    if sdk is None and "OTEL_PYTHON_LOGGER_PROVIDER" not in os.environ:
        return None
    from opentelemetry._logs import get_logger_provider
    from opentelemetry.sdk._logs import LoggerProvider

    provider = get_logger_provider()
    return provider if isinstance(provider, LoggerProvider) else None


def _start_host_flush(provider: "TracerProvider | LoggerProvider", timeout_s: float) -> Callable[[float], bool]:
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
