"""Nothing of the host's is kept alive, no garbage is left behind, and destructors may run in the middle of anything."""

import contextlib
import gc
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.transparency.kinds import KINDS, Kind, bare, judged, watched

import worthwhile as ww
from worthwhile.testing import Captured

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
decorations = pytest.mark.parametrize("decorate", [watched, judged], ids=lambda decorate: decorate.__name__)


class Thing:
    """Something that can be watched as it goes."""


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What is gone without the cycle collector was not part of a cycle. Objects of before are not looked at again."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()


@every_kind
@decorations
def test_the_result_goes_when_its_caller_drops_it(
    kind: Kind, decorate: Any, captured: Captured, no_collector: None
) -> None:
    run = kind.make(Thing, decorate)
    result = run()
    watcher = weakref.ref(result)
    del result
    assert watcher() is None


@every_kind
@decorations
def test_arguments_go_when_their_caller_drops_them(
    kind: Kind, decorate: Any, captured: Captured, no_collector: None
) -> None:
    run = kind.make(lambda *args, **kwargs: None, decorate)
    first, second = Thing(), Thing()
    watchers = [weakref.ref(first), weakref.ref(second)]
    run(first, named=second)
    del first, second
    assert [watcher() for watcher in watchers] == [None, None]


@every_kind
def test_an_argument_has_no_more_references_afterwards(kind: Kind, captured: Captured) -> None:
    thing = Thing()
    before = sys.getrefcount(thing)
    kind.make(lambda *args: None, judged)(thing)
    assert sys.getrefcount(thing) == before


@every_kind
def test_what_the_body_drops_goes_while_it_still_runs(kind: Kind, captured: Captured, no_collector: None) -> None:
    """A body that takes its argument over and drops it frees it, if its caller keeps it no longer either."""

    def make(decorate: Any) -> list[bool]:
        gone: list[bool] = []

        def body(holder: list[Thing]) -> None:
            watcher = weakref.ref(holder.pop())
            gone.append(watcher() is None)

        kind.make(body, decorate)([Thing()])
        return gone

    assert make(watched) == make(bare) == [True]


@every_kind
@decorations
def test_a_run_leaves_no_more_cycles_than_bare(
    kind: Kind, decorate: Any, captured: Captured, no_collector: None
) -> None:
    def garbage(each: Any) -> int:
        run = kind.make(lambda: None, each)
        run()  # the first run may import
        gc.collect()
        for _ in range(20):
            run()
        return gc.collect()

    assert garbage(decorate) <= garbage(bare)


@every_kind
def test_a_failing_run_leaves_no_more_cycles_than_bare(kind: Kind, captured: Captured, no_collector: None) -> None:
    def fail() -> None:
        raise KeyError

    def garbage(each: Any) -> int:
        run = kind.make(fail, each)
        for round_ in range(21):
            with contextlib.suppress(KeyError):
                run()
            if round_ == 0:
                gc.collect()
        return gc.collect()

    assert garbage(watched) <= garbage(bare)


def test_a_thousand_runs_leave_as_many_objects_as_ten(captured: Captured) -> None:
    @ww.task("t", key="a")
    def work(a: int) -> int:
        return a

    def objects_after(count: int) -> int:
        for number in range(count):
            work(number)
        captured.clear()
        gc.collect()
        return len(gc.get_objects())

    objects_after(10)
    few = objects_after(10)
    assert objects_after(1000) - few < 20


def test_a_handle_goes_with_its_block(captured: Captured, no_collector: None) -> None:
    with ww.task("t") as task:
        watcher = weakref.ref(task)
    del task
    assert watcher() is None


def test_the_frame_of_the_host_is_not_kept(captured: Captured, no_collector: None) -> None:
    watchers: list[Any] = []

    def outer() -> None:
        local = Thing()
        watchers.append(weakref.ref(local))
        ww.task("t")(lambda: None)()
        with ww.task("b"):
            pass

    outer()
    assert [watcher() for watcher in watchers] == [None]


def test_a_destructor_may_run_tasks(captured: Captured) -> None:
    results: list[int] = []

    @ww.task("farewell")
    def farewell() -> int:
        return 7

    class Leaving:
        def __del__(self) -> None:
            results.append(farewell())

    leaving: Any = Leaving()
    del leaving
    assert results == [7]
    assert len(captured.tasks) == 1


@pytest.mark.parametrize("kind", KINDS[:4], ids=lambda kind: kind.name)
def test_the_collector_may_run_destructors_with_tasks_in_the_middle_of_anything(kind: Kind, captured: Captured) -> None:
    """With a collection at every allocation, tasks begin and end inside the beginnings and ends of others."""
    ends: list[int] = []
    farewell = ww.task("farewell")(lambda: 7)

    class Leaving:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            with ww.task("block"):
                ends.append(farewell())

    def body() -> int:
        Leaving()
        return 1

    run = kind.make(body, judged)
    before = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        assert [run() for _ in range(30)] == [1] * 30
    finally:
        gc.set_threshold(*before)
    gc.collect()
    assert ends == [7] * 30
    names = [task.attributes["worthwhile.workload"] for task in captured.tasks]
    assert (names.count("work"), names.count("block"), names.count("farewell")) == (30, 30, 30)
    assert ww.current_task() is None


def test_a_finalizer_may_report_signals(captured: Captured) -> None:
    thing = Thing()
    weakref.finalize(thing, lambda: ww.accept("T-1", workload="t"))
    del thing
    assert len(captured.signals) == 1


def test_a_large_result_is_not_copied(captured: Captured) -> None:
    import tracemalloc

    work: Callable[[], bytes] = judged(lambda: bytes(5_000_000))
    work()
    tracemalloc.start()
    try:
        result = work()
        assert tracemalloc.get_traced_memory()[1] < 5_500_000
    finally:
        tracemalloc.stop()
    assert len(result) == 5_000_000
