"""`ww.fallback` around generator functions of either kind: a leg may be left only before its first item."""

import asyncio
import inspect
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest

import worthwhile as ww
from worthwhile._invocation import CallRequest, start
from worthwhile.testing import Captured

pytestmark = pytest.mark.usefixtures("captured")

SMALL, LARGE, HUGE = "small-model", "large-model", "huge-model"


class ParseError(ValueError):
    """What a host raises itself."""


def call(model: str, error: BaseException | None = None, operation: str = "chat") -> str:
    invocation = start(CallRequest(operation, "openai", model))
    if error is not None:
        invocation.fail(error)
        raise error
    invocation.finish(None)
    return model


def leg(model: str, error: BaseException | None = None) -> Callable[..., str]:
    return lambda *_: call(model, error)


def marks(captured: Captured) -> list[Any]:
    """(model, from, reason, kind, index) of each call, by its end."""
    names = ("gen_ai.request.model", *(f"worthwhile.fallback.{name}" for name in ("from", "reason", "kind", "index")))
    return [tuple(each.attributes.get(name) for name in names) for each in captured.calls]


def chains(captured: Captured) -> list[Any]:
    return [each.attributes.get("worthwhile.fallback.chain") for each in captured.calls]


FIRST = (SMALL, None, None, None, None)


def items(model: str, error: BaseException | None = None, after: int = 0) -> Callable[..., Generator[str, str, str]]:
    def run(*_: Any) -> Generator[str, str, str]:
        invocation = start(CallRequest("chat", "openai", model))
        for number in range(3):
            if error is not None and number == after:
                invocation.fail(error)
                raise error
            sent = yield f"{model}{number}"
            if sent:
                yield sent
        call(f"{model}-last")
        invocation.finish(None)
        return "end"

    return run


def test_a_stream_may_be_left_before_its_first_item(captured: Captured) -> None:
    stream = ww.fallback([items(SMALL, TimeoutError()), items(LARGE)])()
    assert inspect.isgenerator(stream)
    assert captured.calls == [], "nothing runs before the first item is asked for"
    assert list(stream) == [f"{LARGE}{n}" for n in range(3)]
    mark = (SMALL, "TimeoutError", "timeout", 1)
    assert marks(captured) == [FIRST, (f"{LARGE}-last", *mark), (LARGE, *mark)]


def test_a_stream_is_not_left_after_its_first_item(captured: Captured) -> None:
    error = TimeoutError()
    stream = ww.fallback([items(SMALL, error, after=1), items(LARGE)])()
    assert next(stream) == f"{SMALL}0"
    with pytest.raises(TimeoutError) as raised:
        next(stream)
    assert raised.value is error
    assert len(captured.calls) == 1


def test_a_stream_takes_what_is_sent_thrown_and_closed() -> None:
    stream = ww.fallback([items(SMALL), items(LARGE)])()
    next(stream)
    assert stream.send("hello") == "hello"
    assert [next(stream), next(stream)] == [f"{SMALL}1", f"{SMALL}2"]
    with pytest.raises(StopIteration) as stop:
        next(stream)
    assert stop.value.value == "end"
    stream = ww.fallback([items(SMALL)])()
    next(stream)
    with pytest.raises(ParseError):
        stream.throw(ParseError())
    stream = ww.fallback([items(SMALL)])()
    next(stream)
    stream.close()
    with pytest.raises(StopIteration):
        next(stream)


def test_a_streams_leg_is_not_current_in_its_consumer(captured: Captured) -> None:
    stream = ww.fallback([items(SMALL, KeyError()), items(LARGE)])()
    next(stream)
    assert sys.exc_info() == (None, None, None)
    call(HUGE)
    assert chains(captured)[1] is None
    list(stream)


def test_a_task_that_a_stream_opens_stays_open_between_its_items(captured: Captured) -> None:
    def run() -> Generator[int, None, None]:
        with ww.task("inside"):
            yield 1
            call(SMALL)
            yield 2

    for _ in ww.fallback([run])():
        assert ww.current_task() is None
    assert captured.calls[0].attributes["worthwhile.workload"] == "inside"


def test_an_empty_stream_is_an_answer(captured: Captured) -> None:
    def empty() -> Generator[int, None, str]:
        return "nothing"
        yield

    stream = ww.fallback([empty, items(LARGE)])()
    with pytest.raises(StopIteration) as stop:
        next(stream)
    assert stop.value.value == "nothing"
    assert captured.calls == []


def async_items(model: str, error: BaseException | None = None) -> Callable[..., AsyncGenerator[str, str]]:
    async def run(*_: Any) -> AsyncGenerator[str, str]:
        await asyncio.sleep(0)
        call(model, error)
        for number in range(3):
            sent = yield f"{model}{number}"
            if sent:
                yield sent
        call(f"{model}-last")

    return run


async def test_async_streams(captured: Captured) -> None:
    stream = ww.fallback([async_items(SMALL, TimeoutError()), async_items(LARGE)])()
    assert inspect.isasyncgen(stream)
    assert [item async for item in stream] == [f"{LARGE}{n}" for n in range(3)]
    mark = (SMALL, "TimeoutError", "timeout", 1)
    assert marks(captured) == [FIRST, (LARGE, *mark), (f"{LARGE}-last", *mark)]


async def test_an_async_stream_takes_what_is_sent_thrown_and_closed() -> None:
    stream = ww.fallback([async_items(SMALL)])()
    await anext(stream)
    assert await stream.asend("hello") == "hello"
    with pytest.raises(ParseError):
        await stream.athrow(ParseError())
    stream = ww.fallback([async_items(SMALL)])()
    await anext(stream)
    await stream.aclose()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_the_last_error_of_async_streams_and_an_empty_one() -> None:
    async def empty() -> AsyncGenerator[int, None]:
        return
        yield

    errors = [KeyError("a"), ParseError("b")]
    with pytest.raises(ParseError) as raised:
        await anext(ww.fallback([async_items(SMALL, errors[0]), async_items(LARGE, errors[1])])())
    assert raised.value.__context__ is errors[0]
    assert [item async for item in ww.fallback([empty, async_items(LARGE)])()] == []
