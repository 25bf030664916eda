"""`ww.cached`: what is answered again, and what never is kept."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Generator, Mapping
from types import MappingProxyType
from typing import Any

import pytest

import worthwhile as ww
from worthwhile._call import CallResponse
from worthwhile._errors import MisuseError
from worthwhile._invocation import CallRequest, start

pytestmark = pytest.mark.usefixtures("captured")

MODEL = "gpt-4o"
USAGE = ww.Usage(input_tokens=1000, output_tokens=100)


def call(text: str = "", model: str = MODEL, usage: ww.Usage | None = USAGE, server: str | None = None) -> str:
    start(CallRequest("chat", "openai", model, server)).finish(CallResponse(model=model, usage=usage))
    return f"about {text}"


# What is answered again


def test_the_same_question_is_asked_once() -> None:
    asked: list[Any] = []

    @ww.cached
    def answer(text: str, *, tone: str = "kind") -> object:
        asked.append((text, tone))
        return object()

    first = answer("a")
    assert answer("a") is answer(text="a") is answer("a", tone="kind") is first
    assert answer("b") is not first
    assert answer("a", tone="terse") is not first
    assert asked == [("a", "kind"), ("b", "kind"), ("a", "terse")]


async def test_coroutine_functions() -> None:
    asked: list[str] = []

    @ww.cached
    async def answer(text: str) -> list[str]:
        await asyncio.sleep(0)
        asked.append(text)
        return [text]

    assert inspect.iscoroutinefunction(answer)
    assert await answer("a") is await answer("a")
    assert asked == ["a"]


def test_what_is_decorated_keeps_its_face() -> None:
    def answer(text: str, count: int = 1) -> str:
        """Doc."""
        return text * count

    cached = ww.cached(ttl_s=5)(answer)
    assert (cached.__name__, cached.__doc__, inspect.signature(cached)) == (
        *("answer", "Doc.", inspect.signature(answer)),
    )


def test_none_is_an_answer() -> None:
    asked: list[int] = []

    @ww.cached
    def answer() -> None:
        asked.append(1)

    answer()
    answer()
    assert asked == [1]


def test_messages_are_a_question() -> None:
    asked: list[Any] = []

    @ww.cached
    def answer(messages: list[Mapping[str, Any]], **more: Any) -> int:
        asked.append(messages)
        return len(asked)

    one = [{"role": "user", "content": [{"type": "text", "text": "hi"}], "n": 1}]
    same = [MappingProxyType({"n": 1, "content": [{"text": "hi", "type": "text"}], "role": "user"})]
    assert answer(one, temperature=0.5, stop=None) == answer(same, stop=None, temperature=0.5) == 1
    assert answer([{**one[0], "n": True}]) == 2
    assert answer([{**one[0], "n": 1.0}]) == 3
    assert answer([{**one[0], "n": "1"}]) == 4


def test_two_functions_do_not_share_answers_in_one_store() -> None:
    store = ww.MemoryCache()

    @ww.cached(store=store)
    def first(text: str) -> str:
        return f"first {text}"

    @ww.cached(store=store)
    def second(text: str) -> str:
        return f"second {text}"

    assert (first("a"), second("a"), first("a"), len(store)) == ("first a", "second a", "first a", 2)


def test_a_key_may_be_an_argument_or_made_of_them() -> None:
    asked: list[Any] = []
    store = ww.MemoryCache()

    @ww.cached(key="question", store=store)
    def one(client: object, question: str) -> int:
        asked.append(question)
        return len(asked)

    @ww.cached(key=lambda arguments: (arguments["question"].lower(), arguments["model"]))
    def two(question: str, model: str = "m") -> int:
        asked.append(question)
        return len(asked)

    assert one(object(), "a") == one(object(), "a") == 1
    assert store.get(f"{__name__}.{one.__qualname__}:a") is not None, "text goes to the store as it is"
    assert two("A") == two("a") == 2
    assert two("a", "other") == 3


# What is never kept


def test_exceptions_are_not_kept() -> None:
    errors = [KeyError("a"), KeyError("b")]

    @ww.cached
    def answer() -> None:
        raise errors.pop(0)

    for expected in ("'a'", "'b'"):
        with pytest.raises(KeyError, match=expected):
            answer()


def a_generator() -> Generator[int, None, None]:
    yield 1


async def an_async_generator() -> AsyncGenerator[int, None]:
    yield 1


@pytest.mark.parametrize("function", [a_generator, an_async_generator])
def test_generator_functions_are_misuse_at_decoration(function: Any) -> None:
    with pytest.raises(MisuseError, match="generator function"):
        ww.cached(function)


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("function", [a_generator, an_async_generator])
def test_in_production_generator_functions_stay_as_they_are(function: Any) -> None:
    assert ww.cached(function) is function


@pytest.mark.usefixtures("as_in_production")
def test_what_can_be_read_only_once_is_not_kept() -> None:
    async def later() -> int:
        return 1

    for make in (lambda: iter([1]), lambda: (each for each in [1]), later):
        cached = ww.cached(lambda make=make: make())
        one, other = cached(), cached()
        assert one is not other
        for each in (one, other):
            if inspect.iscoroutine(each):
                each.close()
