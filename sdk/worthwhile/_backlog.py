"""What has been encoded and waits for the receiver: in memory (`Ring`), or on disk with memory behind it (`Kept`)."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, Protocol, TypeVar, cast

from worthwhile import _guard

if TYPE_CHECKING:
    from worthwhile._spool import Spool

Payload = TypeVar("Payload")
Body_co = TypeVar("Body_co", covariant=True)

Mark = tuple[int, int]
"""A place in what was appended; later ones are greater."""

RETRY_DISK_NS: Final = 5_000_000_000

_AFTER_ALL: Final[Mark] = (1 << 62, 0)


class Limit(NamedTuple):
    """How much may go into one request."""

    items: int
    size_bytes: int


class Part(Protocol[Body_co]):
    """A payload and how many spans or signals are in it."""

    @property
    def body(self) -> Body_co: ...

    @property
    def items(self) -> int: ...


class Piece(NamedTuple, Generic[Payload]):
    """A payload in memory."""

    body: Payload
    items: int


class Batch(Generic[Payload]):
    """What goes into one request.

    Attributes:
        parts: Payloads in order.
        items: Spans or signals in them.
        is_own: Whether this process recorded them.
        source: Where they wait.
        stop: Where the batch ends there.
    """

    __slots__ = ("is_own", "items", "parts", "source", "stop")

    def __init__(self, parts: Sequence[Part[Payload]], *, is_own: bool, source: object, stop: int) -> None:
        self.parts = parts
        self.items = sum(part.items for part in parts)
        self.is_own = is_own
        self.source = source
        self.stop = stop


class Backlog(Protocol[Payload]):
    """Where payloads wait. All methods may be called from any thread; only one thread takes and settles."""

    def append(self, body: Payload, items: int) -> None:
        """Add a payload; what has to go for it is counted as lost."""
        ...

    def take(self, limit: Limit) -> Batch[Payload] | None:
        """The next request; the same one again until it is settled."""
        ...

    def settle(self, batch: Batch[Payload]) -> None:
        """Forget a batch that was delivered or refused."""
        ...

    def release(self, batch: Batch[Payload]) -> None:
        """Leave a batch for later."""
        ...

    def mark(self) -> object:
        """The end of what was appended so far."""
        ...

    def has_settled(self, mark: object) -> bool:
        """Whether everything before the mark is settled."""
        ...

    def items(self) -> int:
        """Spans or signals of this process that wait."""
        ...

    def is_empty(self) -> bool:
        """Whether nothing of this process waits."""
        ...

    def items_at_risk(self) -> int:
        """Of these, how many the end of the process would lose."""
        ...

    def has_orphans(self) -> bool:
        """Whether processes that have ended may have left something."""
        ...

    def adopt(self) -> bool:
        """Take over some of it, for `take` to give out after this process's own; whether there was any."""
        ...

    def quarantine(self, body: Payload, reason: str) -> None:
        """Put a payload aside that the receiver will never take, for a person to look at."""
        ...

    def idle(self) -> None:
        """Called every now and then by the thread that appends."""
        ...

    def after_fork(self) -> None:
        """Forget, in a child process, what is the parent's."""
        ...


class Ring(Generic[Payload]):
    """Payloads in memory; the oldest go when it is full.

    Args:
        size: Most that it holds, in the unit of `weigh`.
        weigh: Size of a payload.
        on_loss: Told how many items had to go.
    """

    def __init__(self, size: int, weigh: Callable[[Payload], int], on_loss: Callable[[int], None]) -> None:
        self._size = size
        self._weigh = weigh
        self._on_loss = on_loss
        self.after_fork()

    def after_fork(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._parts: deque[Piece[Payload]] = deque()
        self._gone = self._weight = self._taken = 0
        self._is_held = False

    def has_orphans(self) -> bool:
        """Memory ends with its process."""
        return False

    def adopt(self) -> bool:
        """Memory ends with its process."""
        return False

    def quarantine(self, body: Payload, reason: str) -> None:
        """There is no place for it."""

    def idle(self) -> None:
        """Nothing to do."""

    def append(self, body: Payload, items: int) -> None:
        """Add a payload; the oldest that are not under way go when there is no room."""
        with self._lock:
            self._parts.append(Piece(body, items))
            self._weight += self._weigh(body)
            held = self._taken if self._is_held else 0
            lost = 0
            while self._weight > self._size and len(self._parts) > held:
                piece = self._parts[held]
                del self._parts[held]
                self._gone += 1
                self._taken -= self._taken > held
                self._weight -= self._weigh(piece.body)
                lost += piece.items
        if lost:
            self._on_loss(lost)

    def take(self, limit: Limit) -> Batch[Payload] | None:
        """The oldest payloads that fit into one request."""
        with self._lock:
            if not self._taken:
                items = size = 0
                for piece in self._parts:
                    items += piece.items
                    size += self._weigh(piece.body)
                    if self._taken and (items > limit.items or size > limit.size_bytes):
                        break
                    self._taken += 1
            if not self._taken:
                return None
            self._is_held = True
            parts = [self._parts[number] for number in range(self._taken)]
            return Batch(parts, is_own=True, source=self, stop=self._taken)

    def settle(self, batch: Batch[Payload]) -> None:
        """Forget a batch."""
        with self._lock:
            for _ in range(batch.stop):
                self._weight -= self._weigh(self._parts.popleft().body)
            self._gone += batch.stop
            self._taken = 0
            self._is_held = False

    def release(self, batch: Batch[Payload]) -> None:
        """Leave the batch for later."""
        self._is_held = False

    def mark(self) -> Mark:
        """How many payloads were ever appended."""
        with self._lock:
            return (self._gone + len(self._parts), 0)

    def has_settled(self, mark: object) -> bool:
        """Whether that many are gone."""
        return (self._gone, 0) >= cast("Mark", mark)

    def items(self) -> int:
        """Spans or signals in it."""
        with self._lock:
            return sum(piece.items for piece in self._parts)

    def is_empty(self) -> bool:
        """Whether nothing is in it."""
        return not self._parts

    def items_at_risk(self) -> int:
        """All of them."""
        return self.items()

    def pop_free(self) -> Piece[Payload] | None:
        """Take out the oldest payload, unless a request with it is under way."""
        with self._lock:
            if self._is_held or not self._parts:
                return None
            self._taken = 0
            self._gone += 1
            piece = self._parts.popleft()
            self._weight -= self._weigh(piece.body)
            return piece


class Kept:
    """A spool on disk; a ring takes its place for as long as the disk does not take anything."""

    def __init__(
        self, spool: "Spool", ring: Ring[bytes], *, clock_ns: Callable[[], int] = time.perf_counter_ns
    ) -> None:
        self.spool = spool
        self._clock_ns = clock_ns
        self._appending = threading.Lock()
        self._ring = ring
        self._disk_from_ns: int | None = None
        self._moves = 0
        self._moved: Mark = (0, 0)

    @property
    def is_degraded(self) -> bool:
        """Whether the disk did not take the last payload."""
        return self._disk_from_ns is not None

    def append(self, body: bytes, items: int) -> None:
        """Write a payload to the spool, else keep it in memory."""
        with self._appending:
            self._append(body, items)

    def take(self, limit: Limit) -> Batch[bytes] | None:
        """From memory first, because that is less safe."""
        return self._ring.take(limit) or self.spool.take(limit)

    def settle(self, batch: Batch[bytes]) -> None:
        """Forget a batch."""
        (self._ring if batch.source is self._ring else self.spool).settle(batch)

    def release(self, batch: Batch[bytes]) -> None:
        """Leave a batch for later."""
        (self._ring if batch.source is self._ring else self.spool).release(batch)

    def mark(self) -> tuple[Mark, Mark, int]:
        """The ends of both, and how often something was moved from memory to disk."""
        return self.spool.mark(), self._ring.mark(), self._moves

    def has_settled(self, mark: object) -> bool:
        """Whether everything before the mark is settled in both."""
        on_disk, in_memory, moves = cast("tuple[Mark, Mark, int]", mark)
        if moves != self._moves:
            on_disk = max(on_disk, self._moved)
        return self.spool.has_settled(on_disk) and self._ring.has_settled(in_memory)

    def items(self) -> int:
        """Spans or signals in both."""
        return self.spool.items() + self._ring.items()

    def is_empty(self) -> bool:
        """Whether nothing of this process is in either."""
        return self._ring.is_empty() and self.spool.is_empty()

    def items_at_risk(self) -> int:
        """What is in memory."""
        return self._ring.items()

    def has_orphans(self) -> bool:
        """Whether there are segments that are not this process's own."""
        return self.spool.has_orphans()

    def adopt(self) -> bool:
        """Take over segments of ended processes."""
        return self.spool.adopt()

    def quarantine(self, body: bytes, reason: str) -> None:
        """Put it into a file, with its reason beside it, while there are not too many."""
        self.spool.quarantine(body, reason)

    def idle(self) -> None:
        """Put on the disk itself what durability asks for."""
        try:
            self.spool.sync()
        except OSError as error:
            _guard.warn_once(f"the spool `{self.spool.folder}` cannot be synced ({error.strerror})")

    def after_fork(self) -> None:
        """Forget what is the parent's."""
        self._appending = threading.Lock()
        self._ring.after_fork()
        self.spool.after_fork()
        self._disk_from_ns = None

    def _append(self, body: bytes, items: int) -> None:
        if self._disk_from_ns is not None and self._clock_ns() < self._disk_from_ns:
            self._ring.append(body, items)
            return
        try:
            self.spool.append(body, items)
            self._disk_from_ns = None
            self._move_to_disk()
        except OSError as error:
            self._disk_from_ns = self._clock_ns() + RETRY_DISK_NS
            self._ring.append(body, items)
            _guard.warn_once(
                f"the spool `{self.spool.folder}` cannot be written to ({error.strerror}); what cannot be delivered "
                "waits in memory meanwhile, up to a bound, and ends with the process; WORTHWHILE_SPOOL sets another "
                "folder, or `off`"
            )

    def _move_to_disk(self) -> None:
        while (piece := self._ring.pop_free()) is not None:
            self._moves += 1
            self._moved = _AFTER_ALL  # a flush that asks in between must wait
            try:
                self.spool.append(piece.body, piece.items)
            except OSError:
                self._ring.append(piece.body, piece.items)
                raise
            finally:
                self._moved = self.spool.mark()
