"""How a run of a task begins, is judged and ends."""

from collections.abc import Callable
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from opentelemetry import context as otel_context
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY  # pyright: ignore[reportPrivateUsage] - no public name

from worthwhile import _clock, _guard, _identity, _setup, signals
from worthwhile._context import TASK_KEY, TaskRun, current_run, restore
from worthwhile._errors import error_type
from worthwhile._stats import tally
from worthwhile.signals import Source
from worthwhile_schemas import attributes as names

if TYPE_CHECKING:
    from datetime import datetime

Success = Callable[[Any], bool | None]

Status = Literal["completed", "failed", "cancelled", "abandoned"]

_TASK: Final = _guard.Guard("a task")
_VERDICT: Final = _guard.Guard("the verdict of success=")

_CANCELLATIONS: Final = frozenset({"CancelledError", "Cancelled", "KeyboardInterrupt"})


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
        if self.span is not None and not self.is_ended:
            end(self, "abandoned")


def current_task() -> Task | None:
    """The innermost task of the current context, or `None` outside every task."""
    run = current_run()
    return run if isinstance(run, Task) else None


def begin(workload: str, key: object = None, owner: object = None) -> Task | None:
    """Start a run under the current context, without making it current; `None` where nothing is recorded."""
    pipeline = _setup.active()
    if pipeline is None or otel_context.get_value(_SUPPRESS_INSTRUMENTATION_KEY):
        return None
    with _TASK:
        from opentelemetry.trace import set_span_in_context

        task = Task(_identity.new_id(), workload, None if key is None else str(key) or None, current_run())
        task.owner = owner
        task.span = pipeline.tracer.start_span(
            f"invoke_workflow {workload}",
            attributes={
                names.SPAN_TYPE: "task",
                names.OPERATION: "invoke_workflow",
                names.WORKFLOW_NAME: workload,
                **task.call_attributes,
            },
            start_time=task.started_ns,
        )
        task.inner = otel_context.set_value(TASK_KEY, task, set_span_in_context(task.span))
        return task
    return None


def enter(task: Task) -> None:
    """Make a run that has begun current."""
    otel_context.attach(task.inner)


def complete(task: Task, result: object, success: Success | None) -> None:
    """End a current run that returned `result`; what `success` spends on its verdict counts as the run's."""
    ended_perf_ns = _clock.perf_ns()
    try:
        judge(task, result, success)
    finally:
        restore(task, task.outer)
        end(task, "completed", ended_perf_ns=ended_perf_ns)


def judge(task: Task, result: object, success: Success | None) -> None:
    """Emit the verdict of `success` on `result` as an automated signal; no verdict, no signal."""
    if success is not None:
        with _VERDICT:
            verdict = cast("object", success(result))  # a coroutine, where the host overlooked the type
            if isinstance(verdict, CoroutineType):
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
    restore(task, task.outer)
    with _TASK:
        status = status_of(error)
        end(task, status, reason=error_type(error) if status == "failed" else None)


def end(task: Task, status: Status, *, reason: str | None = None, ended_perf_ns: int | None = None) -> None:
    """End the span of a run."""
    task.is_ended = True
    with _TASK:
        span = task.span
        if span is None:
            return
        tally.tasks += 1
        if span.is_recording():
            span.set_attribute(names.TASK_STATUS, status)
            if reason is not None:
                from opentelemetry.trace import StatusCode

                span.set_attribute(names.ERROR_TYPE, reason)
                span.set_status(StatusCode.ERROR)
        duration_ns = (ended_perf_ns or _clock.perf_ns()) - task.started_perf_ns
        span.end(task.started_ns + duration_ns)
    task.owner = None


def status_of(error: BaseException) -> Status:
    """How a run ended that `error` left."""
    if isinstance(error, Exception):
        return "failed"
    if isinstance(error, GeneratorExit):
        return "abandoned"
    if isinstance(error, SystemExit):
        return "failed" if error.code else "completed"
    # By name, because asyncio and trio are not ours to import.
    return "cancelled" if any(kind.__name__ in _CANCELLATIONS for kind in type(error).__mro__) else "failed"
