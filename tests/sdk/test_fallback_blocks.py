"""`with ww.fallback() as chain:` around legs that the host tries itself, and `with ww.route(...)`."""

import asyncio
from collections.abc import Generator
from contextlib import suppress
from typing import Any

import pytest

import worthwhile as ww
from worthwhile._errors import MisuseError
from worthwhile._invocation import CallRequest, start
from worthwhile.testing import Captured

pytestmark = pytest.mark.usefixtures("captured")

SMALL, LARGE, HUGE = "small-model", "large-model", "huge-model"


def call(model: str, error: Exception | None = None, server: str | None = None) -> str:
    invocation = start(CallRequest("chat", "openai", model, server))
    if error is not None:
        invocation.fail(error)
        raise error
    invocation.finish(None)
    return model


def marks(captured: Captured) -> list[Any]:
    """(model, from, reason, index) of each call, by its end."""
    names = ("gen_ai.request.model", *(f"worthwhile.fallback.{name}" for name in ("from", "reason", "index")))
    return [tuple(each.attributes.get(name) for name in names) for each in captured.calls]


def tiers(captured: Captured) -> list[Any]:
    return [each.attributes.get("worthwhile.route.tier") for each in captured.calls]


def test_a_leg_that_raises_and_the_next(captured: Captured) -> None:
    with ww.fallback() as chain:
        try:
            with chain.leg(tier="edge"):
                call(SMALL, TimeoutError())
        except TimeoutError:
            with chain.leg(tier="gateway"):
                call(LARGE)
    assert marks(captured) == [(SMALL, None, None, None), (LARGE, SMALL, "TimeoutError", 1)]
    assert tiers(captured) == ["edge", "gateway"]
    assert captured.calls[1].attributes["worthwhile.fallback.from_tier"] == "edge"


def test_a_leg_that_answers_and_still_the_next(captured: Captured) -> None:
    with ww.fallback() as chain:
        with chain.leg():
            call(SMALL)
        with chain.leg() as leg:
            call(LARGE)
            leg.reject("too short")
        with chain.leg() as leg:
            call(HUGE)
        leg.reject("off topic")
        with chain.leg("rules"):
            pass
        with chain.leg():
            call(SMALL)
    assert [mark[1:] for mark in marks(captured)] == [
        *((None, None, None), (SMALL, "rejected", 1), (LARGE, "too short", 2), ("rules", "rejected", 4))
    ]
    kinds = [each.attributes.get("worthwhile.fallback.kind") for each in captured.calls]
    assert kinds == [None, "quality", "quality", "quality"]


def test_the_first_reason_counts(captured: Captured) -> None:
    with ww.fallback() as chain:
        with suppress(KeyError), chain.leg() as leg:
            call(SMALL)
            leg.reject("vague")
            raise KeyError
        with chain.leg():
            call(LARGE)
    assert marks(captured)[1] == (LARGE, SMALL, "vague", 1)


def test_what_a_block_raises_goes_on_its_way_and_the_step_goes_on(captured: Captured) -> None:
    error = TimeoutError()
    with ww.task("t"):
        with pytest.raises(TimeoutError) as raised, ww.fallback() as chain, chain.leg():
            call(SMALL, error)
        assert raised.value is error
        call(LARGE)
    assert marks(captured)[1] == (LARGE, SMALL, "TimeoutError", 1)


async def test_blocks_of_coroutines(captured: Captured) -> None:
    async with ww.fallback() as chain:
        with suppress(TimeoutError):
            async with chain.leg():
                await asyncio.sleep(0)
                call(SMALL, TimeoutError())
        async with chain.leg():
            await asyncio.sleep(0)
            call(LARGE)
    assert marks(captured)[1] == (LARGE, SMALL, "TimeoutError", 1)


def test_nothing_of_a_block_is_left_behind(captured: Captured) -> None:
    with ww.fallback() as chain, chain.leg(tier="edge"):
        call(SMALL)
    call(LARGE)
    assert "worthwhile.fallback.chain" in captured.calls[0].attributes
    assert "worthwhile.fallback.chain" not in captured.calls[1].attributes
    assert tiers(captured) == ["edge", "frontier"]


def test_a_leg_outside_its_block_is_misuse(captured: Captured) -> None:
    with pytest.raises(MisuseError):
        ww.fallback().leg()


def test_a_leg_outside_its_block_is_a_block_all_the_same(captured: Captured, as_in_production: None) -> None:
    with ww.fallback().leg() as leg:
        call(SMALL)
        leg.reject()
    assert "worthwhile.fallback.chain" not in captured.calls[0].attributes


def test_a_route_sets_the_tier_of_the_calls_in_it(captured: Captured) -> None:
    with ww.route("edge"):
        call(SMALL)
        with ww.route("gateway"):
            call(SMALL)
        call(SMALL)
    call(SMALL)
    assert tiers(captured) == ["edge", "gateway", "edge", "frontier"]


def test_a_route_may_be_used_again_and_in_itself(captured: Captured) -> None:
    edge = ww.route("edge")
    with edge, edge:
        call(SMALL)
    with edge:
        call(SMALL)
    call(SMALL)
    assert tiers(captured) == ["edge", "edge", "frontier"]


async def test_one_route_in_concurrent_coroutines(captured: Captured) -> None:
    edge = ww.route("edge")

    async def run(number: int) -> None:
        async with edge:
            await asyncio.sleep(0.001 * (number % 3))
            call(f"in-{number}")
        call(f"out-{number}")

    await asyncio.gather(*(run(number) for number in range(9)))
    names = [str(each.attributes["gen_ai.request.model"]) for each in captured.calls]
    found = {(name.partition("-")[0], tier) for name, tier in zip(names, tiers(captured), strict=True)}
    assert found == {("in", "edge"), ("out", "frontier")}


def test_a_route_around_a_fallback_and_within_one(captured: Captured) -> None:
    with ww.route("local"):
        ww.fallback([lambda: call(SMALL, KeyError()), ww.Leg(lambda: call(LARGE), tier="frontier")])()
    with ww.fallback() as chain:
        with suppress(KeyError), chain.leg():
            call(SMALL, KeyError())
        with chain.leg(), ww.route("edge"):
            call(LARGE)
    assert tiers(captured) == ["local", "frontier", "frontier", "edge"]
    assert marks(captured)[3] == (LARGE, SMALL, "KeyError", 1)


def test_a_route_around_a_failure_keeps_what_is_known(captured: Captured) -> None:
    with ww.task("t"):
        with ww.route("edge"), suppress(TimeoutError):
            call(SMALL, TimeoutError())
        with ww.route("cloud"):
            call(LARGE)
        call(SMALL)
    assert marks(captured) == [(SMALL, None, None, None), (LARGE, SMALL, "TimeoutError", 1), (SMALL, None, None, None)]
    assert captured.calls[1].attributes["worthwhile.fallback.from_tier"] == "edge"


def test_an_unknown_tier_is_misuse(captured: Captured, as_in_production: None) -> None:
    with ww.route("moon"):  # type: ignore[arg-type]
        call(SMALL)
    assert tiers(captured) == ["frontier"]


def test_a_generator_closed_elsewhere_leaves_that_context_alone(captured: Captured) -> None:
    import contextvars

    def run() -> Generator[int, None, None]:
        with ww.route("edge"):
            yield 1

    generator = run()
    contextvars.copy_context().run(next, generator)
    with ww.route("cloud"):
        generator.close()
        call(SMALL)
    assert tiers(captured) == ["cloud"]
