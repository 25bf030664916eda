"""Signals: how a task turned out, told at once or any day later, from this process or any other.

Each function emits one signal and returns its id. A signal names its task by a handle (`ww.task(...) as t`), by the
host's key with `workload=`, by `task_id=`, or, with none of these, it is about the current task. The same id again
revises the same signal: the highest revision counts. Nothing here raises into the host.
"""

import math
from datetime import UTC
from typing import TYPE_CHECKING, Final, Literal, NamedTuple
from uuid import UUID

from worthwhile import _clock, _guard, _identity, _setup
from worthwhile._context import TaskRun, current_run
from worthwhile._stats import tally
from worthwhile._text import bounded
from worthwhile_schemas import attributes as names

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Source", "accept", "edit", "escalate", "fail", "reject", "score", "void"]

Source = Literal["human", "automated", "system"]
"""Who judged. A human's word outweighs an automated check's, which outweighs the system's."""

_SOURCES: Final = ("human", "automated", "system")
_SIGNAL: Final = _guard.Guard("a signal")


class _Judgement(NamedTuple):
    """What every kind of signal may say."""

    task: TaskRun | str | int | UUID | None
    workload: str | None
    task_id: str | UUID | None
    id: str | None
    revision: int | None
    actor: str | None
    source: Source
    at: "datetime | None"


def accept(  # noqa: PLR0913 - one keyword per fact of a judgement
    task: TaskRun | str | int | UUID | None = None,
    /,
    *,
    workload: str | None = None,
    task_id: str | UUID | None = None,
    id: str | None = None,  # noqa: A002 - the natural word, and keyword-only
    revision: int | None = None,
    actor: str | None = None,
    source: Source = "human",
    at: "datetime | None" = None,
) -> str:
    """Say that the task succeeded as it is.

    Args:
        task: Handle or key of the task; the current task if omitted.
        workload: Workload that the key belongs to.
        task_id: Id of one run, where there is no key.
        id: Idempotency id; a new one if omitted. The same id again revises the signal.
        revision: Order of the revisions of one id; microseconds since the epoch if omitted.
        actor: Who judged, as the host names them.
        source: Authority of the judgement.
        at: When it was made, with its time zone; now if omitted.

    Returns:
        The signal's id.
    """
    return _emit("accept", _Judgement(task, workload, task_id, id, revision, actor, source, at))


def reject(  # noqa: PLR0913 - one keyword per fact of a judgement
    task: TaskRun | str | int | UUID | None = None,
    /,
    *,
    workload: str | None = None,
    task_id: str | UUID | None = None,
    id: str | None = None,  # noqa: A002 - the natural word, and keyword-only
    revision: int | None = None,
    actor: str | None = None,
    source: Source = "human",
    at: "datetime | None" = None,
) -> str:
    """Say that the result was of no use. Arguments as of `accept`."""
    return _emit("reject", _Judgement(task, workload, task_id, id, revision, actor, source, at))


def edit(  # noqa: PLR0913 - one keyword per fact of a judgement
    task: TaskRun | str | int | UUID | None = None,
    /,
    *,
    distance: float | None = None,
    workload: str | None = None,
    task_id: str | UUID | None = None,
    id: str | None = None,  # noqa: A002 - the natural word, and keyword-only
    revision: int | None = None,
    actor: str | None = None,
    source: Source = "human",
    at: "datetime | None" = None,
) -> str:
    """Say that the task succeeded after the result was edited; `distance` is how much, from 0 to 1.

    Other arguments as of `accept`.
    """
    judgement = _Judgement(task, workload, task_id, id, revision, actor, source, at)
    return _emit("edit", judgement, value=_fraction(distance))


def escalate(  # noqa: PLR0913 - one keyword per fact of a judgement
    task: TaskRun | str | int | UUID | None = None,
    /,
    *,
    minutes: float | None = None,
    workload: str | None = None,
    task_id: str | UUID | None = None,
    id: str | None = None,  # noqa: A002 - the natural word, and keyword-only
    revision: int | None = None,
    actor: str | None = None,
    source: Source = "human",
    at: "datetime | None" = None,
) -> str:
    """Say that someone else had to do the task; `minutes` is how long they took. Other arguments as of `accept`."""
    judgement = _Judgement(task, workload, task_id, id, revision, actor, source, at)
    return _emit("escalate", judgement, value=_number("minutes", minutes))


def score(  # noqa: PLR0913 - one keyword per fact of a judgement
    task: TaskRun | str | int | UUID | None = None,
    /,
    *,
    value: float | None = None,
    name: str = "score",
    passed: bool | None = None,
    workload: str | None = None,
    task_id: str | UUID | None = None,
    id: str | None = None,  # noqa: A002 - the natural word, and keyword-only
    revision: int | None = None,
    actor: str | None = None,
    source: Source = "automated",
    at: "datetime | None" = None,
) -> str:
    """Record the score `name` of the task; it decides the outcome only where `passed` says so.

    Other arguments as of `accept`.
    """
    judgement = _Judgement(task, workload, task_id, id, revision, actor, source, at)
    return _emit("score", judgement, value=_number("value", value), name=name, passed=passed)


def fail(  # noqa: PLR0913 - one keyword per fact of a judgement
    task: TaskRun | str | int | UUID | None = None,
    /,
    *,
    workload: str | None = None,
    task_id: str | UUID | None = None,
    id: str | None = None,  # noqa: A002 - the natural word, and keyword-only
    revision: int | None = None,
    actor: str | None = None,
    source: Source = "automated",
    at: "datetime | None" = None,
) -> str:
    """Say that a check found the task failed. Arguments as of `accept`."""
    return _emit("fail", _Judgement(task, workload, task_id, id, revision, actor, source, at))


def void(  # noqa: PLR0913 - one keyword per fact of a judgement
    task: TaskRun | str | int | UUID | None = None,
    /,
    *,
    workload: str | None = None,
    task_id: str | UUID | None = None,
    id: str | None = None,  # noqa: A002 - the natural word, and keyword-only
    revision: int | None = None,
    actor: str | None = None,
    source: Source = "human",
    at: "datetime | None" = None,
) -> str:
    """Withdraw the signal `id`, or without an id every earlier signal of the task. Other arguments as of `accept`."""
    return _emit("void", _Judgement(task, workload, task_id, id, revision, actor, source, at), is_voided=True)


def _emit(
    kind: str,
    judgement: _Judgement,
    *,
    value: float | None = None,
    name: str = "outcome",
    passed: bool | None = None,
    is_voided: bool = False,
) -> str:
    signal_id = judgement.id or _identity.new_id()
    with _SIGNAL:
        pipeline = _setup.active()
        if pipeline is None:
            return signal_id
        now_ns = _clock.time_ns()
        attributes: dict[str, str | int | float | bool] = {
            names.SIGNAL_ID: bounded(signal_id),
            names.SIGNAL_KIND: kind,
            names.SIGNAL_SOURCE: _known_source(judgement.source),
            names.SIGNAL_REVISION: now_ns // 1000 if judgement.revision is None else int(judgement.revision),
            names.EVALUATION_NAME: bounded(name),
            names.EVALUATION_LABEL: kind,
            **_address(judgement),
        }
        if judgement.actor is not None:
            attributes[names.SIGNAL_ACTOR] = bounded(judgement.actor)
        if value is not None:
            attributes[names.EVALUATION_VALUE] = value
        if passed is not None:
            attributes[names.SIGNAL_PASSED] = bool(passed)
        if is_voided:
            attributes[names.SIGNAL_VOIDED] = True
        pipeline.emitter.emit(
            names.SIGNAL_EVENT, attributes, timestamp_ns=_stamp(judgement.at, now_ns), observed_ns=now_ns
        )
        tally.signals += 1
    return signal_id


def _address(judgement: _Judgement) -> dict[str, str]:
    """Attributes that name the task."""
    task = judgement.task
    address: dict[str, str] = {}
    if judgement.task_id is not None:
        address[names.TASK_ID] = _run_id(judgement.task_id)
    if task is None and not address:
        task = current_run()
    if isinstance(task, TaskRun):
        address = {names.WORKLOAD: task.workload, names.TASK_ID: task.id, **address}
        if task.key is not None:
            address[names.TASK_KEY] = task.key
    elif task is not None and (key := bounded(str(task))):
        address[names.TASK_KEY] = key
        workload = judgement.workload or _workload_of_key(key)
        if workload is None and names.TASK_ID not in address:
            _guard.misuse(
                "a signal by key needs its workload; it stays unmatched without",
                hint='give it as in ww.accept(key, workload="ticket-reply")',
            )
        if workload is not None:
            address[names.WORKLOAD] = bounded(workload)
    if judgement.workload is not None:
        address[names.WORKLOAD] = bounded(judgement.workload)
    if names.TASK_ID not in address and names.TASK_KEY not in address:
        _guard.misuse(
            "a signal was given outside a task and names none; it stays unmatched",
            hint='name the task as in ww.accept(key, workload="ticket-reply")',
        )
    return address


def _workload_of_key(key: str) -> str | None:
    """Workload of the enclosing task with this key, or of the only enclosing task; `None` where that is ambiguous."""
    run = outermost = current_run()
    while run is not None:
        if run.key == key:
            return run.workload
        outermost, run = run, run.parent
    innermost = current_run()
    return innermost.workload if innermost is not None and innermost is outermost else None


def _run_id(task_id: str | UUID) -> str:
    try:
        return str(task_id if isinstance(task_id, UUID) else UUID(task_id))
    except ValueError:
        _guard.misuse(
            f"task_id= is `{task_id}`; expected the UUID of a run",
            hint="use the id of ww.current_task() or of a handle",
        )
        return str(task_id)


def _known_source(source: str) -> str:
    if source not in _SOURCES:
        _guard.misuse(f"source= is `{source}`; expected one of {', '.join(_SOURCES)}", hint="name the authority")
        return "automated"
    return source


def _number(name: str, value: float | None) -> float | None:
    if value is None or math.isfinite(value):
        return None if value is None else float(value)
    _misuse_of_number(name, value, "a finite number")
    return None


def _fraction(distance: float | None) -> float | None:
    if distance is None or 0 <= distance <= 1:
        return None if distance is None else float(distance)
    _misuse_of_number("distance", distance, "a number from 0 to 1")
    return None


def _misuse_of_number(name: str, value: float, expected: str) -> None:
    with _SIGNAL:
        _guard.misuse(f"{name}= is `{value}`; expected {expected}", hint="the signal goes out without it")


def _stamp(at: "datetime | None", now_ns: int) -> int:
    """Nanoseconds since the epoch of `at`."""
    if at is None:
        return now_ns
    from datetime import datetime, timedelta

    if at.tzinfo is None:
        _guard.misuse(f"at= is `{at}` without a time zone; expected an aware datetime", hint="local time was assumed")
        at = at.astimezone()
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
