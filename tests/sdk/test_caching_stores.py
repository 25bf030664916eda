"""Where `ww.cached` keeps its answers: in memory, elsewhere, and what happens where a store fails."""

import asyncio
import pickle
import threading
from decimal import Decimal
from typing import Any

import pytest

import worthwhile as ww
from worthwhile import _clock
from worthwhile._call import CallResponse
from worthwhile._invocation import CallRequest, start
from worthwhile.caching import CacheKind
from worthwhile.testing import Captured

pytestmark = pytest.mark.usefixtures("captured")

MODEL = "gpt-4o"
USAGE = ww.Usage(input_tokens=1000, output_tokens=100)
COST = Decimal("0.0035")
"""Of `USAGE` at `MODEL`: 1,000 x 2.50 and 100 x 10 dollars a million."""


def call(text: str = "", model: str = MODEL, usage: ww.Usage | None = USAGE, server: str | None = None) -> str:
    start(CallRequest("chat", "openai", model, server)).finish(CallResponse(model=model, usage=usage))
    return f"about {text}"


def hits(captured: Captured) -> list[Any]:
    return [each.attributes for each in captured.calls if "worthwhile.cache.kind" in each.attributes]


class Broken:
    """A store whose server is away."""

    kind: CacheKind = "exact"

    def __init__(self, *, gets: bool, sets: bool) -> None:
        self.gets, self.sets = gets, sets

    def get(self, key: str, /) -> None:
        if not self.gets:
            raise ConnectionError

    def set(self, key: str, entry: ww.CacheEntry, ttl_s: float | None, /) -> None:
        if not self.sets:
            raise ConnectionError


@pytest.mark.parametrize(("gets", "sets"), [(False, False), (True, False), (False, True)])
async def test_a_broken_store_is_an_empty_one(gets: bool, sets: bool, caplog: pytest.LogCaptureFixture) -> None:
    store = Broken(gets=gets, sets=sets)
    asked: list[int] = []

    @ww.cached(store=store)
    def answer() -> str:
        asked.append(1)
        return "a"

    @ww.cached(store=store)
    async def answer_async() -> str:
        asked.append(1)
        return "a"

    from worthwhile import _guard

    _guard._seen.clear()
    assert (answer(), answer(), await answer_async(), await answer_async(), len(asked)) == (*("a",) * 4, 4)
    assert all("ConnectionError" in each.message for each in caplog.records)
    assert len(caplog.records) == 2 * (2 - gets - sets)


def test_a_store_that_returns_something_else_has_nothing() -> None:
    class Odd(Broken):
        def get(self, key: str, /) -> Any:
            return "not an entry"

    assert ww.cached(store=Odd(gets=True, sets=True))(lambda: "a")() == "a"


async def test_coroutine_functions_may_have_stores_to_await(captured: Captured) -> None:
    class Remote:
        """Pickles, as a store on another machine has to."""

        kind: CacheKind = "semantic"

        def __init__(self) -> None:
            self.kept: dict[str, bytes] = {}
            self.ttl_s: float | None = None

        async def get(self, key: str, /) -> ww.CacheEntry | None:
            await asyncio.sleep(0)
            return pickle.loads(self.kept[key]) if key in self.kept else None

        async def set(self, key: str, entry: ww.CacheEntry, ttl_s: float | None, /) -> None:
            self.kept[key], self.ttl_s = pickle.dumps(entry), ttl_s

    store = Remote()

    @ww.cached(store=store, ttl_s=60)
    async def answer(text: str) -> list[str]:
        return [call(text)]

    first = await answer("a")
    second = await answer("a")
    assert first == second
    assert first is not second
    assert store.ttl_s == 60
    (hit,) = hits(captured)
    assert hit["worthwhile.cache.kind"] == "semantic"
    assert hit["worthwhile.cost.cache_saving"] == pytest.approx(float(COST))


async def test_a_store_to_await_that_fails() -> None:
    class Failing(Broken):
        async def get(self, key: str, /) -> None:  # type: ignore[override]
            raise ConnectionError

        async def set(self, key: str, entry: ww.CacheEntry, ttl_s: float | None, /) -> None:  # type: ignore[override]
            raise ConnectionError

    @ww.cached(store=Failing(gets=True, sets=True))
    async def answer() -> str:
        return "a"

    assert await answer() == "a"


def test_memory_is_bounded_and_drops_what_was_used_longest_ago() -> None:
    store = ww.MemoryCache(2)
    for key in ("a", "b"):
        store.set(key, ww.CacheEntry(key), None)
    store.get("a")
    store.set("c", ww.CacheEntry("c"), None)
    assert [key for key in "abc" if store.get(key) is not None] == ["a", "c"]
    assert len(store) == 2
    store.clear()
    assert len(store) == 0
    with pytest.raises(ValueError, match="at least 1"):
        ww.MemoryCache(0)


def test_answers_in_memory_end_with_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0]
    monkeypatch.setattr(_clock, "perf_ns", lambda: now[0])
    store = ww.MemoryCache()
    store.set("a", ww.CacheEntry(1), 2.5)
    store.set("b", ww.CacheEntry(2), None)
    now[0] = 2_499_999_999
    assert store.get("a") is not None
    now[0] = 2_500_000_000
    assert store.get("a") is None
    assert len(store) == 1
    now[0] = 10**18
    assert store.get("b") == ww.CacheEntry(2)


def test_memory_in_many_threads() -> None:
    store = ww.MemoryCache(50)

    def use(seed: int) -> None:
        for number in range(2000):
            key = str((number * seed) % 120)
            found = store.get(key)
            assert found is None or found.value == key
            store.set(key, ww.CacheEntry(key), None if number % 3 else 1e-9)

    threads = [threading.Thread(target=use, args=(seed,)) for seed in (1, 7, 11, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store) <= 50
