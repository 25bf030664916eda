"""What was lost, by cause: counted exactly, from any thread, and without a lock where the host's threads count."""

import itertools
import threading
from collections.abc import Mapping
from typing import Final, Literal

Cause = Literal["queue_full", "closed", "encode_error", "quota", "disk", "earlier"]

CAUSES: Final[Mapping[Cause, str]] = {
    "queue_full": "the queue was full, or memory while the receiver was away and there was no spool",
    "closed": "recorded after shutdown",
    "encode_error": "could not be encoded",
    "quota": "the oldest in the spool, dropped when its quota was used up",
    "disk": "the disk took nothing and memory was full, or what was written could not be read",
    "earlier": "left by a process that has ended, and refused by the receiver or dropped for the quota",
}


class Losses:
    """Counts of lost items by cause."""

    __slots__ = ("_counts", "_lock", "_marked")

    def __init__(self) -> None:
        self._counts: dict[Cause, int] = dict.fromkeys(CAUSES, 0)
        self._lock = threading.Lock()
        # Collecting garbage may end a span, and so drop one, while this very thread holds the lock.
        self._marked: dict[Cause, itertools.count[int]] = {}
        self._reset_marks()

    def one(self, cause: Literal["queue_full", "closed"]) -> None:
        """Count one item, without waiting for anybody."""
        next(self._marked[cause])

    def add(self, cause: Cause, items: int) -> None:
        """Count `items`; for our own threads."""
        if items:
            with self._lock:
                self._counts[cause] += items

    def by_cause(self) -> dict[Cause, int]:
        """Every cause with its count."""
        counts = dict(self._counts)
        for cause, mark in self._marked.items():
            counts[cause] += _reached(mark)
        return counts

    def own(self) -> int:
        """Lost items of this process."""
        counts = self.by_cause()
        return sum(counts.values()) - counts["earlier"]

    def reset(self) -> None:
        """Start afresh, as a forked child does."""
        self._counts = dict.fromkeys(CAUSES, 0)
        self._lock = threading.Lock()
        self._reset_marks()

    def _reset_marks(self) -> None:
        self._marked = {"queue_full": itertools.count(), "closed": itertools.count()}


def _reached(mark: "itertools.count[int]") -> int:
    return int(repr(mark)[6:-1])  # reading it in any other way counts
