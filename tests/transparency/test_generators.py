"""A watched generator answers every request as the bare one does: next, send, throw, close, and being left alone."""

import contextlib
import gc
import inspect
import sys
import threading
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from tests.transparency.generator_bodies import (
    BODIES,
    HostError,
    closing_loudly,
    counting,
    delegating,
    refusing_to_close,
)
from tests.transparency.kinds import bare, frames_of, watched

import worthwhile as ww
from worthwhile.testing import Captured

Step = tuple[str, Any]


NEXT: Step = ("next", None)
CLOSE: Step = ("close", None)


def send(value: Any) -> Step:
    return ("send", value)


def throw(error: Any) -> Step:
    return ("throw", error)


SCRIPTS: dict[str, list[Step]] = {
    "to the end": [NEXT] * 4,
    "sent to": [NEXT, send("a"), send("b"), send("c")],
    "sent to at once": [send("too early")],
    "sent None at once": [send(None), send(None)],
    "closed before": [CLOSE, NEXT],
    "closed half way": [NEXT, CLOSE, NEXT],
    "closed twice": [NEXT, CLOSE, CLOSE],
    "closed after the end": [NEXT, NEXT, NEXT, NEXT, CLOSE],
    "thrown into": [NEXT, throw(HostError), NEXT],
    "thrown an instance": [NEXT, throw(lambda: HostError("mine")), NEXT, CLOSE],
    "thrown into before": [throw(HostError), NEXT],
    "thrown a base exception": [NEXT, throw(KeyboardInterrupt)],
    "thrown a stop": [NEXT, throw(lambda: StopIteration("mine"))],
    "thrown an exit": [NEXT, throw(GeneratorExit), NEXT],
    "thrown nonsense": [NEXT, throw(7), NEXT],
    "thrown after the end": [NEXT, NEXT, NEXT, NEXT, throw(HostError)],
}


def transcript(make: Callable[..., Any], steps: list[Step]) -> list[Any]:
    """What each step brought, and what the body saw."""
    log: list[Any] = []
    generator = make(log)
    told: list[Any] = []
    for name, given in steps:
        value = given() if inspect.isfunction(given) else given
        has_frame = inspect.getgeneratorstate(generator) != inspect.GEN_CREATED or name == "next"
        try:
            result = next(generator) if name == "next" else getattr(generator, name)(*([value] * (name != "close")))
            told.append(("value", type(result), result if isinstance(result, (str, int)) else None))
        except BaseException as error:
            same = error is value
            chain = (type(error.__cause__), type(error.__context__), error.__suppress_context__)
            told.append(("error", type(error), str(error), getattr(error, "value", None), same, chain))
            # One that was never started has no body yet, whose first line the bare one names.
            told.append(frames_of(error) if has_frame else None)
        told.append(inspect.getgeneratorstate(generator))
    return [told, log]


@pytest.mark.parametrize(
    ("script", "body"),
    # Python ends the inner generator, and no other, when what is thrown is no exception.
    [(script, body) for script in SCRIPTS for body in BODIES if (script, body) != ("thrown nonsense", delegating)],
    ids=lambda part: part if isinstance(part, str) else part.__name__,
)
def test_every_request_is_answered_as_by_the_bare_one(
    script: str, body: Callable[..., Any], captured: Captured
) -> None:
    steps = SCRIPTS[script]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a bare one that refuses to close warns, too
        assert transcript(watched(body), steps) == transcript(bare(body), steps)


def test_it_is_a_generator_with_a_generators_attributes(captured: Captured) -> None:
    generator = watched(counting)([])
    assert type(generator) is type(counting([]))
    assert inspect.isgenerator(generator)
    assert (generator.__name__, generator.__qualname__) == ("counting", "counting")
    assert iter(generator) is generator
    next(generator)
    assert generator.gi_running is False
    assert generator.gi_frame is not None
    generator.close()
    assert generator.gi_frame is None


def test_the_body_starts_with_the_first_step_only(captured: Captured) -> None:
    started: list[int] = []

    @ww.task
    def numbers() -> Any:
        started.append(1)
        yield 1

    generator = numbers()
    assert started == []
    assert next(generator) == 1
    assert started == [1]


def test_each_value_is_made_when_it_is_asked_for(captured: Captured) -> None:
    made: list[int] = []

    @ww.task
    def numbers() -> Any:
        for number in range(3):
            made.append(number)
            yield number

    assert [(value, len(made)) for value in numbers()] == [(0, 1), (1, 2), (2, 3)]


def test_one_never_started_warns_nobody_and_leaves_nothing(captured: Captured) -> None:
    generator = watched(counting)([])
    watcher = weakref.ref(generator)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        del generator
        gc.collect()
    assert watcher() is None
    assert warned == []
    assert captured.tasks == []


def test_dropping_one_half_way_runs_its_finally_at_once(captured: Captured) -> None:
    log: list[Any] = []
    generator = watched(counting)(log)
    next(generator)
    del generator
    assert log == ["finally"]


@pytest.mark.parametrize("body", [closing_loudly, refusing_to_close], ids=lambda body: body.__name__)
def test_what_dropping_makes_python_complain_about_is_the_same(
    body: Callable[..., Any], captured: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaints: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: complaints.append((args.exc_type, str(args.exc_value))))
    for decorate in (bare, watched):
        generator = decorate(body)([])
        next(generator)
        del generator
        gc.collect()
    assert complaints[: len(complaints) // 2] == complaints[len(complaints) // 2 :]
    assert complaints


def test_one_in_a_cycle_may_be_collected_by_any_thread(captured: Captured) -> None:
    log: list[Any] = []

    def make() -> None:
        generator = watched(counting)(log)
        next(generator)
        cycle: list[Any] = [generator]
        cycle.append(cycle)

    make()
    thread = threading.Thread(target=gc.collect)
    thread.start()
    thread.join()
    assert log == ["finally"]


def test_it_says_when_it_is_entered_from_within_itself(captured: Captured) -> None:
    told: list[str] = []

    def make(decorate: Any) -> Any:
        holder: list[Any] = []

        @decorate
        def numbers() -> Any:
            try:
                next(holder[0])
            except ValueError as error:
                told.append(str(error))
            yield 1

        holder.append(numbers())
        return holder[0]

    for decorate in (bare, watched):
        assert next(make(decorate)) == 1
    assert told == ["generator already executing"] * 2


def test_the_finally_of_a_body_may_use_the_tasks_of_others(captured: Captured) -> None:
    @ww.task("inner")
    def tidy() -> str:
        return "tidy"

    done: list[str] = []

    @ww.task("outer")
    def numbers() -> Any:
        try:
            yield 1
        finally:
            done.append(tidy())

    generator = numbers()
    next(generator)
    generator.close()
    assert done == ["tidy"]
    assert len(captured.tasks) == 2


def test_a_deep_delegation_works_as_deep_as_bare(captured: Captured) -> None:
    def nest(depth: int, decorate: Any) -> Any:
        @decorate
        def level(left: int) -> Any:
            if left:
                yield from level(left - 1)
            else:
                yield "bottom"

        return list(level(depth))

    assert nest(60, watched) == nest(60, bare) == ["bottom"]


def test_unpacking_star_arguments_and_comprehensions_work(captured: Captured) -> None:
    @ww.task
    def numbers() -> Any:
        yield from (1, 2, 3)

    first, *rest = numbers()
    assert (first, rest, [*numbers()], max(numbers()), dict(enumerate(numbers()))) == (
        1,
        [2, 3],
        [1, 2, 3],
        3,
        {0: 1, 1: 2, 2: 3},
    )


def test_a_value_yielded_is_not_kept_alive(captured: Captured) -> None:
    class Value:
        pass

    @ww.task
    def values() -> Any:
        yield Value()
        yield None

    generator = values()
    watcher = weakref.ref(next(generator))
    assert watcher() is None
    generator.close()


def test_a_value_sent_in_is_not_kept_alive(captured: Captured) -> None:
    class Value:
        pass

    @ww.task
    def takes() -> Any:
        while True:
            yield

    generator = takes()
    next(generator)
    value = Value()
    watcher = weakref.ref(value)
    generator.send(value)
    del value
    assert watcher() is None
    generator.close()


def test_an_exception_thrown_in_and_caught_is_not_kept_alive(captured: Captured) -> None:
    def catching() -> Any:
        while True:
            with contextlib.suppress(HostError):
                yield

    for decorate in (bare, watched):
        generator = decorate(catching)()
        next(generator)
        error = HostError()
        watcher = weakref.ref(error)
        generator.throw(error)
        error.__traceback__ = None
        del error
        assert watcher() is None, decorate.__name__
        generator.close()
