"""`with ww.task(...)`: a block of code is a run, and its handle is good for signals."""

import asyncio
import contextvars
import gc
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
from opentelemetry import trace

import worthwhile as ww
from worthwhile.testing import Captured, swallowing_errors


def statuses(captured: Captured) -> list[object]:
    return [task.attributes["worthwhile.task.status"] for task in captured.tasks]


def test_a_block_is_a_run_with_a_handle(captured: Captured) -> None:
    with ww.task("reply", key="T-1") as t:
        assert ww.current_task() is t
        assert (t.workload, t.key, len(t.id)) == ("reply", "T-1", 36)
        assert repr(t) == f"<Task 'reply' key='T-1' {t.id}>"
    assert ww.current_task() is None
    attributes = captured.tasks[0].attributes
    assert attributes["worthwhile.task.id"] == t.id
    assert attributes["worthwhile.task.key"] == "T-1"
    assert attributes["worthwhile.task.status"] == "completed"


async def test_an_async_block_is_the_same(captured: Captured) -> None:
    async with ww.task("reply", key="T-1") as t:
        await asyncio.sleep(0)
        assert ww.current_task() is t
    assert ww.current_task() is None
    assert statuses(captured) == ["completed"]


def test_an_exception_of_the_block_goes_on(captured: Captured) -> None:
    error = LookupError()
    with pytest.raises(LookupError) as caught, ww.task("t"):
        raise error
    assert caught.value is error
    assert statuses(captured) == ["failed"]
    assert captured.tasks[0].status == "ERROR"


def test_a_scope_may_be_used_again_and_within_itself(captured: Captured) -> None:
    scope = ww.task("t")
    with scope as first:
        with scope as second:
            assert ww.current_task() is second
        assert ww.current_task() is first
    with scope as third:
        assert third.parent is None
    assert len({first.id, second.id, third.id}) == 3
    assert second.parent is first


def test_a_scope_shared_by_threads_ends_the_right_runs(captured: Captured) -> None:
    scope = ww.task("t")
    barriers = [threading.Barrier(8), threading.Barrier(8)]
    seen: dict[int, tuple[str, bool]] = {}
    after: dict[int, object] = {}

    def work(number: int) -> None:
        with scope as t:
            barriers[0].wait(10)
            seen[number] = (t.id, ww.current_task() is t)
            if number % 2:
                barriers[1].wait(10)
        after[number] = ww.current_task()
        if not number % 2:
            barriers[1].wait(10)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(is_own for _, is_own in seen.values())
    assert set(after.values()) == {None}
    assert {task.attributes["worthwhile.task.id"] for task in captured.tasks} == {run for run, _ in seen.values()}


async def test_a_scope_shared_by_coroutines_ends_the_right_runs(captured: Captured) -> None:
    scope = ww.task("t")

    async def work(number: int) -> None:
        async with scope as t:
            await asyncio.sleep(0.005 * number)
            t.score(value=number)

    await asyncio.gather(*(work(number) for number in range(10)))
    ended = [task.attributes["worthwhile.task.id"] for task in captured.tasks]
    assert ended == [signal.attributes["worthwhile.task.id"] for signal in captured.signals]


def test_an_unnamed_block_is_called_task(captured: Captured) -> None:
    with ww.task():
        pass
    assert captured.tasks[0].attributes["worthwhile.workload"] == "task"


def test_success_and_callable_keys_have_no_meaning_in_a_block(captured: Captured) -> None:
    with pytest.raises(Exception, match="no meaning in a with block"), ww.task("t", success=bool):
        pass
    with swallowing_errors(), ww.task("t", key=lambda arguments: "k") as t:
        assert t.key is None


def test_a_block_left_open_is_abandoned_when_dropped(captured: Captured) -> None:
    def start() -> None:
        ww.task("t").__enter__()

    contextvars.copy_context().run(start)
    gc.collect()
    assert statuses(captured) == ["abandoned"]
    assert ww.current_task() is None


def test_a_block_inside_a_collected_generator_leaves_the_collector_alone(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    def body() -> Iterator[int]:
        with ww.task("inside"):
            yield 1

    generators = [contextvars.copy_context().run(lambda: iter_first(body()))]
    with ww.task("outside") as outside:
        generators.clear()
        gc.collect()
        assert ww.current_task() is outside
    assert [(task.name[16:], task.attributes["worthwhile.task.status"]) for task in captured.tasks] == [
        ("inside", "abandoned"),
        ("outside", "completed"),
    ]
    assert caplog.records == []


def iter_first(generator: Iterator[int]) -> Iterator[int]:
    next(generator)
    return generator


async def test_a_block_inside_an_async_generator_closed_by_the_loop(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> AsyncIterator[int]:
        async with ww.task("inside"):
            yield 1

    async def consume() -> None:
        await anext(body())

    await asyncio.create_task(consume())
    gc.collect()
    for _ in range(5):
        await asyncio.sleep(0)
    assert statuses(captured) == ["abandoned"]
    assert caplog.records == []


def test_the_tasks_span_is_the_current_span(captured: Captured) -> None:
    with ww.task("t"):
        span = trace.get_current_span()
        assert span.is_recording()
    assert f"{span.get_span_context().span_id:016x}" == captured.tasks[0].span_id
    assert not trace.get_current_span().is_recording()
