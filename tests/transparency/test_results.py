"""What a host's code gets in and gives back is what it would be without us, down to the object."""

import decimal
import math
from collections.abc import Callable
from typing import Any

import pytest
from tests.transparency.evil import EVIL, Evil, TouchedError
from tests.transparency.kinds import KINDS, Kind, bare, drive, judged, outcome, suspend, watched

import worthwhile as ww
from worthwhile.testing import Captured

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
decorations = pytest.mark.parametrize("decorate", [watched, judged], ids=lambda decorate: decorate.__name__)


@every_kind
@decorations
def test_the_result_is_the_same_object(kind: Kind, decorate: Any, captured: Captured) -> None:
    result = object()
    for each in (bare, decorate):
        assert outcome(kind.make(lambda: result, each)).value is result
    assert len(captured.tasks) >= 1


@every_kind
@decorations
@pytest.mark.parametrize("evil", EVIL, ids=lambda make: make.__name__)
def test_a_result_that_bites_whoever_touches_it_is_not_touched(
    kind: Kind, decorate: Any, evil: Callable[[], Any], captured: Captured
) -> None:
    result = evil()
    got = outcome(kind.make(lambda: result, decorate))
    assert got.error is None
    is_same = got.value is result  # pytest would touch what it is to show
    assert is_same
    assert len(captured.tasks) >= 1


@every_kind
@decorations
@pytest.mark.parametrize("evil", EVIL, ids=lambda make: make.__name__)
def test_an_argument_that_bites_whoever_touches_it_is_not_touched(
    kind: Kind, decorate: Any, evil: Callable[[], Any], captured: Captured
) -> None:
    first, second = evil(), evil()
    seen: list[Any] = []

    def body(*args: Any, **kwargs: Any) -> None:
        seen.extend([*args, *kwargs.values()])

    assert outcome(kind.make(body, decorate), first, named=second).error is None
    is_same = seen[0] is first and seen[1] is second
    assert is_same
    assert len(captured.tasks) >= 1


@every_kind
@pytest.mark.parametrize(
    "result",
    [None, False, 0, -0.0, "", b"", (), math.nan, NotImplemented, Ellipsis, decimal.Decimal("NaN"), "\ud800", [[]]],
    ids=repr,
)
def test_what_is_falsy_or_odd_stays_so(kind: Kind, result: Any, captured: Captured) -> None:
    assert outcome(kind.make(lambda: result, watched)).value is result


@every_kind
@pytest.mark.parametrize("result", [ValueError("a value"), KeyboardInterrupt(), StopIteration(7)], ids=repr)
def test_an_exception_that_is_returned_is_a_result(kind: Kind, result: Any, captured: Captured) -> None:
    assert outcome(kind.make(lambda: result, watched)).value is result
    assert {task.attributes["worthwhile.task.status"] for task in captured.tasks} == {"completed"}


@every_kind
def test_arguments_arrive_as_they_were_given(kind: Kind, captured: Captured) -> None:
    seen: list[Any] = []

    def body(*args: Any, **kwargs: Any) -> None:
        seen.append((args, kwargs))

    positional, named = [1], {"a": 2}
    for decorate in (bare, watched, judged):
        kind.make(body, decorate)(positional, *(3, 4), key="k", self_=None, args=5, kwargs=6, **named)
    assert seen[0] == seen[1] == seen[2]
    assert all(args[0] is positional for args, _ in seen)


@every_kind
def test_what_the_body_adds_to_its_keywords_stays_with_it(kind: Kind, captured: Captured) -> None:
    given = {"a": 1}

    def body(**kwargs: Any) -> None:
        kwargs["b"] = 2

    kind.make(body, watched)(**given)
    assert given == {"a": 1}


def test_mutable_defaults_are_shared_as_ever(captured: Captured) -> None:
    @ww.task
    def collect(item: int, into: list[int] = []) -> list[int]:  # noqa: B006 - that is the point
        into.append(item)
        return into

    assert collect(1) is collect(2)
    assert collect(3) == [1, 2, 3]


def test_a_result_that_is_a_generator_is_handed_over_unstarted(captured: Captured) -> None:
    steps: list[int] = []

    def numbers() -> Any:
        steps.append(1)
        yield 1

    made = numbers()
    assert ww.task("t")(lambda: made)() is made
    assert steps == []


def test_a_result_that_is_an_awaitable_of_the_hosts_own_is_handed_over(captured: Captured) -> None:
    class Later:
        def __await__(self) -> Any:
            yield
            return 7

    later = Later()
    assert ww.task("t")(lambda: later)() is later
    assert drive(later) == 7


def test_a_coroutine_handed_out_by_a_plain_function_still_runs_once(captured: Captured) -> None:
    runs: list[int] = []

    async def work() -> int:
        await suspend()
        runs.append(1)
        return 7

    def hand_out() -> Any:
        return work()

    assert drive(ww.task("t")(hand_out)()) == 7
    assert runs == [1]


def test_a_verdict_that_touches_an_evil_result_costs_the_verdict_only(production: None) -> None:
    from worthwhile import testing

    result = Evil()
    with testing.capture() as captured:
        assert ww.task("t", success=bool)(lambda: result)() is result
    assert captured.signals == []
    assert captured.tasks[0].attributes["worthwhile.task.status"] == "completed"


def test_a_key_that_touches_an_evil_argument_costs_the_key_only(production: None) -> None:
    from worthwhile import testing

    key = Evil()
    with testing.capture() as captured:
        assert ww.task("t", key="ticket")(lambda ticket: ticket)(key) is key
        assert "worthwhile.task.key" not in captured.tasks[0].attributes
        with ww.task("b", key=key):
            pass
    assert len(captured.tasks) == 2


@pytest.mark.parametrize("evil", EVIL, ids=lambda make: make.__name__)
def test_the_evil_objects_are_evil(evil: Callable[[], Any]) -> None:
    with pytest.raises(TouchedError):
        evil.touch(evil())  # type: ignore[attr-defined]
