"""What `ww.cached` tells answers apart by."""

from collections.abc import Mapping
from typing import Any

import pytest

import worthwhile as ww
from worthwhile import _cache_keys
from worthwhile._errors import MisuseError

pytestmark = pytest.mark.usefixtures("captured")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *((1, "1"), (1, True), (1, 1.0), (None, "None"), (b"a", "a"), (b"'a'", "a"), ([1], (1,)), ("", [])),
        *((["a", "b"], ["ab"]), (["a", ["b"]], [["a"], "b"]), ([[], []], [[[]]]), ({"a": 1}, {"a": 2})),
        *(({"a": 1}, [["a", 1]]), ({"a": None}, {}), ({1}, {2}), ({"1": 0}, {1: 0}), (0.0, -0.0), ("\ud800", "\ud801")),
    ],
)
def test_different_values_have_different_keys(one: object, other: object) -> None:
    assert _cache_keys.text_of("f", [one]) != _cache_keys.text_of("f", [other])


def test_what_holds_itself_has_no_key() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(_cache_keys.Unkeyable):
        _cache_keys.text_of("f", circle)


def test_equal_values_have_equal_keys_in_every_process(run_program: Any) -> None:
    value = "{'b': [1, 2.5, None], 'a': {'x', 'y', 'z'}, 'c': ('d', b'e', True)}"
    program = f"from worthwhile._cache_keys import text_of; print(text_of('f', {value}))"
    keys = {run_program(program, PYTHONHASHSEED=seed).stdout for seed in ("0", "1", "2")}
    assert len(keys) == 1
    assert keys != {""}


@pytest.mark.parametrize("is_nested", [True, False])
def test_arguments_that_say_nothing_are_misuse_and_not_cached(is_nested: bool) -> None:
    class Client:
        """Anything."""

    @ww.cached
    def answer(client: Any) -> int:
        return 1

    with pytest.raises(MisuseError, match="Client"):
        answer([Client()] if is_nested else Client())


@pytest.mark.usefixtures("as_in_production")
def test_in_production_such_calls_are_made_as_ever() -> None:
    class Evil:
        @property
        def __class__(self) -> Any:  # type: ignore[override]
            raise RuntimeError

    asked: list[Any] = []
    circle: list[Any] = []
    circle.append(circle)

    @ww.cached
    def answer(value: Any) -> None:
        asked.append(1)

    for value in (object(), Evil(), circle, open, [{"a": object()}]):
        answer(value)
        answer(value)
    assert len(asked) == 10


@pytest.mark.usefixtures("as_in_production")
def test_a_key_that_raises_or_is_not_there_costs_the_cache_only() -> None:
    def broken(arguments: Mapping[str, Any]) -> object:
        raise RuntimeError

    for key in (broken, "nonsense"):
        asked: list[int] = []

        @ww.cached(key=key)
        def answer(text: str, asked: list[int] = asked) -> str:
            asked.append(1)
            return text

        assert (answer("a"), answer("a"), len(asked)) == ("a", "a", 2)


def test_a_wrong_call_fails_as_ever() -> None:
    @ww.cached
    def answer(text: str) -> str:
        return text

    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        answer()  # type: ignore[call-arg]
