"""Where `ww.cached` keeps its answers: what a store has to offer, and the one in memory."""

import threading
from collections import OrderedDict
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias

from worthwhile import _clock

CacheKind: TypeAlias = Literal["exact", "semantic", "gateway"]

DEFAULT_ENTRIES: Final = 1024


class CacheEntry(NamedTuple):
    """An answer in a store, and what it took to make it. It may be pickled if the answer may.

    Attributes:
        value: What the function returned.
        operation: `gen_ai.operation.name` of the model call that gave the answer; `None` if no call was seen.
        provider: Who answered it.
        model: Model that was asked for.
        response_model: Model that answered.
        cost_basis: Basis of that call's cost.
        saved_usd: What all calls behind the answer cost, without what went into filling the provider's prompt cache;
            `None` if the cost of one of them is not known.
    """

    value: Any
    operation: str | None = None
    provider: str | None = None
    model: str | None = None
    response_model: str | None = None
    cost_basis: str | None = None
    saved_usd: Decimal | None = None


class CacheStore(Protocol):
    """Where `ww.cached` keeps its answers. It is called from every thread that calls the function, at any time.

    For coroutine functions, `get` and `set` may be coroutine functions too. What they raise is logged once, and the
    function is called as on a miss.

    Attributes:
        kind: `exact` if an answer is found by its very key, `semantic` if by one that is like it.
    """

    @property
    def kind(self) -> CacheKind:
        """`exact` or `semantic`."""
        ...

    def get(self, key: str, /) -> Any:
        """The `CacheEntry` under `key`, or `None` if there is none or its time is over."""
        ...

    def set(self, key: str, entry: CacheEntry, ttl_s: float | None, /) -> Any:
        """Keep `entry` under `key`, in place of one that is there, for `ttl_s` seconds; `None` is for good."""
        ...


class MemoryCache:
    """Answers in this process's memory: the least recently used of too many goes first. Safe from every thread."""

    __slots__ = ("_entries", "_lock", "_max_entries")

    kind: CacheKind = "exact"

    def __init__(self, max_entries: int = DEFAULT_ENTRIES) -> None:
        """A cache for no more than `max_entries` answers.

        Raises:
            ValueError: `max_entries` is less than 1.
        """
        if max_entries < 1:
            raise ValueError(f"max_entries of a memory cache is `{max_entries}`; expected at least 1")
        self._max_entries = max_entries
        self._entries: OrderedDict[str, tuple[CacheEntry, int | None]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, /) -> CacheEntry | None:
        """The answer under `key`, or `None` if there is none or its time is over."""
        now_ns = _clock.perf_ns()
        with self._lock:
            entry, until_ns = self._entries.get(key, (None, None))
            if until_ns is not None and now_ns >= until_ns:
                del self._entries[key]
                return None
            if entry is not None:
                self._entries.move_to_end(key)
            return entry

    def set(self, key: str, entry: CacheEntry, ttl_s: float | None, /) -> None:
        """Keep `entry` under `key` for `ttl_s` seconds, or for good."""
        until_ns = None if ttl_s is None else _clock.perf_ns() + int(ttl_s * 1_000_000_000)
        with self._lock:
            self._entries[key] = (entry, until_ns)
            self._entries.move_to_end(key)
            while len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)

    def clear(self) -> None:
        """Forget every answer."""
        with self._lock:
            self._entries.clear()

    def __len__(self) -> int:
        """How many answers it holds, those included whose time is over but whom nobody has asked for since."""
        return len(self._entries)
