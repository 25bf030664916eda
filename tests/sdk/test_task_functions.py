"""`@ww.task` on plain functions: one run per call, and nothing of the function changes."""

import asyncio
import inspect
import pickle
import sys
from typing import Any

import pytest

import worthwhile as ww
from worthwhile.testing import START_NS, STEP_NS, Captured, SpanRecord


@ww.task("ticket-reply", key="ticket_id")
def answer(ticket_id: str, text: str = "hello", *, loud: bool = False) -> str:
    """Answer a ticket."""
    return text.upper() if loud else text


def test_one_call_is_one_run(captured: Captured) -> None:
    assert answer("T-1") == "hello"
    assert captured.spans == [
        SpanRecord(
            name="invoke_workflow ticket-reply",
            kind="INTERNAL",
            status="UNSET",
            attributes={
                "worthwhile.span.type": "task",
                "gen_ai.operation.name": "invoke_workflow",
                "gen_ai.workflow.name": "ticket-reply",
                "worthwhile.workload": "ticket-reply",
                "worthwhile.task.id": "01900000-0000-7000-8000-000000000001",
                "worthwhile.task.key": "T-1",
                "worthwhile.task.status": "completed",
            },
            events=(),
            start_ns=START_NS,
            end_ns=START_NS + STEP_NS,
            trace_id="00000000000000000000000000000001",
            span_id="0000000000000002",
            parent_id=None,
        )
    ]


def test_metadata_survives() -> None:
    undecorated = answer.__wrapped__  # type: ignore[attr-defined]
    assert inspect.signature(answer) == inspect.signature(undecorated)
    assert (answer.__name__, answer.__qualname__, answer.__module__) == ("answer", "answer", __name__)
    assert answer.__doc__ == "Answer a ticket."
    assert answer.__annotations__ == undecorated.__annotations__
    assert inspect.isfunction(answer)


def test_a_decorated_function_pickles_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or inspect.getmodule(answer))
    assert pickle.loads(pickle.dumps(answer)) is answer


def test_bare_decorator_names_the_task_after_the_function(captured: Captured) -> None:
    class Desk:
        @ww.task
        def triage(self) -> int:
            return 7

    assert Desk().triage() == 7
    assert captured.tasks[0].attributes["worthwhile.workload"] == "Desk.triage"


def test_decorating_outside_static_and_class_methods(captured: Captured) -> None:
    class Desk:
        @ww.task("s")  # type: ignore[type-var]
        @staticmethod
        def static(a: int) -> int:
            return a

        @ww.task("c")  # type: ignore[type-var]
        @classmethod
        def cls_method(cls, a: int) -> type:
            return cls

    assert Desk.static(3) == 3
    assert Desk().cls_method(1) is Desk
    assert [task.name for task in captured.tasks] == ["invoke_workflow s", "invoke_workflow c"]


class OddError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("__str__ was called")

    __repr__ = __str__


class CancelledByTrio(BaseException):
    pass


CancelledByTrio.__name__ = "Cancelled"


@pytest.mark.parametrize(
    ("error", "status", "error_type"),
    [
        (ValueError("secret"), "failed", "ValueError"),
        (OddError(), "failed", f"{__name__}.OddError"),
        (ExceptionGroup("g", [ValueError()]), "failed", "ExceptionGroup"),
        (KeyboardInterrupt(), "cancelled", None),
        (asyncio.CancelledError(), "cancelled", None),
        (CancelledByTrio(), "cancelled", None),
        (GeneratorExit(), "abandoned", None),
        (SystemExit(0), "completed", None),
        (SystemExit("no"), "failed", "SystemExit"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_the_hosts_exception_passes_untouched(
    captured: Captured, error: BaseException, status: str, error_type: str | None
) -> None:
    @ww.task("t")
    def broken() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        broken()
    assert caught.value is error
    assert error.__context__ is None
    assert error.__cause__ is None
    span = captured.tasks[0]
    assert span.attributes["worthwhile.task.status"] == status
    assert span.attributes.get("error.type") == error_type
    assert span.status == ("ERROR" if error_type else "UNSET")
    assert "secret" not in repr(span)


def test_nested_tasks_name_their_ancestors(captured: Captured) -> None:
    @ww.task("inner")
    def inner() -> None: ...

    @ww.task("middle", key="k")
    def middle(k: str) -> None:
        inner()

    @ww.task("outer")
    def outer() -> None:
        middle("K")

    outer()
    run = {task.attributes["worthwhile.workload"]: task for task in captured.tasks}
    outer_id, middle_id = (run[name].attributes["worthwhile.task.id"] for name in ("outer", "middle"))
    assert "worthwhile.task.ancestors" not in run["outer"].attributes
    assert run["middle"].attributes["worthwhile.task.ancestors"] == outer_id
    assert run["inner"].attributes["worthwhile.task.ancestors"] == f"{outer_id},{middle_id}"
    assert "worthwhile.task.key" not in run["inner"].attributes
    assert run["inner"].parent_id == run["middle"].span_id
    assert len({task.trace_id for task in captured.tasks}) == 1


def test_recursion_nests(captured: Captured) -> None:
    @ww.task("down")
    def down(n: int) -> int:
        return n if n == 0 else down(n - 1)

    assert down(3) == 0
    assert sorted(str(task.attributes.get("worthwhile.task.ancestors", "")).count("-") for task in captured.tasks) == [
        *(0, 4, 8, 12)
    ]


def test_a_plain_function_that_hands_out_a_coroutine_ends_with_it(captured: Captured) -> None:
    seen: list[ww.Task | None] = []

    async def work(n: int) -> int:
        await asyncio.sleep(0)
        seen.append(ww.current_task())
        return n

    @ww.task("late", key="n")
    def hand_out(n: int) -> Any:
        return work(n)

    coroutine = hand_out(3)
    assert inspect.iscoroutine(coroutine)
    assert ww.current_task() is None
    assert captured.tasks == []
    assert asyncio.run(coroutine) == 3
    assert seen[0] is not None
    assert captured.tasks[0].attributes["worthwhile.task.key"] == "3"


def test_callable_instances_and_partials(captured: Captured) -> None:
    import functools

    class Agent:
        def __call__(self, a: int) -> int:
            return a

    def add(a: int, b: int) -> int:
        return a + b

    assert ww.task("agent", key="a")(Agent())(4) == 4
    assert ww.task(functools.partial(add, 1))(2) == 3
    assert [task.attributes["worthwhile.workload"] for task in captured.tasks] == ["agent", "partial"]


def test_disabled_passes_through(fresh: None, run_program: Any) -> None:
    done = run_program(
        """
        import worthwhile as ww

        @ww.task("t", key="a", success=lambda r: True)
        def work(a):
            assert ww.current_task() is None
            return a

        @ww.task
        def count():
            yield 1
            return 2

        assert work(1) == 1
        assert list(count()) == [1]
        with ww.task("b", key="k") as t:
            assert len(t.id) == 36 and t.workload == "b"
            assert len(t.accept()) == 36
        assert ww.stats().tasks == 0
        assert ww.flush(0.1) is True
        import sys
        assert "opentelemetry.sdk" not in sys.modules
        print("done")
        """,
        OTEL_SDK_DISABLED="true",
    )
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_an_internal_error_never_reaches_the_host(
    captured: Captured, as_in_production: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("origin is broken")

    from worthwhile import _setup

    pipeline = _setup.active()
    assert pipeline is not None
    monkeypatch.setattr(type(pipeline.origin), "begin", broken)
    before = ww.stats().internal_errors
    assert answer("T-1") == "hello"
    with ww.task("t") as t:
        assert len(t.id) == 36
    assert ww.stats().internal_errors == before + 2
    assert "lost a task because of an internal error" in caplog.text
