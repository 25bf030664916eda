"""`@ww.task` on generator functions: one run from the first step to the end, current only while the body runs."""

import contextlib
import gc
import inspect
import threading
import types
import weakref
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from opentelemetry import baggage, context, trace

import worthwhile as ww
from worthwhile.testing import Captured


@ww.task("stream", key="ticket")
def words(ticket: str, count: int = 3) -> Iterator[str]:
    """Yield words."""
    for number in range(count):
        run = ww.current_task()
        assert run is not None
        assert run.key == ticket
        yield f"{ticket}-{number}"


def statuses(captured: Captured) -> list[object]:
    return [task.attributes["worthwhile.task.status"] for task in captured.tasks]


def test_it_stays_a_generator_function() -> None:
    assert inspect.isgeneratorfunction(words)
    generator = words("T")
    assert isinstance(generator, types.GeneratorType)
    assert generator.__qualname__ == "words"
    assert inspect.signature(words) == inspect.signature(words.__wrapped__)  # type: ignore[attr-defined]


def test_a_whole_iteration_is_one_completed_run(captured: Captured) -> None:
    assert list(words("T")) == ["T-0", "T-1", "T-2"]
    assert statuses(captured) == ["completed"]
    assert captured.tasks[0].attributes["worthwhile.task.key"] == "T"


def test_the_body_is_lazy_and_unstarted_is_no_run(captured: Captured) -> None:
    started = []

    @ww.task("t")
    def body() -> Iterator[int]:
        started.append(1)
        yield 1

    body()
    generator = body()
    generator.close()  # type: ignore[attr-defined]
    assert started == []
    assert captured.spans == []


def test_the_task_never_leaks_into_the_consumer(captured: Captured) -> None:
    nothing = context.get_current()
    for _ in words("T"):
        assert ww.current_task() is None
        assert trace.get_current_span() is trace.INVALID_SPAN
        assert context.get_current() == nothing
    assert context.get_current() == nothing


def test_interleaved_generators_keep_apart(captured: Captured) -> None:
    assert list(zip(words("A"), words("B"), strict=True)) == [(f"A-{n}", f"B-{n}") for n in range(3)]
    assert all(task.parent_id is None for task in captured.tasks)


def test_the_consumers_task_is_the_parent_and_stays_current(captured: Captured) -> None:
    with ww.task("outer") as outer:
        for _ in words("T"):
            assert ww.current_task() is outer
    assert captured.tasks[0].attributes["worthwhile.task.ancestors"] == outer.id


def test_half_consumed_and_dropped_is_abandoned(captured: Captured) -> None:
    generator = words("T")
    assert next(generator) == "T-0"
    del generator
    gc.collect()
    assert statuses(captured) == ["abandoned"]
    assert captured.tasks[0].status == "UNSET"
    assert ww.current_task() is None


def test_half_consumed_and_closed_is_abandoned_and_cleans_up_in_its_task(captured: Captured) -> None:
    cleaned: list[Any] = []

    @ww.task("t")
    def body() -> Generator[int]:
        try:
            yield 1
        finally:
            cleaned.append(ww.current_task())

    generator = body()
    next(generator)
    generator.close()
    generator.close()
    assert [task.workload for task in cleaned] == ["t"]
    assert statuses(captured) == ["abandoned"]


def test_collected_in_another_thread_leaves_that_thread_alone(
    captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    generators = [words("T")]
    next(generators[0])
    seen: list[object] = []

    def collect() -> None:
        with ww.task("other") as other:
            generators.clear()
            gc.collect()
            seen.append(ww.current_task() is other)

    thread = threading.Thread(target=collect)
    thread.start()
    thread.join()
    assert seen == [True]
    assert [(task.name, task.attributes["worthwhile.task.status"]) for task in captured.tasks] == [
        ("invoke_workflow stream", "abandoned"),
        ("invoke_workflow other", "completed"),
    ]
    assert caplog.records == []


def test_steps_may_come_from_several_threads(captured: Captured) -> None:
    generator = words("T")
    got: list[str] = []
    for _ in range(3):
        thread = threading.Thread(target=lambda: got.append(next(generator)))
        thread.start()
        thread.join()
    assert list(generator) == []
    assert got == ["T-0", "T-1", "T-2"]
    assert statuses(captured) == ["completed"]


def talk() -> Generator[object, object, str]:
    """A generator that uses the whole protocol."""
    heard: list[object] = []
    while len(heard) < 3:
        try:
            heard.append((yield len(heard)))
        except KeyError as error:
            heard.append(error)
    return repr(heard)


def converse(generator: Generator[object, object, object]) -> list[object]:
    """Everything a caller can see of a conversation with `generator`."""
    log: list[object] = [next(generator), generator.send("a"), generator.throw(KeyError("k"))]
    try:
        generator.send("b")
    except StopIteration as stop:
        log.append(stop.value)
    return log


def test_send_throw_and_return_pass_through(captured: Captured) -> None:
    assert converse(ww.task("t")(talk)()) == converse(talk()) == [0, 1, 2, "['a', KeyError('k'), 'b']"]
    assert statuses(captured) == ["completed"]


def test_success_judges_the_return_value(captured: Captured) -> None:
    @ww.task("t", success=lambda result: result == "end" and ww.current_task() is not None)
    def body() -> Generator[int, None, str]:
        yield 1
        return "end"

    list(body())
    assert [signal.attributes["worthwhile.signal.kind"] for signal in captured.signals] == ["accept"]


def test_an_exception_of_the_body_keeps_its_identity(captured: Captured) -> None:
    error = ValueError("secret")

    @ww.task("t")
    def broken() -> Iterator[int]:
        yield 1
        raise error

    generator = broken()
    next(generator)
    with pytest.raises(ValueError, match="secret") as caught:
        next(generator)
    assert caught.value is error
    assert error.__context__ is None
    assert statuses(captured) == ["failed"]
    assert captured.tasks[0].attributes["error.type"] == "ValueError"


def test_an_exception_thrown_in_and_not_caught_comes_out_as_it_is(captured: Captured) -> None:
    error = LookupError()
    generator = ww.task("t")(talk)()
    next(generator)
    with pytest.raises(LookupError) as caught:
        generator.throw(error)
    assert caught.value is error
    assert statuses(captured) == ["failed"]


class WeakError(Exception):
    """An exception that can be watched."""


def test_an_exception_thrown_in_is_not_kept_alive(captured: Captured) -> None:
    def throw_into(generator: Generator[object, object, object]) -> "weakref.ref[WeakError]":
        next(generator)
        error = WeakError()
        watch = weakref.ref(error)
        with contextlib.suppress(WeakError):
            generator.throw(error)
        del error
        return watch

    gc.disable()
    try:
        assert throw_into(talk())() is None, "without the decorator"
        assert throw_into(ww.task("t")(talk)())() is None
    finally:
        gc.enable()


def test_a_body_that_takes_its_close_calmly_is_abandoned_all_the_same(captured: Captured) -> None:
    @ww.task("t", success=lambda result: True)
    def calm() -> Generator[int, None, str]:
        try:
            yield 1
        except GeneratorExit:
            return "early"
        return "late"

    generator = calm()
    next(generator)
    generator.close()
    assert statuses(captured) == ["abandoned"]
    assert captured.signals == []


def test_a_broken_success_ends_the_run_once(captured: Captured, caplog: pytest.LogCaptureFixture) -> None:
    @ww.task("t", success=lambda result: result.nope)
    def body() -> Iterator[int]:
        yield 1

    before = ww.stats().tasks
    with pytest.raises(AttributeError):  # under pytest only
        list(body())
    assert statuses(captured) == ["completed"]
    assert ww.stats().tasks == before + 1
    assert caplog.records == []


def test_a_body_that_ignores_close_is_told_off_as_before(captured: Captured) -> None:
    def stubborn() -> Generator[int]:
        while True:
            try:
                yield 1
            except GeneratorExit:
                yield 2
                return

    for function in (stubborn, ww.task("t")(stubborn)):
        generator = function()
        next(generator)
        with pytest.raises(RuntimeError, match="generator ignored GeneratorExit"):
            generator.close()
    assert len(captured.tasks) <= 1


def test_wrong_arguments_fail_the_run_with_the_functions_own_error(captured: Captured) -> None:
    with pytest.raises(TypeError, match=r"words\(\) missing 1 required positional argument: 'ticket'"):
        next(words())  # type: ignore[call-arg]
    assert statuses(captured) == ["failed"]


def test_the_body_keeps_its_own_context_between_steps(captured: Captured) -> None:
    @ww.task("t")
    def body() -> Iterator[object]:
        token = context.attach(baggage.set_baggage("who", "body"))
        yield baggage.get_baggage("who")
        yield baggage.get_baggage("who")
        context.detach(token)
        yield baggage.get_baggage("who")

    seen = [(value, baggage.get_baggage("who")) for value in body()]
    assert seen == [("body", None), ("body", None), (None, None)]


def test_it_serves_as_a_context_manager(captured: Captured) -> None:
    @contextlib.contextmanager
    @ww.task("t")
    def block() -> Iterator[int]:
        yield 5

    with block() as value:
        assert value == 5
        assert ww.current_task() is None
    with pytest.raises(KeyError), block():
        raise KeyError
    assert statuses(captured) == ["completed", "failed"]


def test_yield_from_delegates(captured: Captured) -> None:
    def outer() -> Generator[object, object, object]:
        return (yield from ww.task("t")(talk)())

    assert converse(outer()) == converse(talk())
