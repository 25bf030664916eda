"""`@ww.task` on async generator functions: as generators, and on good terms with the event loop's clean-up."""

import asyncio
import contextlib
import contextvars
import gc
import inspect
import types
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest
from opentelemetry import trace

import worthwhile as ww
from worthwhile.testing import Captured


@ww.task("stream", key="ticket")
async def words(ticket: str, count: int = 3) -> AsyncIterator[str]:
    for number in range(count):
        await asyncio.sleep(0)
        run = ww.current_task()
        assert run is not None
        assert run.key == ticket
        yield f"{ticket}-{number}"


def statuses(captured: Captured) -> list[object]:
    return [task.attributes["worthwhile.task.status"] for task in captured.tasks]


async def test_it_stays_an_async_generator_function(captured: Captured) -> None:
    assert inspect.isasyncgenfunction(words)
    generator = words("T")
    assert isinstance(generator, types.AsyncGeneratorType)
    await generator.aclose()
    assert captured.spans == []


async def test_a_whole_iteration_is_one_run_that_never_leaks(captured: Captured) -> None:
    got = []
    async for word in words("T"):
        got.append(word)
        assert ww.current_task() is None
        assert trace.get_current_span() is trace.INVALID_SPAN
    assert got == ["T-0", "T-1", "T-2"]
    assert statuses(captured) == ["completed"]


async def test_hundred_interleaved_streams_keep_apart(captured: Captured) -> None:
    async def consume(ticket: str) -> list[str]:
        return [word async for word in words(ticket)]

    got = await asyncio.gather(*(consume(str(n)) for n in range(100)))
    assert got == [[f"{n}-{word}" for word in range(3)] for n in range(100)]
    assert statuses(captured) == ["completed"] * 100
    assert all(task.parent_id is None for task in captured.tasks)


async def test_each_step_may_run_in_a_task_of_its_own(captured: Captured) -> None:
    generator = words("T")
    got = [await asyncio.wait_for(anext(generator), 5) for _ in range(3)]  # a task per step on Python 3.11
    assert got == ["T-0", "T-1", "T-2"]
    assert [word async for word in generator] == []
    assert statuses(captured) == ["completed"]


async def test_closing_half_way_is_abandoned_and_cleans_up_in_its_task(captured: Captured) -> None:
    cleaned: list[Any] = []

    @ww.task("t")
    async def body() -> AsyncGenerator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            cleaned.append(ww.current_task())

    generator = body()
    assert await anext(generator) == 1
    await generator.aclose()
    await generator.aclose()
    assert [task.workload for task in cleaned] == ["t"]
    assert statuses(captured) == ["abandoned"]
    assert ww.current_task() is None


async def test_dropping_half_way_is_abandoned(captured: Captured) -> None:
    generator = words("T")
    await anext(generator)
    del generator
    gc.collect()
    for _ in range(5):
        await asyncio.sleep(0)
    assert statuses(captured) == ["abandoned"]


def test_the_loops_end_closes_an_open_stream_quietly(captured: Captured) -> None:
    problems: list[object] = []
    cleaned: list[Any] = []
    kept = []

    @ww.task("t")
    async def body() -> AsyncGenerator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0.001)
            await asyncio.sleep(0.001)
            cleaned.append(ww.current_task())

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, details: problems.append(details))
        for _ in range(5):
            generator = body()
            kept.append(generator)
            await anext(generator)

    asyncio.run(main())
    assert problems == []
    assert [task.workload for task in cleaned] == ["t"] * 5
    assert statuses(captured) == ["abandoned"] * 5


def test_a_stream_that_outlives_its_loop_still_ends_its_run(captured: Captured) -> None:
    @ww.task("t")
    async def body() -> AsyncGenerator[int]:
        yield 1

    loop = asyncio.new_event_loop()
    generator = body()
    loop.run_until_complete(anext(generator))
    loop.close()
    del generator
    gc.collect()
    assert statuses(captured) == ["abandoned"]


async def test_cancelling_the_consumer_cancels_the_run(captured: Captured) -> None:
    @ww.task("t")
    async def body() -> AsyncGenerator[int]:
        yield 1
        await asyncio.Event().wait()
        yield 2

    async def consume() -> None:
        async for _ in body():
            pass

    running = asyncio.create_task(consume())
    for _ in range(3):
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert statuses(captured) == ["cancelled"]


def test_a_step_closed_in_another_context_leaves_that_context_alone(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    class Forever:
        def __await__(self) -> Any:
            yield

    @ww.task("inside")
    async def body() -> AsyncIterator[int]:
        await Forever()
        yield 1

    async def consume() -> None:
        async for _ in body():
            pass

    consumer = consume()
    contextvars.copy_context().run(consumer.send, None)
    with ww.task("outside") as outside:
        consumer.close()
        assert ww.current_task() is outside
    assert [task.name[16:] for task in captured.tasks] == ["inside", "outside"]
    assert statuses(captured) == ["abandoned", "completed"]
    assert caplog.records == []


async def talk() -> AsyncGenerator[object, object]:
    heard: list[object] = []
    while len(heard) < 3:
        try:
            heard.append((yield len(heard)))
        except KeyError as error:
            heard.append(error)
    yield repr(heard)


async def converse(generator: AsyncGenerator[object, object]) -> list[object]:
    log = [
        await anext(generator),
        await generator.asend("a"),
        await generator.athrow(KeyError("k")),
        await generator.asend("b"),
    ]
    with pytest.raises(StopAsyncIteration):
        await anext(generator)
    return log


async def test_asend_and_athrow_pass_through(captured: Captured) -> None:
    assert await converse(ww.task("t")(talk)()) == await converse(talk())
    assert statuses(captured) == ["completed"]


async def test_an_exception_of_the_body_keeps_its_identity(captured: Captured) -> None:
    error = ValueError("secret")

    @ww.task("t")
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise error

    generator = broken()
    await anext(generator)
    with pytest.raises(ValueError, match="secret") as caught:
        await anext(generator)
    assert caught.value is error
    assert error.__context__ is None
    assert statuses(captured) == ["failed"]


async def test_an_exception_thrown_in_comes_out_as_it_is(captured: Captured) -> None:
    error = LookupError()
    generator = ww.task("t")(talk)()
    await anext(generator)
    with pytest.raises(LookupError) as caught:
        await generator.athrow(error)
    assert caught.value is error
    assert statuses(captured) == ["failed"]


async def test_it_serves_as_an_async_context_manager(captured: Captured) -> None:
    @contextlib.asynccontextmanager
    @ww.task("t")
    async def block() -> AsyncIterator[int]:
        yield 5

    async with block() as value:
        assert value == 5
        assert ww.current_task() is None
    with pytest.raises(KeyError):
        async with block():
            raise KeyError
    assert statuses(captured) == ["completed", "failed"]
