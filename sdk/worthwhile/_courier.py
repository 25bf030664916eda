"""Brings what waits in a backlog to the receiver: one request after the other, patient with a receiver that is not."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from worthwhile import _guard
from worthwhile._backlog import Backlog, Batch, Limit, Part, Piece
from worthwhile._losses import Losses

Payload = TypeVar("Payload")
Sent_contra = TypeVar("Sent_contra", contravariant=True)

MAX_BACKOFF_S: Final = 30.0
MAX_REFUSED_BACKOFF_S: Final = 300.0
ADOPTION_INTERVAL_NS: Final = 30_000_000_000
MERGED_BYTES: Final = 2 << 20
MERGED_ITEMS: Final = 16_384

_FIRST_BACKOFF_S: Final = 1.0
_FIRST_REFUSED_BACKOFF_S: Final = 20.0
_MAX_REFUSALS: Final = 32
"""Refusals in a row after which a batch is given up: one bad span in 65,535 is found in fewer."""
_MAX_FAILURES: Final = 3
"""Errors of ours in a row after which a batch is given up."""

_random = random.SystemRandom().random  # the host's own generator stays where it is, and forked children differ


class Answer(Protocol):
    """What became of a request; see `_transport.Answer`."""

    @property
    def outcome(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def rejected(self) -> int: ...
    @property
    def after_s(self) -> float | None: ...
    @property
    def permanent(self) -> bool: ...


class Sender(Protocol[Sent_contra]):
    """Sends one payload; see `_transport.Sender`."""

    def send(self, body: Sent_contra, /, timeout_s: float | None = None) -> Answer: ...
    def close(self) -> None: ...


class Freight(NamedTuple, Generic[Payload]):
    """What is carried, and how.

    Attributes:
        kind: What the items are called in messages: "spans".
        target: Where they go, in messages.
        make_sender: Called in the thread that sends, and again in a forked child.
        join: Makes one payload of several.
        halve: The two halves of a payload, each with its items; `None` if it has fewer than two.
        batch: Most items in one request, where no more are waiting than the receiver can be expected to take at once.
        delay_s: Longest wait of an item for others to share its request.
        may_merge: Whether requests may grow beyond `batch` while many items wait.
    """

    kind: str
    target: str
    make_sender: Callable[[], Sender[Payload]]
    join: Callable[[Sequence[Payload]], Payload]
    halve: Callable[[Payload], Sequence[Piece[Payload]] | None]
    batch: int
    delay_s: float
    may_merge: bool = True


class Marker:
    """Travels behind the items that a flush waits for, and brings back whether they were delivered.

    Args:
        may_leave: Whether the flush may end once everything is on disk and the receiver has failed again.
        make_lock: Makes locks that work between the flushing thread and the one that answers.
    """

    __slots__ = ("_arrived", "_lost", "may_leave", "place")

    def __init__(self, *, may_leave: bool, make_lock: Callable[[], threading.Lock] = threading.Lock) -> None:
        self.may_leave = may_leave
        self.place: object = None
        self._lost = -1
        self._arrived = make_lock()
        self._arrived.acquire()

    def answer(self, lost: int) -> None:
        """Tell the waiting flush how many items were lost, or are not delivered; only the first answer counts."""
        if self._lost < 0:
            self._lost = lost
            with suppress(RuntimeError):
                self._arrived.release()

    def wait(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds; `True` if everything before the marker was delivered."""
        if self._lost < 0:
            self._arrived.acquire(timeout=min(max(0.0, timeout), threading.TIMEOUT_MAX))
        return self._lost == 0


class Patience:
    """When the receiver is tried again.

    Attributes:
        not_before_ns: When that is.
        is_asked: Whether the receiver itself asked for the wait; then a flush does not cut it short.
    """

    __slots__ = ("_backoff_s", "_clock_ns", "is_asked", "not_before_ns")

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self._clock_ns = clock_ns
        self.not_before_ns, self.is_asked, self._backoff_s = 0, False, 0.0

    def after(self, answer: Answer) -> None:
        """Wait longer, after an answer that was none."""
        first, most = _FIRST_BACKOFF_S, MAX_BACKOFF_S
        if answer.outcome == "refused":
            first, most = _FIRST_REFUSED_BACKOFF_S, MAX_REFUSED_BACKOFF_S
        self._backoff_s = min(most, max(first, self._backoff_s * 2))
        wait_s = self._backoff_s * (0.5 + _random() / 2)  # so that many processes do not march in step
        self.is_asked = answer.after_s is not None
        if answer.after_s is not None:
            wait_s = answer.after_s * (1 + _random() / 10)
        self.not_before_ns = self._clock_ns() + int(wait_s * 1e9)

    def reset(self) -> None:
        """The receiver takes things again."""
        self.not_before_ns, self.is_asked, self._backoff_s = 0, False, 0.0


class Courier(Generic[Payload]):
    """Takes batches from a backlog and sends them; `step` does what is due and says when to come again.

    One thread calls `step`; the other methods may be called from any.

    Attributes:
        kind: What the items are called in messages.
        losses: What was lost on the way.
        delivered: Items of this process that the receiver acknowledged.
        recovered: Items of ended processes that it acknowledged.
        refused: Items that it will never take.
    """

    def __init__(
        self,
        backlog: Backlog[Payload],
        freight: Freight[Payload],
        losses: Losses,
        *,
        on_progress: Callable[[], None] = lambda: None,
        clock_ns: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        """Courier for `backlog`.

        Args:
            backlog: Where items wait.
            freight: What is carried, and how.
            losses: Where losses are counted; the backlog counts there too.
            on_progress: Called after the receiver has taken something.
            clock_ns: Clock that never steps back.
        """
        self._clock_ns = clock_ns
        self._backlog = backlog
        self._freight = freight
        self.kind = freight.kind
        self.losses = losses
        self._on_progress = on_progress
        self._limit = Limit(MERGED_ITEMS, MERGED_BYTES) if freight.may_merge else Limit(freight.batch, MERGED_BYTES)
        self._has_told = False
        self._sender: Sender[Payload] | None = None
        self.reset()

    def reset(self) -> None:
        """Start afresh, as a forked child does; a sender opens a connection of its own there."""
        self.delivered = self.recovered = self.refused = 0
        self._patience = Patience(self._clock_ns)
        self._markers: deque[Marker] = deque()
        self._batch: Batch[Payload] | None = None
        self._stack: list[Sequence[Part[Payload]]] = []
        self._decided = self._refusals = self._failures = 0
        self._can_split = True
        self._is_urged = False
        self._since_ns: int | None = None
        self._adopt_ns = 0
        self._told = 0
        self._reason = ""

    def expect(self, marker: Marker) -> None:
        """Answer `marker`, whose place is in the backlog, when everything before it is decided."""
        self._markers.append(marker)
        self._is_urged = True

    def waiting(self) -> int:
        """Items of this process in the backlog that are not decided."""
        return max(0, self._backlog.items() - self._decided)

    def newly_lost(self) -> int:
        """Items of this process that were lost since this was asked last."""
        lost = self.refused + self.losses.own()
        told, self._told = self._told, lost
        return lost - told

    def is_due(self) -> bool:
        """Whether there is reason to call `step` earlier than it said."""
        if self._patience.not_before_ns > self._clock_ns():
            return False
        return self._since_ns is None or self._backlog.items() >= self._freight.batch

    @property
    def reason(self) -> str:
        """Why the last request failed; empty after one that did not."""
        return self._reason

    def step(self, timeout_s: float | None = None) -> float:
        """Send what is due; return after how many seconds to come again, at the latest.

        Args:
            timeout_s: Longest time for each request; the sender's own, if it is shorter.
        """
        while self._wait_s() <= 0 and self._carry(timeout_s):
            pass
        self._answer_markers()
        wait_s = self._wait_s()
        if self._patience.not_before_ns > self._clock_ns():
            self._excuse_markers()
        return max(0.001, wait_s)

    def close(self) -> None:
        """Hang up; what is in the backlog stays there. The next request connects anew."""
        sender, self._sender = self._sender, None
        if sender is not None:
            sender.close()

    def _wait_s(self) -> float:
        """Seconds until the next request is due."""
        now = self._clock_ns()
        held_s = (self._patience.not_before_ns - now) / 1e9
        if held_s > 0 and (self._patience.is_asked or not self._is_urged):
            return held_s
        if self._stack:
            return 0
        if self._backlog.is_empty():
            self._since_ns = None
            return self._adoption_wait_s(now)
        if self._since_ns is None:
            self._since_ns = now
        if self._markers or self._backlog.items() >= self._freight.batch:
            return 0
        return self._freight.delay_s - (now - self._since_ns) / 1e9

    def _adoption_wait_s(self, now: int) -> float:
        if now >= self._adopt_ns:
            if self._backlog.adopt():
                return 0
            self._adopt_ns = now + ADOPTION_INTERVAL_NS
        return (self._adopt_ns - now) / 1e9

    def _carry(self, timeout_s: float | None) -> bool:
        """Send one request; whether it may go on with the next at once."""
        self._is_urged = False
        if not self._stack:
            batch = self._batch = self._backlog.take(self._limit)
            if batch is None:
                self._since_ns = None
                return False
            self._stack, self._refusals = [batch.parts], 0
        parts = self._stack[-1]
        answer = self._send(parts, timeout_s)
        if answer.outcome == "retry" or (answer.outcome == "refused" and not answer.permanent):
            self._hold(answer)
            return False
        self._stack.pop()
        if answer.outcome == "accepted":
            self._accept(parts, 0)
        elif answer.outcome == "partial":
            self._accept(parts, answer.rejected)
            self._tell(answer.rejected, answer.reason)
        else:
            self._divide(parts, answer)
        if not self._stack:
            self._settle()
        return True

    def _send(self, parts: Sequence[Part[Payload]], timeout_s: float | None) -> Answer:
        with _guard.Guard(f"time in sending {self._freight.kind}"):
            if self._sender is None:
                self._sender = self._freight.make_sender()
            answer = self._sender.send(self._freight.join([part.body for part in parts]), timeout_s)
            self._failures = 0
            return answer
        self._failures += 1
        return _AGAIN if self._failures < _MAX_FAILURES else _GIVEN_UP

    def _hold(self, answer: Answer) -> None:
        self._reason = answer.reason
        self._patience.after(answer)
        if self._batch is not None and len(self._stack) == 1 and self._stack[0] is self._batch.parts:
            self._backlog.release(self._batch)
            self._stack, self._batch = [], None
        if answer.outcome == "refused":
            _guard.warn_once(f"{self._freight.target} takes no {self._freight.kind}: {answer.reason}; they are kept")

    def _excuse_markers(self) -> None:
        """Let those go that need not wait for a receiver that is away."""
        for marker in list(self._markers):
            if marker.may_leave and not self._backlog.items_at_risk():
                self._markers.remove(marker)
                marker.answer(1)

    def _accept(self, parts: Sequence[Part[Payload]], rejected: int) -> None:
        items = sum(part.items for part in parts)
        rejected = min(rejected, items)
        self._patience.reset()
        self._reason = ""
        self._refusals, self._can_split = 0, True
        self._decide(items, rejected)
        self._on_progress()

    def _divide(self, parts: Sequence[Part[Payload]], answer: Answer) -> None:
        """Halve what was refused for what is in it, until the one item is found that is the reason."""
        self._reason = answer.reason
        self._refusals += 1
        if answer.outcome == "split":
            size = sum(map(_size, parts))
            self._limit = Limit(self._limit.items, max(1, min(self._limit.size_bytes, size // 2)))
        elif self._refusals > _MAX_REFUSALS:  # this receiver takes nothing at all
            self._can_split = False
        if self._can_split and len(parts) == 1 and parts[0].items > 1:
            with _guard.Guard(f"{parts[0].items} {self._freight.kind}"):
                parts = self._freight.halve(parts[0].body) or parts
        if self._can_split and len(parts) > 1:
            middle = len(parts) // 2
            self._stack += (parts[middle:], parts[:middle])
            return
        items = sum(part.items for part in parts)
        if len(parts) == items == 1:
            self._backlog.quarantine(parts[0].body, answer.reason)
        self._decide(items, items)
        self._tell(items, answer.reason)

    def _decide(self, items: int, refused: int) -> None:
        if self._batch is None or self._batch.is_own:
            self._decided += items
            self.delivered += items - refused
            self.refused += refused
        else:
            self.recovered += items - refused
            self.losses.add("earlier", refused)

    def _settle(self) -> None:
        batch, self._batch = self._batch, None
        if batch is not None:
            self._backlog.settle(batch)
        self._decided = 0
        self._answer_markers()

    def _answer_markers(self) -> None:
        with suppress(IndexError):  # the last one was answered in between
            while self._markers and self._backlog.has_settled(self._markers[0].place):
                self._markers.popleft().answer(self.newly_lost())

    def _tell(self, items: int, reason: str) -> None:
        if items and not self._has_told:
            self._has_told = True
            _guard.warn_once(
                f"lost {items} {self._freight.kind}: {self._freight.target} did not take them ({reason}); "
                "later losses are counted in worthwhile.stats()"
            )


class _Failed(NamedTuple):
    """Stands for the answer to a request that an error of ours kept from being sent."""

    outcome: str
    reason: str = "an internal error"
    rejected: int = 0
    after_s: float | None = None
    permanent: bool = True


_AGAIN: Final = _Failed("retry")
_GIVEN_UP: Final = _Failed("refused")


def _size(part: Part[object]) -> int:
    return len(part.body) if isinstance(part.body, bytes) else 1
