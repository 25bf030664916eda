"""`@ww.task` on coroutine functions: the task follows the awaits of its own coroutine and no other."""

import asyncio
import contextvars
import gc
import inspect
import threading
from typing import TYPE_CHECKING, Any

import pytest

import worthwhile as ww
from worthwhile.testing import Captured

if TYPE_CHECKING:
    from collections.abc import Coroutine


@ww.task("reply", key="ticket")
async def reply(ticket: str, *, gate: asyncio.Event | None = None) -> str | None:
    before = ww.current_task()
    if gate is not None:
        await gate.wait()
    else:
        await asyncio.sleep(0)
    assert ww.current_task() is before
    return before.key if before else None


def statuses(captured: Captured) -> list[object]:
    return [task.attributes["worthwhile.task.status"] for task in captured.tasks]


def test_it_stays_a_coroutine_function() -> None:
    assert inspect.iscoroutinefunction(reply)
    coroutine = reply("T-1")
    assert inspect.iscoroutine(coroutine)
    assert coroutine.__qualname__ == "reply"
    coroutine.close()


async def test_one_await_is_one_run(captured: Captured) -> None:
    assert await reply("T-1") == "T-1"
    assert ww.current_task() is None
    assert statuses(captured) == ["completed"]
    assert captured.tasks[0].attributes["worthwhile.task.key"] == "T-1"


def test_a_coroutine_never_awaited_is_no_run(captured: Captured) -> None:
    reply("T-1").close()
    assert captured.spans == []


async def test_thousand_concurrent_runs_keep_apart(captured: Captured) -> None:
    gate = asyncio.Event()
    runs = [asyncio.create_task(reply(str(n), gate=gate)) for n in range(1000)]
    await asyncio.sleep(0)
    gate.set()
    assert await asyncio.gather(*runs) == [str(n) for n in range(1000)]
    assert {task.attributes["worthwhile.task.key"] for task in captured.tasks} == {str(n) for n in range(1000)}
    assert all(task.parent_id is None for task in captured.tasks)


async def test_children_of_a_task_group_belong_to_it(captured: Captured) -> None:
    @ww.task("outer")
    async def outer() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(reply("a"))
            group.create_task(reply("b"))

    await outer()
    outer_run = captured.tasks[-1]
    assert [task.parent_id for task in captured.tasks[:2]] == [outer_run.span_id] * 2


async def test_cancellation_is_neither_success_nor_failure(captured: Captured) -> None:
    running = asyncio.create_task(reply("T-1", gate=asyncio.Event()))
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert statuses(captured) == ["cancelled"]
    assert captured.tasks[0].status == "UNSET"


async def test_a_timeout_of_the_host_cancels_its_task(captured: Captured) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await reply("T-1", gate=asyncio.Event())
    assert statuses(captured) == ["cancelled"]


async def test_an_exception_keeps_its_identity(captured: Captured) -> None:
    error = ValueError("secret")

    @ww.task("t")
    async def broken() -> None:
        await asyncio.sleep(0)
        raise error

    with pytest.raises(ValueError, match="secret") as caught:
        await broken()
    assert caught.value is error
    assert captured.tasks[0].attributes["error.type"] == "ValueError"
    assert ww.current_task() is None


async def test_success_judges_the_awaited_result(captured: Captured) -> None:
    @ww.task("t", success=lambda result: result == 3)
    async def work() -> int:
        return 3

    await work()
    assert captured.signals[0].attributes["worthwhile.signal.kind"] == "accept"


def test_a_coroutine_dropped_in_the_middle_is_abandoned(captured: Captured) -> None:
    @ww.task("t")
    async def work() -> None:
        await Forever()

    coroutine: Coroutine[Any, Any, None] = work()
    coroutine.send(None)
    # It was driven by hand in this very context, so its task is current here until it is let go.
    assert ww.current_task() is not None
    coroutine.close()
    assert statuses(captured) == ["abandoned"]
    assert ww.current_task() is None


def test_a_coroutine_closed_in_another_context_leaves_that_context_alone(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    @ww.task("t")
    async def work() -> None:
        await Forever()

    coroutine: Coroutine[Any, Any, None] = work()
    contextvars.copy_context().run(coroutine.send, None)
    assert ww.current_task() is None

    def collect() -> None:
        nonlocal coroutine
        with ww.task("other") as other:
            coroutine.close()
            assert ww.current_task() is other

    thread = threading.Thread(target=collect)
    thread.start()
    thread.join()
    assert [(task.name, task.attributes["worthwhile.task.status"]) for task in captured.tasks] == [
        ("invoke_workflow t", "abandoned"),
        ("invoke_workflow other", "completed"),
    ]
    assert caplog.records == []


def test_a_loop_that_closes_over_a_running_task_ends_it(captured: Captured) -> None:
    async def main() -> None:
        running = asyncio.create_task(reply("T-1", gate=asyncio.Event()))
        await asyncio.sleep(0)
        del running

    asyncio.run(main())
    gc.collect()
    assert statuses(captured) == ["cancelled"]


class Forever:
    def __await__(self) -> Any:
        yield


async def test_the_hosts_own_context_variables_are_its_own(captured: Captured) -> None:
    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)

    @ww.task("t")
    async def work() -> None:
        variable.set(5)

    await work()
    assert variable.get() == 5
