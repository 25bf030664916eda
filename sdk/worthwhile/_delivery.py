"""Delivery of finished spans and signals: a bounded queue, one thread, exact counts of what arrived and what was lost.

Why not OpenTelemetry's batch processor: its `force_flush` ignores its deadline and says `True` after a failure, its
exit may take twenty seconds, and it cannot say how much it dropped.
"""

import copy
import logging
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from opentelemetry import context as otel_context
from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage] - no public name
    Context,
)
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from worthwhile import _guard

Item = TypeVar("Item")

THREAD_NAME: Final = "worthwhile-"

_MAX_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of everything that was handed over.

    Attributes:
        delivered: Items that the receiver acknowledged.
        failed: Items whose request failed for good.
        dropped: Items refused because the queue was full or closed.
        waiting: Items not yet decided.
    """

    delivered: int
    failed: int
    dropped: int
    waiting: int


class Marker:
    """Travels through the queue behind the items that a flush waits for, and brings back how many were lost."""

    __slots__ = ("_arrived", "_lost")

    def __init__(self) -> None:
        self._arrived = threading.Event()
        self._lost = 0

    def answer(self, lost: int) -> None:
        """Tell the waiting flush how many items were lost since the last one."""
        self._lost = lost
        self._arrived.set()

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds; `True` if everything before the marker was delivered."""
        return self._arrived.wait(timeout) and self._lost == 0


class Outbox(Generic[Item]):
    """Bounded queue of `Item`s, drained in batches by one daemon thread.

    `put` never waits and never raises. The thread starts with the first item and again in a forked child, where what
    the parent had queued is forgotten, because the parent delivers it.
    """

    def __init__(
        self,
        make_export: Callable[[], Callable[[Sequence[Item]], bool]],
        *,
        kind: str,
        target: str,
        size: int,
        batch: int,
        delay: float,
    ) -> None:
        """Queue for `kind` ("spans").

        Args:
            make_export: Makes the function that sends a batch and says whether it was acknowledged. Called again in a
                forked child that has something to send, so that parent and child never share a connection.
            kind: What the items are called in messages.
            target: Where they go, in messages.
            size: Most items that may wait.
            batch: Most items in one batch.
            delay: Longest wait of an item for company, in seconds.
        """
        self._make_export = make_export
        self._export: Callable[[Sequence[Item]], bool] | None = make_export()
        self._kind = kind
        self._target = target
        self._has_told_failure = False
        self._size = size
        self._batch = min(batch, size)
        self._delay = delay
        self._delivered = self._failed = self._dropped = self._told = 0
        self._is_closed = False
        self._reset()

    def put(self, item: Item) -> None:
        """Hand over an item; it is dropped and counted when the queue is full or closed."""
        if self._is_closed or len(self._queue) >= self._size:
            self._drop()
            return
        self._queue.append(item)
        if self._thread is None:
            self._start()
        elif len(self._queue) >= self._batch:
            self._wake.set()

    def start_flush(self) -> Marker:
        """Send what waits now, without waiting for it; the marker's `wait` does."""
        marker = Marker()
        if self._thread is not None and self._thread.is_alive():
            self._queue.append(marker)
            self._wake.set()
        else:
            self._answer(marker)
        return marker

    def flush(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for everything handed over before; `True` if nothing was lost since the last."""
        return self.start_flush().wait(timeout)

    def close(self) -> None:
        """Take no more items; the thread ends when it has sent what waits. Does not wait."""
        self._is_closed = True
        self._wake.set()

    def counts(self) -> Counts:
        """What became of the items so far."""
        waiting = sum(not isinstance(item, Marker) for item in tuple(self._queue)) + self._in_flight
        return Counts(self._delivered, self._failed, self._dropped, waiting)

    def after_fork(self) -> None:
        """Forget, in a child process, what its parent has queued, and use a connection of its own."""
        self._delivered = self._failed = self._dropped = self._told = 0
        self._export = None
        self._reset()

    def _reset(self) -> None:
        self._queue: deque[Item | Marker] = deque()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._in_flight = 0

    def _drop(self) -> None:
        self._dropped += 1
        state = "closed" if self._is_closed else f"full ({self._size})"
        _guard.warn_once(f"{self._kind} dropped: queue {state}; see worthwhile.stats() for how many")

    def _start(self) -> None:
        if sys.is_finalizing():  # starting a thread would never return; collecting garbage may end a span even then
            return
        if not self._starting.acquire(blocking=False):  # another thread is at it
            return
        try:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name=f"{THREAD_NAME}{self._kind}", daemon=True)
                thread.start()
                self._thread = thread
        finally:
            self._starting.release()

    def _run(self) -> None:
        otel_context.attach(otel_context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, value=True))
        while self._queue or not self._is_closed:
            if not self._queue or not self._wake.is_set():
                self._wake.wait(self._delay)
            self._wake.clear()
            self._drain()

    def _drain(self) -> None:
        left = len(self._queue)
        while left > 0:
            batch: list[Item] = []
            marker = None
            while left > 0 and len(batch) < self._batch and marker is None:
                item = self._queue.popleft()
                left -= 1
                if isinstance(item, Marker):
                    marker = item
                else:
                    batch.append(item)
                    self._in_flight = len(batch)
            self._send(batch)
            if marker is not None:
                self._answer(marker)

    def _send(self, batch: list[Item]) -> None:
        if not batch:
            return
        is_acknowledged = False
        with _guard.Guard(f"{len(batch)} {self._kind}"):
            if self._export is None:
                self._export = self._make_export()
            is_acknowledged = self._export(batch)
        if is_acknowledged:
            self._delivered += len(batch)
        else:
            self._failed += len(batch)
            if not self._has_told_failure:
                self._has_told_failure = True
                _guard.warn_once(
                    f"lost {len(batch)} {self._kind}: {self._target} did not take them ({notes.reason}); "
                    "later losses are counted in worthwhile.stats()"
                )
        self._in_flight = 0

    def _answer(self, marker: Marker) -> None:
        lost = self._failed + self._dropped
        told, self._told = self._told, lost
        marker.answer(lost - told)


class SpanOutboxProcessor(SpanProcessor):
    """Puts sampled finished spans into an outbox."""

    def __init__(self, outbox: Outbox[ReadableSpan]) -> None:
        self._outbox = outbox

    def on_end(self, span: ReadableSpan) -> None:
        """Queue `span` if it is sampled."""
        context = span.get_span_context()
        if context is not None and context.trace_flags.sampled:
            self._outbox.put(span)


class SignalOutboxProcessor(LogRecordProcessor):
    """Puts emitted log records into an outbox."""

    def __init__(self, outbox: Outbox[ReadableLogRecord]) -> None:
        self._outbox = outbox

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Queue a copy of the record without its context, which may hold much."""
        record = copy.copy(log_record.log_record)
        record.context = Context()
        self._outbox.put(
            ReadableLogRecord(
                log_record=record,
                resource=log_record.resource or Resource.get_empty(),
                instrumentation_scope=log_record.instrumentation_scope,
                limits=log_record.limits,
            )
        )

    def shutdown(self) -> None:
        """The outbox is closed by who made it."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Wait for what was queued before."""
        return self._outbox.flush(timeout_millis / 1000)


class ExporterNotes(logging.Filter):
    """Keeps the exporters' log lines of our delivery threads as reasons for our own one line; lets others' through."""

    def __init__(self) -> None:
        super().__init__()
        self.reason = "no reason known"

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be logged."""
        if not (record.threadName or "").startswith(THREAD_NAME):
            return True
        self.reason = record.getMessage()[:_MAX_REASON]
        return False


notes: Final = ExporterNotes()
"""On the loggers of the exporters that deliver for us."""
