# pyright: reportPrivateUsage=false
# ruff: noqa: SLF001 - a call's ids and times have the names that the SDK reads
"""What is said in model calls, where the host has asked for it: copied while the call runs, recorded by our own thread.

Loaded by nobody who does not ask. The copies (`_content_copy.py`) wait in a bounded queue; the thread makes messages of
them (`_content_parts.py`), lets the host redact them, and only then hands them on, as log records beside the signals.
So a span has no content in it, and nothing that the host would redact reaches a disk.
"""

import os
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from worthwhile import _content_parts, _guard, _settings, _setup
from worthwhile._content_copy import Copier
from worthwhile._content_parts import Redact
from worthwhile._context import CONTENT_KEY
from worthwhile._origin import NOWHERE
from worthwhile._stats import tally
from worthwhile._text import bounded
from worthwhile._threads import start_thread
from worthwhile_schemas import attributes as names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import SpanContext

    from worthwhile._call_span import CallSpan
    from worthwhile._invocation import Invocation
    from worthwhile._pipeline import Pipeline
    from worthwhile._settings import Settings

_RECORDING: Final = _guard.Guard("the content of a model call")

_WAITING_CHARACTERS: Final = 16 << 20
_LEAST_WAITING: Final = 16
_MEMORY_BYTES: Final = 16 << 20
"""What waits for the receiver where there is no spool."""

_ALL_IDS: Final = 1 << 64
_ID_MASK: Final = _ALL_IDS - 1


class _Mode(NamedTuple):
    """What is recorded.

    Attributes:
        is_on: Whether calls are, about which no task says anything.
        most: Characters that are kept of one call.
        bound: Traces are taken whose id, in its lower half, is below.
    """

    is_on: bool
    most: int
    bound: int


_mode = _Mode(is_on=False, most=65536, bound=_ALL_IDS)
_redact: Redact | None = None
_is_asked_by_task = False


class Content:
    """What was said in one call: copies, until its call ends."""

    __slots__ = ("_context", "_end_ns", "_labels", "_pipeline", "_told", "answer", "copier", "request")

    def __init__(self, pipeline: "Pipeline", most: int) -> None:
        self._pipeline = pipeline
        self.copier = Copier(most)
        self.request: Mapping[str, Any] = {}
        self.answer: Mapping[str, Any] = {}
        self._context: SpanContext | None = None
        self._labels: Mapping[str, str] = {}
        self._told: dict[str, str | int | float | bool] = {}
        self._end_ns = 0

    def end(self, call: "CallSpan") -> None:
        """Take from a call that has ended what the record says beside content, and queue the record."""
        told = self._told
        told[names.OPERATION] = call.format.operation
        told[names.PROVIDER] = call.known.provider
        if call.model is not None:
            told[names.REQUEST_MODEL] = bounded(call.model)
        if call.reason is not None:
            told[names.ERROR_TYPE] = call.reason
        self._labels = call.labels or {}
        self._context = call._context
        self._end_ns = call._end_time or 0
        if _queue.qsize() >= _room():
            _drop("too many calls wait for theirs to be recorded")
        else:
            _queue.put(self)
            if _thread_of != os.getpid() and _starting.acquire(blocking=False):
                try:
                    _start()
                finally:
                    _starting.release()

    def attributes(self) -> dict[str, str | int | float | bool]:
        """What the record says; this is where content is redacted."""
        redact = _redact
        found = self._told
        for label in (names.WORKLOAD, names.TASK_ID, names.TASK_KEY):
            if label in self._labels:
                found[label] = self._labels[label]
        for name, make, redacting, source in _WRITTEN:
            parts = make(self.request if source == "request" else self.answer)
            if redact is not None:
                parts = redacting(parts, redact)
            if parts:
                text = _content_parts.as_json(parts)
                found[name] = bounded(text, len(text))
        if self.copier.is_cut:
            found[names.CONTENT_TRUNCATED] = self.copier.seen
        return found

    def record(self) -> None:
        """Emit the record, unless so much waits for the receiver that it would push signals out."""
        waiting = sum(outbox.counts().waiting for outbox in self._pipeline.outboxes if outbox.kind == "signals")
        if waiting >= _backlog_room():
            _drop("the receiver has not taken what was recorded before, and signals come first")
            return
        attributes = self.attributes()
        self._pipeline.emitter.emit(
            names.CONTENT_EVENT,
            attributes,
            timestamp_ns=self._end_ns,
            observed_ns=time.time_ns(),  # not the clock of the calls, whose readings tests count
            about=self._context,
        )
        tally.contents += 1


_WRITTEN: Final = (
    (
        names.SYSTEM_INSTRUCTIONS, _content_parts.system_instructions, _content_parts.redacted, "request"
    ),
    (names.INPUT_MESSAGES, _content_parts.input_messages, _content_parts.redacted_messages, "request"),
    (names.OUTPUT_MESSAGES, _content_parts.output_messages, _content_parts.redacted_messages, "answer"),
    (names.TOOL_DEFINITIONS, _content_parts.tool_definitions, _content_parts.redacted, "request"),
)  # fmt: skip


def follow(settings: "Settings", redact: Redact | None = None) -> None:
    """Record what `settings` ask for from now on; `redact` stays what it was where it is `None`."""
    global _mode, _redact  # noqa: PLW0603 - one configuration per process
    bound = round(settings.content_sample_ratio * _ALL_IDS)
    _mode = _Mode(settings.capture_content, settings.content_max_chars, bound)
    if redact is not None:
        _redact = redact
    _watch()


def ask() -> None:
    """Have calls looked at because a task wants its content recorded."""
    global _is_asked_by_task  # noqa: PLW0603 - once per process
    if not _is_asked_by_task:
        _is_asked_by_task = True
        follow(_settings.current())


def begun(call: "Invocation") -> Content | None:
    """What is to hold the content of a call that is about to begin; `None` where it is not to be recorded."""
    mode = _mode
    wish = call.outer.get(CONTENT_KEY)
    is_wanted = mode.is_on if wish is None else wish
    if not is_wanted or call.is_ended or call._origin is NOWHERE or call._trace_id & _ID_MASK >= mode.bound:
        return None
    pipeline = _setup.active()
    return None if pipeline is None else Content(pipeline, mode.most)


def settle(timeout_s: float) -> bool:
    """Wait until all content that was queued before is recorded; False if that takes too long."""
    if _thread_of != os.getpid():
        return True
    reached = threading.Event()
    _queue.put(reached)
    return reached.wait(timeout_s)


def lost(error: Exception) -> None:
    """Count a call whose content an error of ours has cost."""
    tally.contents_dropped += 1
    _RECORDING.caught(error)


def _watch() -> None:
    from worthwhile.clients import _recorded

    _recorded.install(is_on=_mode.is_on or _is_asked_by_task)


# The queue, and the thread that empties it.

_queue: "SimpleQueue[Content | threading.Event]" = SimpleQueue()
"""Calls that have ended; unlike other queues, this one may be put into by a finalizer."""

_thread_of = 0
"""Process that the thread runs in."""

_starting = threading.Lock()
_has_hook = False


def _room() -> int:
    return max(_LEAST_WAITING, _WAITING_CHARACTERS // _mode.most)


def _backlog_room() -> int:
    """Records that may wait for the receiver: such as take a quarter of what the signals may take."""
    settings = _settings.current()
    room = _MEMORY_BYTES if settings.spool == "off" else settings.spool_quota_mb << 20
    return max(_LEAST_WAITING, room // 4 // _mode.most)


def _start() -> None:
    global _has_hook, _thread_of  # noqa: PLW0603 - one thread per process
    if _thread_of == os.getpid():
        return
    _thread_of = os.getpid()
    if not _has_hook and hasattr(os, "register_at_fork"):
        _has_hook = True
        os.register_at_fork(after_in_child=_start_afresh)
    if not start_thread(_run, "content"):
        _thread_of = 0
        while not _queue.empty():
            _step()


def _start_afresh() -> None:
    """Leave, in a forked child, what waits to the parent."""
    global _queue, _starting, _thread_of  # noqa: PLW0603 - likewise
    _starting = threading.Lock()
    _thread_of = 0
    _queue = SimpleQueue["Content | threading.Event"]()


def _run() -> None:
    while True:
        _step()


def _step() -> None:
    each = _queue.get()
    if isinstance(each, threading.Event):
        each.set()
        return
    try:
        each.record()
    except BaseException as error:  # noqa: BLE001 - of the host's `redact`, which may raise anything
        _drop(f"`{type(error).__name__}` was raised while it was redacted and written")


def _drop(why: str) -> None:
    tally.contents_dropped += 1
    _guard.warn_once(f"the content of a model call was dropped: {why}; see worthwhile.stats() for how many")
