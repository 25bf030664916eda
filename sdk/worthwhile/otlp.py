"""Exporters for the application's own OpenTelemetry: the same requests as the stock ones at a fifth of the CPU time.

>>> from opentelemetry.sdk.trace import TracerProvider
>>> from opentelemetry.sdk.trace.export import BatchSpanProcessor
>>> from worthwhile.otlp import SpanExporter
>>> provider = TracerProvider(shutdown_on_exit=False)
>>> provider.add_span_processor(BatchSpanProcessor(SpanExporter()))

worthwhile itself does not need them: it delivers its own spans and signals.
"""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter as OtelSpanExporter
from opentelemetry.sdk.trace.export import SpanExportResult

from worthwhile import _encode, _guard, _request, _settings
from worthwhile._transport import Answer, Sender
from worthwhile._wire import Signal, Wire

__all__ = ["LogExporter", "SpanExporter"]

_MAX_BODY: Final = 64 << 20
_FIRST_BACKOFF_S: Final = 0.5
_MAX_BACKOFF_S: Final = 5.0


class _OverHttp:
    """What both exporters do alike, whatever they send."""

    _signal: ClassVar[Signal]
    _noun: ClassVar[str]

    def __init__(
        self,
        *,
        endpoint: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        compression: Literal["none", "gzip", "deflate"] | None = None,
    ) -> None:
        """Exporter; connects with the first batch.

        Args:
            endpoint: Full URL, path included, as with the stock exporter: "http://collector:4318/v1/traces".
            headers: Headers of the requests, over those of the environment.
            timeout_s: Longest time for one batch, all tries included, in seconds.
            compression: Of the requests.
        """
        self._delivery = _Delivery(_wire(self._signal, endpoint, headers, timeout_s, compression), self._noun)

    @property
    def delivered(self) -> int:
        """Items that the receiver took, so far."""
        return self._delivery.delivered

    @property
    def lost(self) -> int:
        """Items that it did not take, or that could not be encoded."""
        return self._delivery.lost

    def shutdown(self) -> None:
        """Send nothing more; a batch under way is given up. Returns at once."""
        self._delivery.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Wait for a batch under way; nothing else waits here."""
        return self._delivery.wait(timeout_millis / 1000)


class SpanExporter(_OverHttp, OtelSpanExporter):
    """Sends spans by OTLP/HTTP; for a `BatchSpanProcessor` in place of the stock `OTLPSpanExporter`.

    What is left out comes from `OTEL_EXPORTER_OTLP_*` and `OTEL_EXPORTER_OTLP_TRACES_*`.
    """

    _signal = "traces"
    _noun = "spans"

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send `spans`; success means that the receiver took every one of them."""
        is_taken = self._delivery.export(lambda: _encode.spans_request(spans, _encode.let_others_run), len(spans))
        return SpanExportResult.SUCCESS if is_taken else SpanExportResult.FAILURE


class LogExporter(_OverHttp, LogRecordExporter):
    """Sends log records by OTLP/HTTP; for a `BatchLogRecordProcessor` in place of the stock `OTLPLogExporter`.

    What is left out comes from `OTEL_EXPORTER_OTLP_*` and `OTEL_EXPORTER_OTLP_LOGS_*`.
    """

    _signal = "logs"
    _noun = "log records"

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Send the records of `batch`; success means that the receiver took every one of them."""
        is_taken = self._delivery.export(lambda: _encode.logs_request(batch, _encode.let_others_run), len(batch))
        return LogRecordExportResult.SUCCESS if is_taken else LogRecordExportResult.FAILURE


class _Delivery:
    """Encodes and sends one batch at a time, and tries again within its time what the receiver asks to have again."""

    def __init__(self, wire: Wire, noun: str) -> None:
        self.delivered = 0
        self.lost = 0
        self._noun = noun
        self._timeout_s = wire.timeout_s
        self._sender = Sender(wire)
        self._random = Random()  # noqa: S311 - spreads retries; not the application's own generator
        self._stopped = threading.Event()
        self._busy = threading.Lock()
        self._pid = os.getpid()

    def export(self, encode: Callable[[], _encode.Encoded], count: int) -> bool:
        if self._pid != os.getpid():  # forked while another thread held the lock, perhaps
            self._busy, self._pid = threading.Lock(), os.getpid()
        ends = time.monotonic() + self._timeout_s
        if not self._busy.acquire(timeout=self._timeout_s):
            return self._lose(count, "another batch takes too long")
        try:
            if self._stopped.is_set():
                return self._lose(count, "the exporter is shut down")
            encoded = encode()
            self.lost += encoded.skipped
            return self._deliver(encoded.body, encoded.items, ends) and encoded.skipped == 0
        except Exception as error:  # noqa: BLE001 - an exporter must not raise into its processor
            return self._lose(count, f"an internal error ({type(error).__name__})")
        finally:
            self._busy.release()

    def wait(self, timeout_s: float) -> bool:
        is_idle = self._busy.acquire(timeout=max(timeout_s, 0))
        if is_idle:
            self._busy.release()
        return is_idle

    def shutdown(self) -> None:
        self._stopped.set()
        self._sender.close()

    def _deliver(self, body: bytes, count: int, ends: float) -> bool:
        if not count:
            return True
        answer = self._insist(body, ends) if len(body) <= _MAX_BODY else Answer("split", "larger than 64 MiB")
        if answer.outcome == "accepted":
            self.delivered += count
            if answer.reason:
                _guard.warn_once(f"{self._sender.target} took the {self._noun}, but says: {answer.reason}")
            return True
        if answer.outcome == "partial":
            self.delivered += max(count - answer.rejected, 0)
            return self._lose(min(answer.rejected, count), f"the receiver rejected some: {answer.reason}")
        parts = _request.halves(body) if answer.outcome == "split" else None
        if parts is None:
            return self._lose(count, answer.reason)
        taken = [self._deliver(part, _request.items(part), ends) for part in parts]
        return all(taken)

    def _insist(self, body: bytes, ends: float) -> Answer:
        """Send, and again while the receiver may take it later and there is time."""
        backoff_s = _FIRST_BACKOFF_S
        while True:
            answer = self._sender.send(body, ends - time.monotonic())
            if answer.outcome != "retry":
                return answer
            wait_s = backoff_s * self._random.uniform(0.5, 1.5) if answer.after_s is None else answer.after_s
            backoff_s = min(backoff_s * 2, _MAX_BACKOFF_S)
            if time.monotonic() + wait_s >= ends or self._stopped.wait(wait_s):
                return answer

    def _lose(self, count: int, reason: str) -> bool:
        self.lost += count
        _guard.warn_once(f"{self._noun} lost on the way to {self._sender.target}: {reason}")
        return False


def _wire(
    signal: Signal,
    endpoint: str | None,
    headers: Mapping[str, str] | None,
    timeout_s: float | None,
    compression: Literal["none", "gzip", "deflate"] | None,
) -> Wire:
    settings = _settings.current()
    wire = settings.wire(signal)
    changes: dict[str, Any] = {"url": endpoint, "timeout_s": timeout_s, "compression": compression}
    if headers is not None:
        changes["headers"] = MappingProxyType({**wire.headers, **{key.lower(): headers[key] for key in headers}})
    if endpoint is None and not wire.is_plain:
        asked = f"`{wire.protocol}`" if wire.credential_provider is None else "a credential provider"
        _guard.warn_once(
            f"the environment asks for {asked}, which worthwhile.otlp does not do: {_settings.shown_url(wire.url)} may "
            "not take its requests; give the exporter an endpoint of its own, or use OpenTelemetry's"
        )
    return wire._replace(**{name: value for name, value in changes.items() if value is not None})
