"""`@ww.task` on callables that are no functions: cached functions, partials, instances that can be called."""

import asyncio
import copy
import functools
import inspect
import pickle
import sys
from typing import Any

import pytest

import worthwhile as ww
from worthwhile._errors import MisuseError
from worthwhile.testing import Captured


@ww.task("square")
@functools.lru_cache
def square(a: int) -> int:
    return a * a


def add(a: int, b: int) -> int:
    return a + b


class Desk:
    """An instance that can be called."""

    greeting = "hello"

    async def __call__(self, name: str) -> str:
        return f"{self.greeting} {name}"


def workloads(captured: Captured) -> list[Any]:
    return [task.attributes["worthwhile.workload"] for task in captured.tasks]


def test_a_cached_method_is_bound_as_ever(captured: Captured) -> None:
    class Counter:
        @ww.task("cached")
        @functools.lru_cache  # noqa: B019 - that is what is tested
        def both(self, a: int) -> tuple[Any, int]:
            return (self, a)

    counter = Counter()
    assert counter.both(3) == (counter, 3)
    assert Counter.both.cache_info().misses == 1
    assert workloads(captured) == ["cached"]


def test_a_partial_is_still_one_and_its_key_is_found(captured: Captured) -> None:
    more: Any = ww.task("more", key="a")(functools.partial(add, b=1))
    assert isinstance(more, functools.partial)
    assert (more.func, more.keywords, more(a=2)) == (add, {"b": 1}, 3)
    assert captured.tasks[0].attributes["worthwhile.task.key"] == "2"


def test_an_instance_keeps_its_attributes_and_its_copies_are_watched(captured: Captured) -> None:
    desk: Any = ww.task("desk")(Desk())
    desk.greeting = "good day"
    other = copy.deepcopy(desk)
    other.greeting = "bye"
    assert asyncio.run(desk("you")) == "good day you"
    assert asyncio.run(other("you")) == "bye you"
    assert isinstance(other, Desk)
    assert workloads(captured) == ["desk", "desk"]


def test_a_cached_function_pickles_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or inspect.getmodule(add))
    assert pickle.loads(pickle.dumps(square)) is square
    assert copy.copy(square) is square


def test_a_coroutine_that_is_handed_out_keeps_its_name(captured: Captured) -> None:
    async def work() -> int:
        return 1

    handed: Any = ww.task("t")(lambda: work())()  # noqa: PLW0108 - a plain function that hands out a coroutine
    assert (handed.__name__, handed.__qualname__) == (work.__name__, work.__qualname__)
    assert asyncio.run(handed) == 1


def test_what_cannot_be_called_is_left_alone(as_in_production: None) -> None:
    thing: Any = object()
    assert ww.task("t")(thing) is thing


def test_what_cannot_be_called_is_told_under_pytest() -> None:
    thing: Any = object()
    with pytest.raises(MisuseError, match="`object`, which cannot be called"):
        ww.task("t")(thing)
