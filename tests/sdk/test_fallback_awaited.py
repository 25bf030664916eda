"""`ww.fallback` around coroutine functions: what plain functions have, and concurrency, cancellation and closing."""

import asyncio
import functools
import inspect
from collections.abc import Callable
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


def marks(captured: Captured) -> list[Any]:
    """(model, from, reason, kind, index) of each call, by its end."""
    names = ("gen_ai.request.model", *(f"worthwhile.fallback.{name}" for name in ("from", "reason", "kind", "index")))
    return [tuple(each.attributes.get(name) for name in names) for each in captured.calls]


def chains(captured: Captured) -> list[Any]:
    return [each.attributes.get("worthwhile.fallback.chain") for each in captured.calls]


FIRST = (SMALL, None, None, None, None)


def async_leg(model: str, error: BaseException | None = None) -> Callable[..., Any]:
    async def run(*_: Any) -> str:
        await asyncio.sleep(0)
        return call(model, error)

    return run


async def test_coroutine_functions(captured: Captured) -> None:
    answer = ww.fallback([async_leg(SMALL, TimeoutError()), async_leg(LARGE)])
    pending = answer("prompt")
    assert inspect.iscoroutine(pending)
    assert captured.calls == [], "nothing runs before it is awaited"
    assert await pending == LARGE
    assert marks(captured) == [FIRST, (LARGE, SMALL, "TimeoutError", "timeout", 1)]


async def test_plain_functions_that_hand_out_coroutines(captured: Captured) -> None:
    def handing_out(model: str, error: Exception | None = None) -> Callable[[], Any]:
        run = async_leg(model, error)

        def hand_out() -> Any:
            return run()

        return hand_out

    pending = ww.fallback([handing_out(SMALL, TimeoutError()), handing_out(LARGE)])()
    assert inspect.iscoroutine(pending)
    assert await pending == LARGE
    assert marks(captured) == [FIRST, (LARGE, SMALL, "TimeoutError", "timeout", 1)]


async def test_a_call_after_a_chain_of_coroutines_that_failed_continues_the_step(captured: Captured) -> None:
    def hand_out() -> Any:
        return async_leg(LARGE, KeyError())()

    for answer in (
        ww.fallback([async_leg(SMALL, TimeoutError()), async_leg(LARGE, KeyError())]),
        ww.fallback([hand_out]),
    ):
        with ww.task("t"):
            with pytest.raises(KeyError):
                await answer()
            call(HUGE)
    found = [mark for mark in marks(captured) if mark[0] == HUGE]
    assert found == [(HUGE, LARGE, "KeyError", "error", 2), (HUGE, LARGE, "KeyError", "error", 1)]


async def test_a_coroutine_closed_elsewhere_leaves_that_context_alone(captured: Captured) -> None:
    import contextvars

    async def hang() -> str:
        await asyncio.sleep(60)
        return "never"

    pending = ww.fallback([hang, async_leg(LARGE)])()
    contextvars.copy_context().run(pending.send, None)
    with ww.route("cloud"):
        pending.close()
        call(HUGE)
    assert captured.calls[0].attributes["worthwhile.route.tier"] == "cloud"


async def test_the_last_error_of_coroutines_and_its_context() -> None:
    errors = [KeyError("a"), ParseError("b")]
    with pytest.raises(ParseError) as raised:
        await ww.fallback([async_leg(SMALL, errors[0]), async_leg(LARGE, errors[1])])()
    assert raised.value is errors[1]
    assert raised.value.__context__ is errors[0]


async def test_judges_of_coroutines_may_be_either(captured: Captured) -> None:
    async def judge(text: str) -> str:
        await asyncio.sleep(0)
        return "vague"

    assert await ww.fallback([async_leg(SMALL), async_leg(LARGE)], when=judge)() == LARGE
    assert await ww.fallback([async_leg(SMALL), async_leg(LARGE)], when=lambda text: True)() == LARGE
    assert [mark[2] for mark in marks(captured)] == [None, "vague", None, "rejected"]


async def test_concurrent_chains_do_not_mix(captured: Captured) -> None:
    async def slow(model: str, error: BaseException | None = None) -> str:
        await asyncio.sleep(0.001)
        call(model, error)
        await asyncio.sleep(0.001)
        return model

    async def run(number: int) -> str:
        failing = functools.partial(slow, f"a{number}", KeyError() if number % 2 else None)
        return await ww.fallback([failing, functools.partial(slow, f"b{number}")])()

    with ww.task("t"):
        answers = await asyncio.gather(*(run(number) for number in range(20)))
    assert answers == [f"{'ab'[n % 2]}{n}" for n in range(20)]
    found = {mark[0]: mark[1] for mark in marks(captured)}
    assert found == {f"a{n}": None for n in range(20)} | {f"b{n}": f"a{n}" for n in range(1, 20, 2)}
    assert len(set(chains(captured))) == 20


async def test_cancelling_leaves_the_context_as_it_was(captured: Captured) -> None:
    async def hang() -> str:
        await asyncio.sleep(60)
        return "never"

    pending = asyncio.ensure_future(ww.fallback([hang, async_leg(LARGE)])())
    await asyncio.sleep(0)
    pending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pending
    call(HUGE)
    assert chains(captured) == [None]
