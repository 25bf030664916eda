"""The way out of the process: a bounded queue, a thread that encodes what is in it, and one that sends it.

`put` only appends. The draining thread encodes in small slices, so that it never holds the interpreter lock for long,
and puts each slice into the backlog: on disk from then on, unless the spool is off. That is at most `DRAIN_S` after the
span or signal was put, or sooner when many are. The sending thread takes from the backlog (`_courier.py`).
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

from worthwhile import _guard
from worthwhile._backlog import Backlog
from worthwhile._courier import Courier, Marker
from worthwhile._losses import Cause
from worthwhile._threads import Bell, start_thread

Item = TypeVar("Item")
Payload = TypeVar("Payload")
Item_contra = TypeVar("Item_contra", contravariant=True)

DRAIN_S: Final = 0.1
"""Longest time that an item waits to be encoded and kept."""

SLICE: Final = 64

_LARGE_SLICE: Final = 128
_PAUSE_S: Final = 0.0002
_IDLE_ROUNDS: Final = 50
_FOREVER: Final = -1.0
_END_S: Final = 0.5


class Counts(NamedTuple):
    """What became of everything that was handed over.

    Attributes:
        delivered: Items that the receiver acknowledged.
        failed: Items that the receiver refused for good.
        dropped: Items that were lost before they reached it.
        waiting: Items not yet decided.
        kept: Those of them that are on disk.
        recovered: Items of processes that have ended, which this one delivered.
        losses: `dropped` by cause, with what was lost of ended processes.
    """

    delivered: int
    failed: int
    dropped: int
    waiting: int
    kept: int
    recovered: int
    losses: dict[Cause, int]


class Encoded(NamedTuple, Generic[Payload]):
    """A payload, the items in it, and those that could not be encoded; see `_encode.Encoded`."""

    body: Payload
    items: int
    skipped: int


Pause = Callable[[], object]


class Encode(Protocol[Item_contra, Payload]):
    """Makes a payload of items; calls `pause` whenever it has held the interpreter lock for a while."""

    def __call__(self, items: Sequence[Item_contra], pause: Pause | None = None) -> Encoded[Payload]: ...


class Drainer:
    """The one thread that encodes what is in the queues of a pipeline; it starts with the first item.

    Attributes:
        bell: Wakes it.
        is_parked: Whether it waits for the bell without looking; so it does after a while without items.
        is_threadless: Whether the thread could not be started, as the interpreter is about to exit.
    """

    def __init__(self) -> None:
        self._outboxes: list[Outbox[Any, Any]] = []
        self.reset()

    def pause(self) -> None:
        """Let a thread run that waits for the interpreter lock."""
        self._sleep(_PAUSE_S)

    def add(self, outbox: "Outbox[Any, Any]") -> None:
        """Look after one more queue."""
        self._outboxes.append(outbox)

    def reset(self) -> None:
        """Start anew with the next item, as a forked child does."""
        self.use_current_primitives()
        self.is_parked = True
        self.is_threadless = False
        self._has_started = False

    def use_current_primitives(self) -> None:
        """Wait and wake with the same kind of locks as the threads are of; gevent may exchange them at any time."""
        self.make_lock = threading.Lock
        self._sleep = time.sleep
        self.bell = Bell(self.make_lock)

    def start(self) -> None:
        """Start the thread, once."""
        if not self._has_started:
            self._has_started = True
            self.use_current_primitives()
            self.is_threadless = not start_thread(self._run, "drain")

    def wake(self) -> None:
        """Have it look at the queues soon."""
        self.is_parked = False
        self.bell.ring()

    def _run(self) -> None:
        rounds = 0
        while not all(outbox.is_drained for outbox in self._outboxes):
            self.bell.wait(DRAIN_S)
            found = [outbox.drain() for outbox in self._outboxes]
            rounds = 0 if any(found) else rounds + 1
            if rounds > _IDLE_ROUNDS:
                rounds = 0
                self.is_parked = True
                if not any(outbox.has_work for outbox in self._outboxes):
                    self.bell.wait(_FOREVER)
                self.is_parked = False


class Outbox(Generic[Item, Payload]):
    """Bounded queue of `Item`s, with the thread that encodes them and one that sends them behind it.

    `put` never waits and never raises. In a forked child both start anew with the first item there, and what the
    parent had queued or kept is the parent's to deliver.

    Attributes:
        kind: What the items are called in messages.
        is_drained: Whether it is closed and nothing is in it any more.
    """

    def __init__(
        self,
        encode: Encode[Item, Payload],
        backlog: Backlog[Payload],
        courier: Courier[Payload],
        drainer: Drainer,
        *,
        size: int,
        slice_size: int = SLICE,
    ) -> None:
        """Queue in front of `courier`.

        Args:
            encode: Makes a payload of items, with pauses.
            backlog: Where payloads wait.
            courier: Takes them from there to the receiver.
            drainer: Its thread calls `drain`.
            size: Most items that may wait to be encoded.
            slice_size: Most items in one payload; never more than `SLICE` as long as the queue is not crowded.
        """
        self.kind = courier.kind
        self._encode = encode
        self._backlog = backlog
        self._courier = courier
        self._drainer = drainer
        self._losses = courier.losses
        self._size = self._room = size
        self._slice = min(SLICE, size, slice_size)
        self._large_slice = min(_LARGE_SLICE, slice_size)
        self.is_drained = False
        self._reset()
        drainer.add(self)

    def put(self, item: Item) -> None:
        """Hand over an item; it is dropped and counted when the queue is full or closed."""
        queue = self._queue
        if len(queue) >= self._room:
            self._drop()
            return
        queue.append(item)
        drainer = self._drainer
        if self._is_new or drainer.is_parked or (len(queue) >= self._slice and not drainer.bell.is_rung):
            self._wake()

    def note(self, item: Item) -> None:
        """Send an item that counts for nothing, along with the next request; for our own threads."""
        self._backlog.append(self._encode([item]).body, 0)
        if self._is_new:
            self._wake()
        self._post.ring()

    def deliver_orphans(self) -> None:
        """Start, even without an item, if processes that have ended may have left some; for our own threads."""
        if self._is_new and self._room and self._backlog.has_orphans():
            self._wake()

    def losses(self) -> list[tuple[str, int]]:
        """What was lost so far, by cause."""
        return [*self._losses.by_cause().items(), ("refused", self._courier.refused)]

    def start_flush(self, *, may_leave: bool = False) -> Marker:
        """Send what waits now, without waiting for it; the marker's `wait` does.

        Args:
            may_leave: Whether it is enough, where the receiver is away, that everything is on disk.
        """
        marker = Marker(may_leave=may_leave, make_lock=self._drainer.make_lock)
        if self._is_new and not self._queue:
            marker.answer(self._courier.newly_lost())
            return marker
        self._queue.append(marker)
        self._wake()
        is_threadless = self._is_threadless or self._drainer.is_threadless
        if is_threadless or self.is_drained:
            self._drain()
            self._post.ring()
        if is_threadless or (self.is_drained and self._backlog.is_empty()):
            self._courier.step(_END_S)
        return marker

    def flush(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for everything handed over before; `True` if nothing was lost since the last."""
        return self.start_flush().wait(timeout)

    def close(self) -> None:
        """Take no more items; the threads end when they have sent what waits. Does not wait."""
        self._room = 0
        self._drainer.wake()
        self._post.ring()

    @property
    def has_work(self) -> bool:
        """Whether `drain` has something to do."""
        return bool(self._queue) or (self._room == 0 and not self.is_drained)

    def drain(self) -> bool:
        """Encode what is in the queue and put it into the backlog; whether there was anything."""
        had_any = bool(self._queue)
        self._drain()
        if not self._is_new:
            self._backlog.idle()
        if self._room == 0 and not self.is_drained and not self._queue:
            self.is_drained = True
            self._drain()  # the marker of a flush that came in between
            self._post.ring()
        return had_any

    def counts(self) -> Counts:
        """What became of the items so far."""
        losses = self._losses.by_cause()
        queued = sum(type(item) is not Marker for item in tuple(self._queue)) + self._in_hand
        in_backlog = self._courier.waiting()
        return Counts(
            delivered=self._courier.delivered,
            failed=self._courier.refused,
            dropped=self._losses.own(),
            waiting=queued + in_backlog,
            kept=max(0, in_backlog - self._backlog.items_at_risk()),
            recovered=self._courier.recovered,
            losses=losses,
        )

    @property
    def reason(self) -> str:
        """Why the last request failed; empty after one that did not."""
        return self._courier.reason

    def after_fork(self) -> None:
        """Forget, in a child process, what is the parent's."""
        self._losses.reset()
        self._backlog.after_fork()
        self._courier.reset()
        self._drainer.reset()
        self._reset()

    def _reset(self) -> None:
        self._queue: deque[Item | Marker] = deque()
        self._post = Bell(threading.Lock)
        self._starting = threading.Lock()
        self._is_new = True
        self._is_threadless = False
        self.is_drained = False
        self._in_hand = 0

    def _drop(self) -> None:
        if self._room:
            self._losses.one("queue_full")
            state = f"full ({self._size})"
        else:
            self._losses.one("closed")
            state = "closed"
        _guard.warn_once(f"{self.kind} dropped: queue {state}; see worthwhile.stats() for how many")

    def _wake(self) -> None:
        # At the first item; not where another thread is at it, or this one further up while garbage is collected.
        if self._is_new and not sys.is_finalizing() and self._starting.acquire(blocking=False):
            try:
                if self._is_new:
                    self._drainer.start()
                    self._post = Bell(self._drainer.make_lock)
                    self._is_new = False
                    self._is_threadless = not start_thread(self._run_courier, self.kind)
            finally:
                self._starting.release()
        self._drainer.wake()

    def _run_courier(self) -> None:
        while not (self.is_drained and self._backlog.is_empty()):
            wait_s = 1.0
            with _guard.Guard(f"time in sending {self.kind}"):
                wait_s = self._courier.step()
            self._post.wait(wait_s)
        self._courier.step()
        self._courier.close()

    def _drain(self) -> None:
        left = len(self._queue)
        while left > 0:
            is_crowded = len(self._queue) > self._size // 4
            marker, taken = self._take(min(left, self._large_slice if is_crowded else self._slice))
            left = min(left - len(taken) - (marker is not None), len(self._queue))
            if taken:
                self._keep(taken, None if is_crowded else self._drainer.pause)
            self._in_hand = 0
            if marker is not None:
                marker.place = self._backlog.mark()
                self._courier.expect(marker)
                self._post.ring()
            elif left > 0 and not is_crowded:
                self._drainer.pause()

    def _take(self, most: int) -> tuple[Marker | None, list[Item]]:
        taken: list[Item] = []
        with suppress(IndexError):
            for _ in range(most):
                item = self._queue.popleft()
                if isinstance(item, Marker):
                    return item, taken
                taken.append(item)
                self._in_hand = len(taken)
        return None, taken

    def _keep(self, items: list[Item], pause: Pause | None) -> None:
        encoded = None
        with _guard.Guard(f"{len(items)} {self.kind}"):
            encoded = self._encode(items, pause)
        if encoded is None:
            self._losses.add("encode_error", len(items))
            return
        self._losses.add("encode_error", encoded.skipped)
        if encoded.items:
            self._backlog.append(encoded.body, encoded.items)
            if self._courier.is_due():
                self._post.ring()
