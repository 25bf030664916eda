"""The single writer: sealed segments go into the database, one insert each, and only then leave the spool."""

import contextlib
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Protocol

from worthwhile_collectors.errors import SpoolError
from worthwhile_collectors.frames import delimited
from worthwhile_collectors.quarantine import Quarantine
from worthwhile_collectors.spool import Kind, Segment, Spool
from worthwhile_collectors.store.errors import QueryFailed

TICK_SECONDS: Final = 0.05
FIRST_DELAY_SECONDS: Final = 0.25
LAST_DELAY_SECONDS: Final = 30.0
REST_AFTER_INSERT: Final = 9
LONGEST_REST_SECONDS: Final = 5.0
"""A segment that is not full waits that many times the last insert's time, so that a trickle keeps no core busy."""

UNEXPLAINED_TRIES: Final = 5
"""Failures with an error that may be the server's or the segment's, after which the segment is suspected."""


class Rejection(Protocol):
    """One request that the database cannot take, alone, ever."""

    @property
    def body(self) -> bytes:
        """The request."""

    @property
    def reason(self) -> str:
        """What the database said."""


class Sink(Protocol):
    """Where segments go."""

    def insert_protobuf(
        self, kind: Kind, frames: bytes, token: str, *, is_suspect: bool = False
    ) -> Sequence[Rejection]:
        """Inserts length-prefixed requests; the same token again changes nothing. Returns what it had to leave out.

        Args:
            kind: Which OTLP signal the requests carry.
            frames: The requests.
            token: Names the batch.
            is_suspect: Whether an error that may be the server's or the batch's is taken for the batch's.

        Raises:
            WorthwhileError: Nothing can be said about what was stored; the same call may be repeated.
        """


@dataclass(slots=True)
class Counts:
    """What the writer did since it started. `failed` counts tries, of which each is repeated until it succeeds."""

    segments: int = 0
    requests: int = 0
    bytes: int = 0
    failed: int = 0
    rejected: int = 0
    damaged: int = 0
    torn_bytes: int = 0
    last_insert_ns: int | None = None
    last_error: str | None = None


class Pipeline:
    """Moves requests from the spool to the database in a thread of its own.

    Args:
        spool: Where acknowledged requests are.
        sink: Where they go.
        quarantine: Where refused ones are kept.
        segment_seconds: Wait before a segment that is not full is stored; longer where inserts take long.
    """

    def __init__(self, spool: Spool, sink: Sink, quarantine: Quarantine, *, segment_seconds: float = 1.0) -> None:
        self._spool = spool
        self._sink = sink
        self._quarantine = quarantine
        self._segment_ns = int(segment_seconds * 1e9)
        self._rest_ns = 0
        self._counts = Counts()
        self._tries: dict[str, int] = {}
        self._unexplained: dict[str, int] = {}
        self._writing = threading.Lock()
        self._changed = threading.Condition()
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="worthwhile-writer", daemon=True)

    def start(self) -> None:
        """Begins to store. Called once."""
        self._thread.start()

    def accept(self, kind: Kind, body: bytes) -> None:
        """Keeps one checked request. When this returns, it will be stored exactly once.

        Raises:
            SpoolFullError: It was not kept; the sender may try again later.
        """
        self._spool.append(kind, body)

    def insert(self, kind: Kind, token: str, bodies: Iterable[bytes]) -> Sequence[Rejection]:
        """Stores requests now, in the caller's thread, past the spool: for what is on disk already, such as a file.

        Args:
            kind: Which OTLP signal the requests carry.
            token: Names exactly these requests: the same again changes nothing.
            bodies: The requests.

        Returns:
            The requests that the database cannot take.

        Raises:
            WorthwhileError: Nothing can be said about what was stored; the same call may be repeated.
        """
        frames = b"".join(part for body in bodies for part in delimited(body))
        with self._writing:
            return self._sink.insert_protobuf(kind, frames, token, is_suspect=True) if frames else ()

    def flush(self, timeout_seconds: float) -> bool:
        """Waits until everything accepted before is in the database; False if that took longer than the time given."""
        deadline = time.perf_counter() + timeout_seconds
        with contextlib.suppress(SpoolError):
            self._spool.seal()
        waiting = {segment.path for segment in self._spool.sealed()}
        self._wanted.set()
        with self._changed:
            while waiting & {segment.path for segment in self._spool.sealed()}:
                left = deadline - time.perf_counter()
                if left <= 0 or not self._thread.is_alive():
                    return False
                self._changed.wait(min(left, 1.0))
        return True

    def stop(self, timeout_seconds: float) -> bool:
        """Stores what it can in the time given, then ends. What is left stays in the spool for the next start."""
        is_flushed = self.flush(timeout_seconds)
        self._stopping.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join()
        with contextlib.suppress(SpoolError):
            self._spool.seal()
        return is_flushed

    def counts(self) -> dict[str, object]:
        """The writer's counters and what waits for it."""
        waiting = self._spool.sealed()
        return {
            **asdict(self._counts),
            "waiting_segments": len(waiting),
            "waiting_bytes": self._spool.size_bytes(),
            "quarantined": self._quarantine.kept,
            "quarantine_dropped": self._quarantine.dropped,
        }

    def _run(self) -> None:
        delay, not_before = FIRST_DELAY_SECONDS, 0.0
        while not self._stopping.is_set():
            segment = self._next()
            if segment is None or time.perf_counter() < not_before:
                self._pause(TICK_SECONDS)
            elif self._store(segment):
                delay = FIRST_DELAY_SECONDS
            else:
                not_before = time.perf_counter() + delay
                delay = min(delay * 2, LAST_DELAY_SECONDS)

    def _next(self) -> Segment | None:
        """The segment to store next: the oldest of those that failed least. Seals an open one only when none waits."""
        with contextlib.suppress(SpoolError, OSError):
            self._spool.sync()
            if not self._spool.sealed():
                self._spool.seal(min_age_ns=max(self._segment_ns, self._rest_ns))
        return min(self._spool.sealed(), key=lambda segment: self._tries.get(segment.path.name, 0), default=None)

    def _pause(self, seconds: float) -> None:
        self._wanted.wait(seconds)
        self._wanted.clear()

    def _store(self, segment: Segment) -> bool:
        """Stores one segment and lets the spool forget it. After a failure the same token will be tried again."""
        try:
            self._insert(segment)
            self._spool.remove(segment)
        except Exception as err:  # noqa: BLE001 - the only writer must outlive whatever a database client raises
            self._counts.failed += 1
            self._counts.last_error = str(err) or type(err).__name__
            name = segment.path.name
            self._tries[name] = self._tries.get(name, 0) + 1
            if isinstance(err, QueryFailed) and err.fault == "unknown":
                self._unexplained[name] = self._unexplained.get(name, 0) + 1
            return False
        self._tries.pop(segment.path.name, None)
        self._unexplained.pop(segment.path.name, None)
        with self._changed:
            self._changed.notify_all()
        return True

    def _insert(self, segment: Segment) -> None:
        contents = self._spool.read(segment)
        frames = b"".join(contents.payloads)
        is_suspect = self._unexplained.get(segment.path.name, 0) >= UNEXPLAINED_TRIES
        with self._writing:
            began = time.perf_counter_ns()
            rejections = (
                self._sink.insert_protobuf(segment.kind, frames, segment.token, is_suspect=is_suspect) if frames else ()
            )
            took_ns = time.perf_counter_ns() - began
        self._rest_ns = min(took_ns * REST_AFTER_INSERT, int(LONGEST_REST_SECONDS * 1e9))
        for part in contents.damaged:
            reason = "the checksum in the spool is wrong"
            self._quarantine.keep(part, kind=segment.kind, token=segment.token, what="bytes", reason=reason)
        for rejection in rejections:
            self._quarantine.keep(
                rejection.body, kind=segment.kind, token=segment.token, what="request", reason=rejection.reason
            )
        counts = self._counts
        counts.segments += 1
        counts.requests += len(contents.payloads) - len(rejections)
        counts.bytes += segment.size_bytes
        counts.rejected += len(rejections)
        counts.damaged += len(contents.damaged)
        counts.torn_bytes += contents.torn_bytes
        counts.last_insert_ns = time.time_ns()
