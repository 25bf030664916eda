"""A watched async generator answers every request as the bare one does: anext, asend, athrow, aclose, being dropped."""

import asyncio
import gc
import inspect
import sys
import warnings
import weakref
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from tests.transparency.kinds import bare, frames_of, suspend, watched

import worthwhile as ww
from worthwhile.testing import Captured

Step = tuple[str, Any]


class HostError(Exception):
    """An exception of the host."""


async def counting(log: list[Any]) -> AsyncGenerator[Any, Any]:
    try:
        log.append((yield "first"))
        await suspend()
        log.append((yield "second"))
    finally:
        log.append("finally")


async def stubborn(log: list[Any]) -> AsyncGenerator[Any, Any]:
    while True:
        try:
            log.append((yield len(log)))
        except HostError as error:
            await suspend()
            log.append(type(error))


async def converting(log: list[Any]) -> AsyncGenerator[Any, Any]:
    try:
        yield 1
    except HostError as error:
        raise KeyError("converted") from error


async def ending_on_error(log: list[Any]) -> AsyncGenerator[Any, Any]:
    try:
        yield 1
    except HostError:
        return


async def failing_at_once(log: list[Any]) -> AsyncGenerator[Any, Any]:
    raise HostError("before the first value")
    yield


async def failing_later(log: list[Any]) -> AsyncGenerator[Any, Any]:
    yield 1
    raise HostError("after the first value")


async def stopping(log: list[Any]) -> AsyncGenerator[Any, Any]:
    yield 1
    raise StopAsyncIteration("not allowed")


async def closing_calmly(log: list[Any]) -> AsyncGenerator[Any, Any]:
    try:
        yield 1
    except GeneratorExit:
        log.append("closed")


async def closing_slowly(log: list[Any]) -> AsyncGenerator[Any, Any]:
    try:
        yield 1
    finally:
        await suspend()
        log.append("slowly")


async def closing_loudly(log: list[Any]) -> AsyncGenerator[Any, Any]:
    try:
        yield 1
    finally:
        raise HostError("in the finally")


async def refusing_to_close(log: list[Any]) -> AsyncGenerator[Any, Any]:
    try:
        yield 1
    except GeneratorExit:
        yield 2


async def delegating(log: list[Any]) -> AsyncGenerator[Any, Any]:
    async for value in counting(log):
        yield value


async def empty(log: list[Any]) -> AsyncGenerator[Any, Any]:
    return
    yield


BODIES = [
    counting,
    stubborn,
    converting,
    ending_on_error,
    failing_at_once,
    failing_later,
    stopping,
    closing_calmly,
    closing_slowly,
    closing_loudly,
    refusing_to_close,
    delegating,
    empty,
]

NEXT: Step = ("anext", None)
CLOSE: Step = ("aclose", None)

SCRIPTS: dict[str, list[Step]] = {
    "to the end": [NEXT] * 4,
    "sent to": [NEXT, ("asend", "a"), ("asend", "b"), ("asend", "c")],
    "sent to at once": [("asend", "too early"), NEXT],
    "closed before": [CLOSE, NEXT],
    "closed half way": [NEXT, CLOSE, NEXT],
    "closed twice": [NEXT, CLOSE, CLOSE],
    "closed after the end": [NEXT, NEXT, NEXT, NEXT, CLOSE],
    "thrown into": [NEXT, ("athrow", HostError), NEXT],
    "thrown an instance": [NEXT, ("athrow", lambda: HostError("mine")), NEXT, CLOSE],
    "thrown into before": [("athrow", HostError), NEXT],
    "cancelled": [NEXT, ("athrow", asyncio.CancelledError), NEXT],
    "thrown a stop": [NEXT, ("athrow", lambda: StopAsyncIteration("mine"))],
    "thrown an exit": [NEXT, ("athrow", GeneratorExit), NEXT],
    "thrown after the end": [NEXT, NEXT, NEXT, NEXT, ("athrow", HostError)],
}


async def transcript(make: Callable[..., Any], steps: list[Step]) -> list[Any]:
    """What each step brought, and what the body saw."""
    log: list[Any] = []
    generator = make(log)
    told: list[Any] = []
    is_new = True
    for name, given in steps:
        value = given() if inspect.isfunction(given) else given
        try:
            step = anext(generator) if name == "anext" else getattr(generator, name)(*([value] * (name != "aclose")))
            told.append(("value", await step))
        except BaseException as error:
            chain = (type(error.__cause__), type(error.__context__), error.__suppress_context__)
            told.append(("error", type(error), str(error), error is value, chain))
            told.append(None if is_new and name != "anext" else frames_of(error))
        is_new = False
    return [told, log]


def run(coroutine: Any) -> Any:
    """Run a coroutine whose `suspend` is awaited outside of an event loop; no hooks of a loop are in force."""
    steps = coroutine.__await__()
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        return stop.value


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
@pytest.mark.parametrize("script", SCRIPTS)
def test_every_request_is_answered_as_by_the_bare_one(
    body: Callable[..., Any], script: str, captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def whole(decorate: Any) -> list[Any]:
        complaints: list[Any] = []
        monkeypatch.setattr(sys, "unraisablehook", lambda args: complaints.append(args.exc_type))
        told = run(transcript(decorate(body), SCRIPTS[script]))
        gc.collect(0)
        return [*told, complaints]

    assert whole(watched) == whole(bare)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
@pytest.mark.parametrize("script", SCRIPTS)
async def test_in_an_event_loop_as_well(body: Callable[..., Any], script: str, captured: Captured) -> None:
    steps = SCRIPTS[script]
    assert await transcript(watched(body), steps) == await transcript(bare(body), steps)


def test_it_is_an_async_generator_with_its_attributes(captured: Captured) -> None:
    generator = watched(counting)([])
    assert type(generator) is type(counting([]))
    assert inspect.isasyncgen(generator)
    assert (generator.__name__, generator.__qualname__) == ("counting", "counting")
    assert aiter(generator) is generator
    assert generator.ag_running is False
    run(anext(generator))
    assert generator.ag_frame is not None
    run(generator.aclose())
    assert generator.ag_frame is None


async def test_each_value_is_made_when_it_is_asked_for(captured: Captured) -> None:
    made: list[int] = []

    @ww.task
    async def numbers() -> Any:
        for number in range(3):
            made.append(number)
            yield number

    assert [(value, len(made)) async for value in numbers()] == [(0, 1), (1, 2), (2, 3)]


def test_one_never_started_warns_nobody_and_leaves_nothing(captured: Captured) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        generator = watched(counting)([])
        watcher = weakref.ref(generator)
        del generator
        gc.collect()
    assert watcher() is None
    assert warned == []
    assert captured.tasks == []


@pytest.mark.parametrize("way", ["to the end", "closed", "dropped", "left open"])
def test_the_loop_is_told_of_one_generator_and_closes_it(way: str, captured: Captured) -> None:
    """Hooks of the event loop see the host's generator begin and end as often as without us."""

    def hooked(decorate: Any) -> list[Any]:
        told: list[Any] = []

        async def main() -> None:
            before = sys.get_asyncgen_hooks()
            sys.set_asyncgen_hooks(
                firstiter=lambda generator: told.append("begun"),
                finalizer=lambda generator: told.append("dropped"),
            )
            try:
                generator = decorate(counting)([])
                await anext(generator)
                if way == "to the end":
                    assert [value async for value in generator] == ["second"]
                elif way == "closed":
                    await generator.aclose()
                elif way == "dropped":
                    del generator
                    gc.collect()
            finally:
                sys.set_asyncgen_hooks(*before)

        run(main())
        gc.collect()
        return told

    assert hooked(watched) == hooked(bare)


async def test_a_cancelled_consumer_is_cancelled(captured: Captured) -> None:
    log: list[Any] = []

    async def consume(decorate: Any) -> str:
        @decorate
        async def waiting() -> Any:
            try:
                yield 1
                await asyncio.Event().wait()
            finally:
                log.append("finally")

        async def read() -> None:
            async for _ in waiting():
                pass

        task = asyncio.ensure_future(read())
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel("by the host")
        try:
            await task
        except asyncio.CancelledError as error:
            return f"{error.args} {task.cancelled()}"
        return "not cancelled"

    assert await consume(watched) == await consume(bare) == "('by the host',) True"
    assert log == ["finally"] * 2


async def test_two_consumers_at_once_are_told_off_alike(captured: Captured) -> None:
    async def both(decorate: Any) -> list[str]:
        @decorate
        async def slow() -> Any:
            await asyncio.sleep(0)
            yield 1

        generator = slow()
        results = await asyncio.gather(anext(generator), anext(generator), return_exceptions=True)
        return [str(result) for result in results]

    assert await both(watched) == await both(bare)


async def test_values_in_and_out_are_not_kept_alive(captured: Captured) -> None:
    class Value:
        pass

    async def passing() -> Any:
        while True:
            yield Value()

    for decorate in (bare, watched):
        generator = decorate(passing)()
        first = weakref.ref(await anext(generator))
        sent = Value()
        watcher = weakref.ref(sent)
        await generator.asend(sent)
        del sent
        assert (first(), watcher()) == (None, None), decorate.__name__
        await generator.aclose()
