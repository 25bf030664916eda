"""Context variables, threads, executors and event loops of the host work as they would without us."""

import asyncio
import contextvars
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry import baggage, context, trace
from tests.transparency.kinds import KINDS, Kind, bare, drive, judged, suspend, watched

import worthwhile as ww
from worthwhile.testing import Captured

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
HOSTS: contextvars.ContextVar[Any] = contextvars.ContextVar("hosts", default="unset")


@every_kind
def test_a_variable_set_inside_is_seen_outside_as_ever(kind: Kind, captured: Captured) -> None:
    def after(decorate: Any) -> Any:
        def run() -> Any:
            HOSTS.set("before")
            kind.make(lambda: HOSTS.set(f"inside, after {HOSTS.get()}"), decorate)()
            return HOSTS.get()

        return contextvars.copy_context().run(run)

    assert after(watched) == after(bare) == "inside, after before"


@every_kind
def test_a_token_of_outside_may_be_reset_inside_and_the_other_way_round(kind: Kind, captured: Captured) -> None:
    outer = HOSTS.set("outer")
    inner = kind.make(lambda: (HOSTS.reset(outer), HOSTS.set("inner"))[1], watched)()
    HOSTS.reset(inner)
    assert HOSTS.get() == "unset"


@every_kind
def test_every_other_variable_of_the_context_is_as_before(kind: Kind, captured: Captured) -> None:
    before = dict(contextvars.copy_context())
    kind.make(lambda: None, judged)()
    after = dict(contextvars.copy_context())
    ours = context._RUNTIME_CONTEXT._current_context  # type: ignore[attr-defined]
    before.pop(ours, None)
    assert dict(after.pop(ours, {})) == dict(context.get_current()) == {}
    assert after == before


@every_kind
def test_the_hosts_span_and_baggage_are_seen_inside_and_current_afterwards(kind: Kind, captured: Captured) -> None:
    span = trace.NonRecordingSpan(trace.SpanContext(0xA, 0xB, is_remote=False, trace_flags=trace.TraceFlags(1)))
    token = context.attach(baggage.set_baggage("k", "v", trace.set_span_in_context(span)))
    try:
        assert kind.make(lambda: baggage.get_baggage("k"), watched)() == "v"
        assert trace.get_current_span() is span
        assert baggage.get_baggage("k") == "v"
    finally:
        context.detach(token)
    assert {task.trace_id for task in captured.tasks} == {f"{0xA:032x}"}


@every_kind
def test_a_context_that_the_body_attaches_and_forgets_does_not_stay_longer_than_its_task(
    kind: Kind, captured: Captured
) -> None:
    kind.make(lambda: context.attach(context.set_value("forgotten", 1)), watched)()
    assert ww.current_task() is None
    assert trace.get_current_span() is trace.INVALID_SPAN


@every_kind
def test_a_copied_context_can_run_it(kind: Kind, captured: Captured) -> None:
    HOSTS.set("copied")
    run = kind.make(HOSTS.get, watched)
    copy = contextvars.copy_context()
    assert copy.run(run) == "copied"
    assert threading_result(lambda: copy.run(run)) == "copied"
    HOSTS.set("unset")


def threading_result(work: Any) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


@every_kind
def test_a_thread_of_its_own_has_a_context_of_its_own(kind: Kind, captured: Captured) -> None:
    HOSTS.set("of the main thread")
    assert threading_result(kind.make(HOSTS.get, watched)) == threading_result(kind.make(HOSTS.get, bare)) == "unset"
    HOSTS.set("unset")


@every_kind
def test_many_threads_at_once_get_their_own_results(kind: Kind, captured: Captured) -> None:
    run = kind.make(lambda number: number * number, judged)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(run, range(200))) == [number * number for number in range(200)]
    assert len({task.span_id for task in captured.tasks}) == len(captured.tasks)
    assert ww.current_task() is None


async def test_executors_and_threads_of_an_event_loop(captured: Captured) -> None:
    HOSTS.set("in the loop")
    work = watched(HOSTS.get)
    loop = asyncio.get_running_loop()
    assert await asyncio.to_thread(work) == "in the loop"
    assert await loop.run_in_executor(None, work) == "unset"
    assert await loop.run_in_executor(None, contextvars.copy_context().run, work) == "in the loop"
    HOSTS.set("unset")


async def test_gathering_shielding_and_timing_out(captured: Captured) -> None:
    @ww.task
    async def work(number: int) -> int:
        await asyncio.sleep(0)
        return number

    assert await asyncio.gather(*map(work, range(50))) == list(range(50))
    assert await asyncio.shield(work(1)) == 1
    assert await asyncio.wait_for(work(2), 20) == 2
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work(number)) for number in range(5)]
    assert [task.result() for task in tasks] == list(range(5))
    done = [await next_done for next_done in asyncio.as_completed([work(7)])]
    assert done == [7]


async def test_a_cancellation_counts_and_uncancels_as_ever(captured: Captured) -> None:
    async def run(decorate: Any) -> list[Any]:
        seen: list[Any] = []

        @decorate
        async def stubborn() -> str:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError as error:
                me = asyncio.current_task()
                assert me is not None
                seen.append((error.args, me.cancelling(), me.uncancel()))
            return "stayed"

        task = asyncio.ensure_future(stubborn())
        await asyncio.sleep(0)
        task.cancel("please")
        return [await task, *seen]

    assert await run(watched) == await run(bare) == ["stayed", (("please",), 1, 0)]


async def test_a_timeout_is_the_hosts_own(captured: Captured) -> None:
    @ww.task
    async def forever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await forever()
    assert captured.tasks[0].attributes["worthwhile.task.status"] == "cancelled"


@pytest.mark.parametrize("request_", ["send", "throw", "close", "await twice"])
def test_a_coroutine_driven_by_hand(request_: str, captured: Captured) -> None:
    def run(decorate: Any) -> list[Any]:
        told: list[Any] = []

        @decorate
        async def work() -> Any:
            try:
                told.append(await suspend())
            except KeyError as error:
                told.append(repr(error))
            except GeneratorExit:
                told.append("closed")
                raise
            return "done"

        coroutine = work()
        told.append((type(coroutine).__name__, coroutine.__name__, coroutine.__qualname__, coroutine.cr_running))
        try:
            if request_ == "await twice":
                told.append(drive(coroutine))
                drive(coroutine)
            coroutine.send(None)
            if request_ == "close":
                coroutine.close()
            elif request_ == "throw":
                coroutine.throw(KeyError("in"))
            else:
                coroutine.send("in")
        except BaseException as error:
            told.append((type(error), str(error)))
        return told

    assert run(watched) == run(bare)


def test_a_coroutine_never_awaited_warns_as_ever(captured: Captured) -> None:
    messages: list[str] = []
    for decorate in (bare, watched):

        @decorate
        async def work() -> None: ...

        with pytest.warns(RuntimeWarning) as warned:
            work()  # type: ignore[unused-coroutine]
        messages.append(str(warned[0].message))
    assert messages[0] == messages[1]


@pytest.mark.filterwarnings("ignore:.*was never awaited")  # the host's own coroutines, which it could not drive
@pytest.mark.parametrize("kind", [each for each in KINDS if each.name != "nested"], ids=lambda kind: kind.name)
def test_near_the_recursion_limit_the_host_sees_its_result_or_pythons_own_error(kind: Kind, production: None) -> None:
    """At every distance from the limit: never a wrong result, never another error, nothing left current."""
    from worthwhile import testing

    def at(depth: int, run: Any) -> Any:
        return run() if depth == 0 else at(depth - 1, run)

    run = kind.make(lambda: "done", watched)
    frame, used = sys._getframe(), 0
    while frame is not None:
        frame, used = frame.f_back, used + 1  # type: ignore[assignment]
    before = sys.getrecursionlimit()
    found: list[str] = []
    with testing.capture():
        run()
        try:
            sys.setrecursionlimit(used + 200)
            for depth in range(120, 200):
                try:
                    found.append(at(depth, run))
                except RecursionError:
                    found.append("too deep")
                assert ww.current_task() is None
        finally:
            sys.setrecursionlimit(before)
    assert set(found) <= {"done", "too deep"}
    assert found == sorted(found)  # once too deep, always too deep
    assert found.count("too deep") < 60


def test_a_task_calls_itself_as_deep_as_the_host_likes(captured: Captured) -> None:
    @ww.task
    def down(depth: int) -> int:
        return depth if depth == 0 else down(depth - 1)

    assert down(120) == 0
    assert len(captured.tasks) == 121
