"""An exception leaves the host's code as it would without us: the object, its traceback, its causes, no more."""

import asyncio
import gc
import sys
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from tests.transparency.evil import Evil, EvilError, NamelessError
from tests.transparency.kinds import GENERATORS, KINDS, Kind, bare, frames_of, judged, outcome, watched

import worthwhile as ww
from worthwhile.testing import Captured

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
decorations = pytest.mark.parametrize("decorate", [watched, judged], ids=lambda decorate: decorate.__name__)


class HostError(Exception):
    """An ordinary exception of the host."""


class HostBase(BaseException):
    """One that `except Exception` does not see."""


def plain() -> BaseException:
    return HostError("a", 1)


def with_cause() -> BaseException:
    error = HostError("effect")
    error.__cause__ = ValueError("cause")
    error.__cause__.__cause__ = KeyError("root")
    return error


def with_context() -> BaseException:
    error = HostError("later")
    error.__context__ = ValueError("earlier")
    error.__suppress_context__ = True
    return error


def with_notes() -> BaseException:
    error = HostError("noted")
    error.add_note("by the host")
    return error


def group() -> BaseException:
    return BaseExceptionGroup("several", [HostError("one"), KeyboardInterrupt(), ExceptionGroup("in", [ValueError()])])


def with_evil_arguments() -> BaseException:
    return HostError(Evil(), Evil())


def with_evil_cause() -> BaseException:
    error = HostError("effect")
    error.__cause__ = EvilError()
    return error


def recursive() -> BaseException:
    error = HostError("its own cause")
    error.__cause__ = error
    return error


def huge() -> BaseException:
    return HostError("x" * 10_000_000)


def surrogate() -> BaseException:
    return HostError("\ud800 is no character")


def nameless() -> BaseException:
    return NamelessError()


def exit_3() -> BaseException:
    return SystemExit(3)


def undecodable() -> BaseException:
    return UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no")


def disk_full() -> BaseException:
    return OSError(28, "No space left on device")


ERRORS: list[Callable[[], BaseException]] = [
    plain,
    HostBase,
    with_cause,
    with_context,
    with_notes,
    group,
    with_evil_arguments,
    with_evil_cause,
    huge,
    surrogate,
    EvilError,
    nameless,
    KeyboardInterrupt,
    SystemExit,
    exit_3,
    GeneratorExit,
    asyncio.CancelledError,
    TimeoutError,
    MemoryError,
    RecursionError,
    AssertionError,
    undecodable,
    disk_full,
    Warning,
]


def raising(make: Callable[[], BaseException], raised: list[BaseException]) -> Callable[..., Any]:
    def body(*args: Any) -> Any:
        raised.append(make())
        raise raised[-1]

    return body


@every_kind
@decorations
@pytest.mark.parametrize("make", ERRORS, ids=lambda make: make.__name__)
def test_the_exception_is_the_same_with_the_same_traceback(
    kind: Kind, decorate: Any, make: Callable[[], BaseException], captured: Captured
) -> None:
    raised: list[BaseException] = []
    body = raising(make, raised)
    without, within = (outcome(kind.make(body, each)) for each in (bare, decorate))
    is_same = [without.error is raised[0], within.error is raised[1]]
    assert is_same == [True, True]
    assert without.story == within.story
    assert len(captured.tasks) >= 1


@every_kind
def test_an_exception_that_is_its_own_cause_hangs_nobody(kind: Kind, captured: Captured) -> None:
    raised: list[BaseException] = []
    assert outcome(kind.make(raising(recursive, raised), watched)).error is raised[0]


@every_kind
def test_stop_iteration_is_treated_as_ever(kind: Kind, captured: Captured) -> None:
    raised: list[BaseException] = []
    body = raising(lambda: StopIteration(7), raised)
    without, within = (outcome(kind.make(body, each)) for each in (bare, watched))
    assert without.story == within.story
    assert type(within.error) is (RuntimeError if kind in GENERATORS or "async" in kind.name else type(without.error))


@every_kind
def test_an_exception_raised_while_another_is_handled_keeps_its_context(kind: Kind, captured: Captured) -> None:
    def body() -> None:
        try:
            raise KeyError("first")
        except KeyError:
            raise HostError("second")  # noqa: B904 - its context is the point

    without, within = (outcome(kind.make(body, each)) for each in (bare, watched))
    assert without.story == within.story
    assert type(within.error and within.error.__context__) is KeyError


@every_kind
def test_an_exception_raised_from_none_stays_without_cause(kind: Kind, captured: Captured) -> None:
    def body() -> None:
        try:
            raise KeyError("first")
        except KeyError:
            raise HostError("second") from None

    without, within = (outcome(kind.make(body, each)) for each in (bare, watched))
    assert without.story == within.story
    assert within.error is not None
    assert within.error.__suppress_context__ is True


@every_kind
def test_the_callers_exception_is_still_the_one_being_handled(kind: Kind, captured: Captured) -> None:
    """Code inside sees the exception that its caller handles, and the caller still does afterwards."""
    seen: list[Any] = []
    run = kind.make(lambda: seen.append(sys.exception()), watched)
    try:
        raise HostError("being handled")
    except HostError as error:
        run()
        handled = (seen == [error], sys.exception() is error)
    assert handled == (True, True)
    assert sys.exception() is None


@every_kind
def test_a_failure_inside_a_handler_gets_the_handled_one_as_context(kind: Kind, captured: Captured) -> None:
    def run(decorate: Any) -> BaseException | None:
        work = kind.make(raising(plain, []), decorate)
        try:
            raise KeyError("being handled")
        except KeyError:
            return outcome(work).error

    contexts = [type(error.__context__) for each in (bare, watched) if (error := run(each)) is not None]
    assert contexts == [KeyError, KeyError]


@every_kind
def test_an_exception_is_not_kept_alive(kind: Kind, captured: Captured) -> None:
    class TrackedError(Exception):
        pass

    alive: list[weakref.ref[BaseException]] = []

    def make() -> TrackedError:
        error = TrackedError()
        alive.append(weakref.ref(error))
        return error

    def body() -> None:
        raise make()

    run = kind.make(body, watched)
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(TrackedError):
            run()
        assert [ref() for ref in alive] == [None]  # by counting references alone: there is no cycle through it
    finally:
        gc.enable()


@every_kind
@decorations
def test_a_raised_exception_that_the_host_catches_inside_is_none_of_ours(
    kind: Kind, decorate: Any, captured: Captured
) -> None:
    def body() -> str:
        try:
            raise HostError
        except HostError:
            return "caught"

    assert kind.make(body, decorate)() == "caught"
    assert {task.attributes["worthwhile.task.status"] for task in captured.tasks} == {"completed"}


def test_only_one_frame_of_ours_stands_between_the_host_and_its_function(captured: Captured) -> None:
    """A traceback stays readable."""

    @ww.task
    def work() -> None:
        raise HostError

    try:
        work()
    except HostError as error:
        trace, frames = error.__traceback__, 0
        while trace is not None:
            trace, frames = trace.tb_next, frames + 1
        ours = frames - len(frames_of(error))
    assert ours == 1


@pytest.mark.parametrize(
    "code", [None, 0, 1, 3, "fatal", (), Evil()], ids=lambda code: "evil" if type(code) is Evil else repr(code)
)
def test_an_exit_code_is_not_touched(code: Any, captured: Captured, production: None) -> None:
    def leave() -> None:
        raise SystemExit(code)

    with pytest.raises(SystemExit) as raised:
        ww.task("t")(leave)()
    is_same = raised.value.code is code
    assert is_same
    assert len(captured.tasks) == 1


def test_an_exception_class_raised_bare_is_made_once(captured: Captured) -> None:
    made: list[int] = []

    class CountedError(Exception):
        def __init__(self) -> None:
            made.append(1)

    def fail() -> None:
        raise CountedError

    with pytest.raises(CountedError):
        ww.task("t")(fail)()
    assert made == [1]


def test_an_exception_that_cannot_be_written_to_costs_nothing(captured: Captured) -> None:
    class SealedError(Exception):
        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(name)

        def add_note(self, note: str, /) -> None:
            raise AttributeError(note)

    raised: list[BaseException] = []
    assert outcome(ww.task("t")(raising(SealedError, raised))).error is raised[0]
    assert len(captured.tasks) == 1
