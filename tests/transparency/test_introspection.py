"""What a program can find out about its own functions is the same after decoration."""

import abc
import asyncio
import contextlib
import dis
import doctest
import functools
import inspect
import pydoc
import typing
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, overload

import pytest
from tests.transparency.kinds import bare, drive, watched

import worthwhile as ww
from worthwhile.testing import Captured


def plain(a: int, /, b: "str" = "x", *args: float, c: bool = False, **kwargs: Any) -> list[int]:
    """Do nothing in particular.

    >>> 1 + 1
    2
    """
    return [a]


async def coroutine(a: int, b: str = "x") -> int:
    """Wait for nothing."""
    return a


def generator(a: int) -> Iterator[int]:
    """Count."""
    yield a


async def async_generator(a: int) -> AsyncIterator[int]:
    """Count slowly."""
    yield a


def undocumented(a):  # type: ignore[no-untyped-def]
    return a


def with_attributes(a: int) -> int:
    """Bear attributes, as frameworks' markers do."""
    return a


with_attributes.route = "/a"  # type: ignore[attr-defined]
with_attributes.__signature__ = inspect.signature(lambda other: None)  # type: ignore[attr-defined]

FUNCTIONS = [plain, coroutine, generator, async_generator, undocumented, with_attributes, lambda a: a]
PREDICATES = [
    inspect.isfunction,
    inspect.isroutine,
    inspect.ismethod,
    inspect.isbuiltin,
    inspect.isclass,
    inspect.iscoroutinefunction,
    inspect.isgeneratorfunction,
    inspect.isasyncgenfunction,
    inspect.ismethoddescriptor,
    inspect.isdatadescriptor,
    inspect.isabstract,
    asyncio.iscoroutinefunction,
    callable,
]

every_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)


@every_function
def test_every_predicate_says_the_same(function: Callable[..., Any]) -> None:
    decorated = watched(function)
    assert {each.__name__: each(decorated) for each in PREDICATES} == {
        each.__name__: each(function) for each in PREDICATES
    }


@every_function
@pytest.mark.parametrize(
    "name", ["__name__", "__qualname__", "__module__", "__doc__", "__annotations__", "__type_params__", "__class__"]
)
def test_every_attribute_says_the_same(function: Callable[..., Any], name: str) -> None:
    assert getattr(watched(function), name, None) == getattr(function, name, None)


@every_function
def test_signatures_and_hints_are_the_same(function: Callable[..., Any]) -> None:
    decorated = watched(function)
    assert inspect.signature(decorated) == inspect.signature(function)
    assert typing.get_type_hints(decorated) == typing.get_type_hints(function)
    assert inspect.getdoc(decorated) == inspect.getdoc(function)
    assert inspect.getcomments(inspect.unwrap(decorated)) == inspect.getcomments(function)


@every_function
def test_the_original_is_behind_it_untouched(function: Callable[..., Any]) -> None:
    before = dict(vars(function))
    decorated = watched(function)
    assert decorated.__wrapped__ is function
    assert inspect.unwrap(decorated) is function
    assert vars(function) == before
    assert {key: value for key, value in vars(decorated).items() if key != "__wrapped__"} == before


@every_function
def test_source_and_module_are_those_of_the_original(function: Callable[..., Any]) -> None:
    decorated = watched(function)
    assert inspect.getsource(decorated) == inspect.getsource(function)
    assert inspect.getmodule(decorated) is inspect.getmodule(function)


def test_help_and_doctests_are_found() -> None:
    decorated = watched(plain)
    assert pydoc.render_doc(decorated) == pydoc.render_doc(plain)
    (found,) = doctest.DocTestFinder(recurse=False).find(decorated, "plain", globs={})
    assert len(found.examples) == 1


def test_decorating_twice_keeps_it_all(captured: Captured) -> None:
    decorated = watched(watched(plain))
    assert inspect.signature(decorated) == inspect.signature(plain)
    assert inspect.unwrap(decorated) is plain
    assert decorated(1) == [1]


def test_it_is_a_function_of_its_own(captured: Captured) -> None:
    first, second = watched(plain), watched(plain)
    assert first != second
    assert len({first, second, plain}) == 3
    assert {first: 1}[first] == 1
    assert dis.code_info(first)


@pytest.mark.parametrize(
    "make",
    [
        functools.lru_cache,
        functools.cache,
        functools.singledispatch,
        staticmethod,
        classmethod,
        contextlib.contextmanager,
        functools.partial,
        functools.wraps(plain),
        abc.abstractmethod,
    ],
    ids=lambda make: getattr(make, "__name__", "wraps"),
)
def test_other_decorators_may_stand_over_it(make: Callable[..., Any], captured: Captured) -> None:
    without, within = make(bare(generator)), make(watched(generator))
    assert type(without) is type(within)
    assert getattr(without, "__isabstractmethod__", False) == getattr(within, "__isabstractmethod__", False)
    assert getattr(without, "__doc__", None) == getattr(within, "__doc__", None)


def test_a_cached_function_may_stand_under_it(captured: Captured) -> None:
    runs: list[int] = []

    @ww.task
    @functools.lru_cache
    def square(a: int) -> int:
        runs.append(a)
        return a * a

    assert [square(2), square(2)] == [4, 4]
    assert runs == [2]
    assert square.cache_info().hits == 1
    square.cache_clear()
    assert list(inspect.signature(square).parameters) == ["a"]


def test_a_dispatching_function_keeps_its_register(captured: Captured) -> None:
    @functools.singledispatch
    @ww.task("dispatch")
    def name(value: object) -> str:
        return "object"

    @name.register
    def _(value: int) -> str:
        return "int"

    assert (name("a"), name(1)) == ("object", "int")


def test_a_context_manager_made_of_it_works(captured: Captured) -> None:
    steps: list[str] = []

    @contextlib.contextmanager
    @ww.task("opened")
    def opened() -> Iterator[int]:
        steps.append("in")
        try:
            yield 1
        finally:
            steps.append("out")

    with opened() as value:
        assert value == 1
        assert steps == ["in"]
    with pytest.raises(KeyError), opened():
        raise KeyError
    assert steps == ["in", "out", "in", "out"]


def test_an_async_context_manager_made_of_it_works(captured: Captured) -> None:
    @contextlib.asynccontextmanager
    @ww.task("opened")
    async def opened() -> AsyncIterator[int]:
        yield 1

    async def main() -> int:
        async with opened() as value:
            return value
        return 0

    assert drive(main()) == 1


def test_overloads_are_still_registered(captured: Captured) -> None:
    @overload
    def both(a: int) -> int: ...
    @overload
    def both(a: str) -> str: ...
    @ww.task
    def both(a: Any) -> Any:
        return a

    assert len(typing.get_overloads(both)) == 2 or len(typing.get_overloads(inspect.unwrap(both))) == 2
    assert both(1) == 1


def test_a_builtin_without_a_signature_may_be_decorated(captured: Captured) -> None:
    for function in (max, str.upper, dict.get, print):
        decorated = watched(function)
        assert decorated.__name__ == function.__name__
    assert watched(max)(1, 2) == 2
    assert watched(str.upper)("a") == "A"


def test_wrong_arguments_are_told_off_by_the_function_itself(captured: Captured) -> None:
    messages: list[str] = []
    for decorate in (bare, watched):
        with pytest.raises(TypeError) as raised:
            decorate(plain)()
        messages.append(str(raised.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize(
    "thing", [7, "name-with-nothing", object(), [], ww], ids=["int", "str", "object", "list", "module"]
)
def test_decorating_what_cannot_be_called_breaks_no_program(thing: Any, production: None) -> None:
    if not isinstance(thing, str):
        result = ww.task("t")(thing)
        assert result is thing or result.__wrapped__ is thing
