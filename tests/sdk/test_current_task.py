"""`current_task()` and its running totals."""

import gc
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

import worthwhile as ww
from worthwhile import Usage, _context
from worthwhile._context import Totals
from worthwhile._invocation import CallRequest, CallResponse, start
from worthwhile.testing import Captured


def call(model: str = "gpt-4o-mini", base_url: str | None = None, **response: Any) -> None:
    start(CallRequest("chat", "openai", model, base_url)).finish(CallResponse(model=model, **response))


def test_outside_every_task_there_is_none() -> None:
    assert ww.current_task() is None


def test_totals_of_a_task_without_calls_are_unknown_not_zero(captured: Captured) -> None:
    with ww.task("t") as t:
        assert (t.calls, t.cost_usd, t.usage) == (0, None, Usage())


def test_tokens_and_cost_run_along(captured: Captured) -> None:
    with ww.task("t") as t:
        call(usage=Usage(input_tokens=1_000_000, output_tokens=100_000, cache_read_tokens=400_000))
        # 600,000 x 0.15 + 400,000 x 0.075 + 100,000 x 0.60 USD per million
        assert t.cost_usd == Decimal("0.18")
        call(usage=Usage(input_tokens=0, output_tokens=1_000_000, reasoning_tokens=7))
        assert t.cost_usd == Decimal("0.78")
        assert t.usage == Usage(1_000_000, 1_100_000, cache_read_tokens=400_000, reasoning_tokens=7)
        assert t.calls == 2


def test_a_call_without_price_adds_tokens_and_no_cost(captured: Captured) -> None:
    with ww.task("t") as t:
        call(model="nobody/knows-1", usage=Usage(10, 1))
        assert (t.calls, t.usage, t.cost_usd) == (1, Usage(10, 1), None)
        call(usage=Usage(1_000_000, 0))
        assert t.cost_usd == Decimal("0.15")


def test_a_free_call_costs_zero_which_is_known(captured: Captured) -> None:
    with ww.task("t") as t:
        call(usage=Usage(10, 1), reported_cost_usd="0")
        assert t.cost_usd == 0


def test_enclosing_tasks_count_the_calls_of_nested_ones(captured: Captured) -> None:
    with ww.task("outer") as outer:
        call(usage=Usage(1, 1))
        with ww.task("inner") as inner:
            call(usage=Usage(10, 10))
        assert (inner.usage.input_tokens, outer.usage.input_tokens) == (10, 11)
        assert (inner.calls, outer.calls) == (1, 2)


def test_the_handle_keeps_its_totals_after_the_end(captured: Captured) -> None:
    with ww.task("t") as t:
        call(usage=Usage(5, 5))
    assert t.usage == Usage(5, 5)


def test_every_kind_of_token_is_added(captured: Captured) -> None:
    usage = Usage(*range(100, 109))
    with ww.task("t") as t:
        call(usage=usage)
        call(usage=None)
        call(usage=usage)
        assert t.usage == Usage(*range(200, 218, 2))


def test_adding_from_many_threads_loses_nothing() -> None:
    totals = Totals()
    stop = threading.Event()
    calls_seen: list[int] = []

    def add() -> None:
        for _ in range(2000):
            totals.add(Usage(1, 2), 3)

    def read() -> None:
        while not stop.is_set():
            calls_seen.append(totals.read().calls)

    reader = threading.Thread(target=read)
    adders = [threading.Thread(target=add) for _ in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in (reader, *adders):
            thread.start()
        for thread in adders:
            thread.join()
        stop.set()
        reader.join()
    finally:
        sys.setswitchinterval(interval)
    total = totals.read()
    assert (total.calls, total.priced, total.cost, total.tokens[:2]) == (16_000, 16_000, 48_000, (16_000, 32_000))
    assert calls_seen == sorted(calls_seen), "a reader never sees the total go back"


class Disturbed:
    """A call of which something interrupts the reckoning, as a destructor or a signal handler does."""

    def __init__(self, interrupt: Callable[[], object]) -> None:
        self.interrupt: Callable[[], object] | None = interrupt

    def counted(self) -> tuple[Usage | None, int | None]:
        interrupt, self.interrupt = self.interrupt, None
        if interrupt is not None:
            interrupt()
        return Usage(1, 2), 3


def test_a_destructor_may_read_and_count_while_the_sum_is_made() -> None:
    totals = Totals()
    seen: list[int] = []

    class Dropped:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            for _ in range(100):
                totals.add(Usage(1, 2), 3)
            seen.append(totals.read().calls)

    def collect() -> None:
        Dropped()
        gc.collect()

    totals.add(Usage(1, 2), 3)
    totals.count(Disturbed(collect))
    totals.add(Usage(1, 2), 3)
    reader = threading.Thread(target=lambda: seen.append(totals.read().calls), daemon=True)
    reader.start()
    reader.join(30)
    assert not reader.is_alive(), "it waits for itself"
    assert seen == [103, 103]
    assert totals.read() == (103, 103, 309, Usage(103, 206))


def test_a_child_forked_while_another_thread_made_the_sum_may_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_context, "_FOLD_S", 0.05)
    totals = Totals()
    begun, may_end = threading.Event(), threading.Event()
    totals.add(Usage(1, 2), 3)
    totals.count(Disturbed(lambda: (begun.set(), may_end.wait(60))))
    folder = threading.Thread(target=totals.read)
    folder.start()
    assert begun.wait(30)
    found = totals.read()  # as good as in a child: the thread that folds does not go on
    may_end.set()
    folder.join()
    assert found == totals.read() == (2, 2, 6, Usage(2, 4))


def test_many_calls_take_no_more_room_than_few() -> None:
    totals = Totals()
    for _ in range(10_000):
        totals.add(None, None)
    assert len(totals._entries) <= 65
    assert totals.read().calls == 10_000


@pytest.mark.parametrize("verb", ["accept", "reject", "edit", "escalate", "score", "fail", "void"])
def test_the_handle_takes_every_signal(captured: Captured, verb: str) -> None:
    with ww.task("t", key="K") as t:
        pass
    signal_id = getattr(t, verb)(actor="me")
    (signal,) = captured.signals
    assert signal.attributes["worthwhile.signal.id"] == signal_id
    assert signal.attributes["worthwhile.signal.kind"] == verb
    assert signal.attributes["worthwhile.task.id"] == t.id
    assert signal.attributes["worthwhile.task.key"] == "K"
    assert signal.attributes["worthwhile.workload"] == "t"
