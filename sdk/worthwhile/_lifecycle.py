"""How a run of a task begins, is judged and ends."""

import functools
from collections.abc import Callable
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage] - no public name
    Context,
)
from opentelemetry.trace.propagation import _SPAN_KEY  # pyright: ignore[reportPrivateUsage] - no public name

from worthwhile import _clock, _guard, _identity, _setup, signals
from worthwhile._context import CONTENT_KEY, TASK_KEY, TaskRun, attach, current_run, get_current
from worthwhile._errors import class_names, error_type
from worthwhile._stats import tally
from worthwhile._text import bounded
from worthwhile.signals import Source

if TYPE_CHECKING:
    from datetime import datetime

    from worthwhile._task_span import TaskSpan

Success = Callable[[Any], bool | None]
Begin = Callable[[str, object, object], "Task | None"]

Status = Literal["completed", "failed", "cancelled", "abandoned"]

_TASK: Final = _guard.Guard("a task")
_KEY: Final = _guard.Guard("the key of a task")
_VERDICT: Final = _guard.Guard("the verdict of success=")

_new = object.__new__
_span_kind: "type[TaskSpan] | None" = None

_CANCELLATIONS: Final = frozenset({"CancelledError", "Cancelled", "KeyboardInterrupt"})
_EXIT_CODE: Final = vars(SystemExit)["code"]


class Task(TaskRun):
    """One run of a task: `with ww.task(...) as t`, or `ww.current_task()`. Signals given to it are about this task."""

    __slots__ = ()

    def accept(
        self,
        *,
        id: str | None = None,  # noqa: A002 - as in signals.accept
        revision: int | None = None,
        actor: str | None = None,
        source: Source = "human",
        at: "datetime | None" = None,
    ) -> str:
        """Say that this task succeeded as it is; see `worthwhile.accept`."""
        return signals.accept(self, id=id, revision=revision, actor=actor, source=source, at=at)

    def reject(
        self,
        *,
        id: str | None = None,  # noqa: A002 - as in signals.reject
        revision: int | None = None,
        actor: str | None = None,
        source: Source = "human",
        at: "datetime | None" = None,
    ) -> str:
        """Say that this task's result was of no use; see `worthwhile.reject`."""
        return signals.reject(self, id=id, revision=revision, actor=actor, source=source, at=at)

    def edit(
        self,
        *,
        distance: float | None = None,
        id: str | None = None,  # noqa: A002 - as in signals.edit
        revision: int | None = None,
        actor: str | None = None,
        source: Source = "human",
        at: "datetime | None" = None,
    ) -> str:
        """Say that this task succeeded after its result was edited; see `worthwhile.edit`."""
        return signals.edit(self, distance=distance, id=id, revision=revision, actor=actor, source=source, at=at)

    def escalate(
        self,
        *,
        minutes: float | None = None,
        id: str | None = None,  # noqa: A002 - as in signals.escalate
        revision: int | None = None,
        actor: str | None = None,
        source: Source = "human",
        at: "datetime | None" = None,
    ) -> str:
        """Say that someone else had to do this task; see `worthwhile.escalate`."""
        return signals.escalate(self, minutes=minutes, id=id, revision=revision, actor=actor, source=source, at=at)

    def score(  # noqa: PLR0913 - one keyword per fact of a judgement
        self,
        *,
        value: float | None = None,
        name: str = "score",
        passed: bool | None = None,
        id: str | None = None,  # noqa: A002 - as in signals.score
        revision: int | None = None,
        actor: str | None = None,
        source: Source = "automated",
        at: "datetime | None" = None,
    ) -> str:
        """Record a score of this task; see `worthwhile.score`."""
        return signals.score(
            self, value=value, name=name, passed=passed, id=id, revision=revision, actor=actor, source=source, at=at
        )

    def fail(
        self,
        *,
        id: str | None = None,  # noqa: A002 - as in signals.fail
        revision: int | None = None,
        actor: str | None = None,
        source: Source = "automated",
        at: "datetime | None" = None,
    ) -> str:
        """Say that a check found this task failed; see `worthwhile.fail`."""
        return signals.fail(self, id=id, revision=revision, actor=actor, source=source, at=at)

    def void(
        self,
        *,
        id: str | None = None,  # noqa: A002 - as in signals.void
        revision: int | None = None,
        actor: str | None = None,
        source: Source = "human",
        at: "datetime | None" = None,
    ) -> str:
        """Withdraw one signal of this task, or every earlier one; see `worthwhile.void`."""
        return signals.void(self, id=id, revision=revision, actor=actor, source=source, at=at)

    def __repr__(self) -> str:
        """Its workload, key and id."""
        key = "" if self.key is None else f" key={self.key!r}"
        return f"<Task {self.workload!r}{key} {self.id}>"

    def __del__(self) -> None:
        """End the span of a run that was dropped in the middle, as happens when an event loop closes over it."""
        try:
            if getattr(self, "record", None) is not None and not self.is_ended:  # there is none where making it failed
                end(self, "abandoned")
        except Exception as error:  # noqa: BLE001 - as `with _TASK`
            _TASK.caught(error)


def current_task() -> Task | None:
    """The innermost task of the current context, or `None` outside every task."""
    run = current_run()
    return run if isinstance(run, Task) else None


def begin(workload: str, key: object = None, owner: object = None) -> Task | None:
    """Start a run under the current context, without making it current; `None` where nothing is recorded."""
    try:
        pipeline = _setup.active()
        if pipeline is None:
            return None
        current = get_current()
        if current.get(_SUPPRESS_INSTRUMENTATION_KEY):
            return None
        above = cast("TaskRun | None", current.get(TASK_KEY))
        task = Task(_identity.new_id(), workload, None if key is None else _key_text(key), above)
        task.owner = owner
        record = _new(_span_kind or _load_span_kind())
        record.workload = workload
        record.labels = task.call_attributes
        record.outcome = record.reason = None
        record.begin_at(task.started_ns)
        span = pipeline.origin.begin(record, current)
        task.span, task.record = span, record
        task.outer = current
        task.inner = Context({**current, _SPAN_KEY: span, TASK_KEY: task})
    except Exception as error:  # noqa: BLE001 - as `with _TASK`, but free where nothing is raised
        _TASK.caught(error)
        return None
    return task


def beginning(*, captures_content: bool | None) -> Begin:
    """How runs begin of which it is said whether their content is recorded; `None` says nothing.

    False holds for all that is done in a run, whatever the tasks within it say.
    """
    return begin if captures_content is None else functools.partial(_begin_saying, captures_content)


def _begin_saying(captures_content: bool, workload: str, key: object = None, owner: object = None) -> Task | None:
    task = begin(workload, key, owner)
    try:
        if task is not None and task.outer.get(CONTENT_KEY) is not False:
            task.inner = Context({**task.inner, CONTENT_KEY: captures_content})
            if captures_content:
                from worthwhile import _content

                _content.ask()
    except Exception as error:  # noqa: BLE001 - as `with _TASK`
        _TASK.caught(error)
    return task


def _key_text(key: object) -> str | None:
    """What is kept of a key; an empty one is none. `str` once more, because a text may be of a class of the host's."""
    try:
        return bounded(str.__str__(str(key))) or None
    except Exception as error:  # noqa: BLE001 - as `with _KEY`
        _KEY.caught(error)
        return None


def _load_span_kind() -> "type[TaskSpan]":
    """The class of the spans, which needs the OpenTelemetry SDK and so is not loaded before the first task."""
    global _span_kind  # noqa: PLW0603 - loaded once
    from worthwhile._task_span import TaskSpan

    _span_kind = TaskSpan
    return TaskSpan


# The functions below never raise. What they call was called at least as deep when the run began, so that there is room.


def enter(task: Task) -> None:
    """Make a run that has begun current."""
    try:
        attach(task.inner)
    except Exception as error:  # noqa: BLE001 - as `with _TASK`
        _TASK.caught(error)


def resume(task: Task) -> None:
    """Make a run current whose work goes on elsewhere than it began."""
    try:
        task.outer = get_current()
        attach(task.inner)
    except Exception as error:  # noqa: BLE001 - as `with _TASK`
        _TASK.caught(error)


def leave(task: Task) -> None:
    """Make what was current before current again, if the run or one under it is current.

    It need not be: a generator or a coroutine may be closed from another thread or event-loop task.
    """
    try:
        run = cast("TaskRun | None", get_current().get(TASK_KEY))
        while run is not None and run is not task:
            run = run.parent
        if run is task:
            attach(task.outer)
    except Exception as error:  # noqa: BLE001 - as `with _TASK`
        _TASK.caught(error)


def complete(task: Task, result: object, success: Success | None) -> None:
    """End a current run that returned `result`; what `success` spends on its verdict counts as the run's."""
    ended_perf_ns = 0
    try:
        ended_perf_ns = _clock.perf_ns()
        if success is not None:
            judge(task, result, success)
    except Exception as error:  # noqa: BLE001 - as `with _TASK`
        _TASK.caught(error)
    finally:
        leave(task)
        end(task, "completed", ended_perf_ns=ended_perf_ns)


def judge(task: Task, result: object, success: Success) -> None:
    """Emit the verdict of `success` on `result` as an automated signal; no verdict, no signal."""
    with _VERDICT:
        verdict = cast("object", success(result))  # a coroutine, where the host overlooked the type
        if type(verdict) is CoroutineType:
            verdict.close()
            _guard.misuse(
                f"success= of the task `{task.workload}` is a coroutine function; its verdict is not known",
                hint="use a plain function, or call ww.accept() and ww.reject() where the judgement is made",
            )
        elif verdict is not None:
            emit = signals.accept if verdict else signals.reject
            emit(task, source="automated")


def interrupt(task: Task, error: BaseException) -> None:
    """End a run that `error` left."""
    try:
        leave(task)
        status = status_of(error)
        end(task, status, reason=error_type(error) if status == "failed" else None)
    except Exception as ours:  # noqa: BLE001 - as `with _TASK`
        _TASK.caught(ours)


def end(task: Task, status: Status, *, reason: str | None = None, ended_perf_ns: int = 0) -> None:
    """End the span of a run, as of `ended_perf_ns`, or of now."""
    task.is_ended = True
    task.owner = None
    task.inner = task.outer  # which would hold on to the run, as the run does to it
    try:
        record = task.record
        if record is not None:
            tally.tasks += 1
            record.outcome = status
            record.reason = reason
            record.end_at(task.started_ns + (ended_perf_ns or _clock.perf_ns()) - task.started_perf_ns)
    except Exception as error:  # noqa: BLE001 - as `with _TASK`
        _TASK.caught(error)


def status_of(error: BaseException) -> Status:
    """How a run ended that `error` left. Neither its class nor its exit code are asked anything they might refuse."""
    kind = type(error)
    if issubclass(kind, Exception):
        return "failed"
    if issubclass(kind, GeneratorExit):
        return "abandoned"
    if issubclass(kind, SystemExit):
        code: object = _EXIT_CODE.__get__(error)
        return "completed" if code is None or code is False or (type(code) is int and code == 0) else "failed"
    # By name, because asyncio and trio are not ours to import.
    return "cancelled" if not _CANCELLATIONS.isdisjoint(class_names(error)) else "failed"
