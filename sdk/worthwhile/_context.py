"""The current task: what it is, what it has used so far, and how it becomes and stops being current.

Task, call and span travel in one OpenTelemetry context, so whatever carries that context carries the task with it.
"""

import sys
from collections import deque
from contextvars import ContextVar, copy_context
from decimal import Decimal
from threading import RLock
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from opentelemetry import context as otel_context

from worthwhile import _clock, _guard
from worthwhile.usage import Usage
from worthwhile_schemas import attributes as names
from worthwhile_schemas.units import Picodollars, usd_from_pico

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from worthwhile._invocation import Invocation
    from worthwhile._legs import Failure
    from worthwhile._task_span import TaskSpan

TASK_KEY: Final = otel_context.create_key("worthwhile-task")
CALL_KEY: Final = otel_context.create_key("worthwhile-call")
CONTENT_KEY: Final = otel_context.create_key("worthwhile-content")
"""Whether content is recorded, where a task around says so."""

_CONTEXT: Final = _guard.Guard("what is current")
_USED: Final = _guard.Guard("what a call of a task used")

_FOLD_AT: Final = 64
_FOLD_S: Final = 1.0
"""Longest wait for another thread that folds."""


def _access() -> "tuple[Callable[[], Context], Callable[[Context], object]]":
    """How the current context is read and set: at OpenTelemetry's own variable, which spares two calls each time.

    Where the host has chosen another way to keep the context, OpenTelemetry's functions know it.
    """
    runtime: object = getattr(otel_context, "_RUNTIME_CONTEXT", None)
    variable: object = getattr(runtime, "_current_context", None)
    if type(runtime).__name__ == "ContextVarsRuntimeContext" and isinstance(variable, ContextVar):
        known = cast("ContextVar[Context]", variable)
        return known.get, known.set
    return otel_context.get_current, otel_context.attach


get_current, put_current = _access()
"""As `get_current` and `attach` in `opentelemetry.context`; whoever uses `put_current` does it as `attach` does."""

MUST_HOLD: Final = sys.version_info < (3, 12)
"""CPython 3.11 crashes where a destructor that setting a variable sets off sets a variable as well.

It works on a mapping that it does not hold on to, and that goes when the destructor's mapping takes its place: a
generator of ours that the collector closes is enough. A copy of the context, kept meanwhile, holds on to it.
"""


def attach(context: "Context") -> None:
    """Make `context` current. Never raises."""
    try:
        _held = copy_context() if MUST_HOLD else None
        put_current(context)
    except Exception as error:  # noqa: BLE001 - as `with _CONTEXT`, but free where nothing is raised
        _CONTEXT.caught(error)


class Counted(Protocol):
    """A call whose tokens and cost may be asked for, at some price, once it has ended."""

    def counted(self) -> tuple[Usage | None, int | None]:
        """Its tokens, and its cost in picodollars; `None` is unknown."""
        ...


class Totals:
    """Calls, tokens and cost added up from any thread; adding waits for nobody and works nothing out.

    `add` and `count` only append. Whoever reads, or finds many entries and nobody at it, folds them into one sum.
    Folding may set off a destructor or be interrupted by a signal, and that may read and count as well.
    """

    __slots__ = ("_entries", "_folded", "_folding", "_is_folding")

    def __init__(self) -> None:
        self._entries: deque[_Sum | Counted] = deque()
        self._folded: tuple[_Sum, _Sum | Counted | None] = (_NOTHING, None)
        self._folding = RLock()
        self._is_folding = False

    def add(self, usage: Usage | None, cost: int | None) -> None:
        """Count one call with its tokens and its cost in picodollars; `None` is unknown."""
        self.count(_Sum(1, 0 if cost is None else 1, cost or 0, usage or _NO_TOKENS))

    def count(self, call: "_Sum | Counted") -> None:
        """Count one call, whose tokens and cost are asked for later."""
        entries = self._entries
        entries.append(call)
        if len(entries) > _FOLD_AT and not self._is_folding and self._folding.acquire(blocking=False):
            try:
                self._fold()
            finally:
                self._folding.release()

    def read(self) -> "_Sum":
        """The sum so far."""
        if not self._folding.acquire(timeout=_FOLD_S):  # a forked child has the lock, but not the thread that folds
            return self._looked_at()
        try:
            return self._looked_at() if self._is_folding else self._fold()
        finally:
            self._folding.release()

    def _fold(self) -> "_Sum":
        entries = self._entries
        total = self._folded[0]
        self._is_folding = True
        try:
            while entries:
                total = _plus_call(total, entries[0])
                self._folded = (total, entries[0])  # in one step: from now on the entry is in the sum, here or gone
                entries.popleft()
        finally:
            self._folded = (total, None)
            self._is_folding = False
        return total

    def _looked_at(self) -> "_Sum":
        """The same while it is being folded, without a hand in it."""
        total, folded = self._folded
        entries = self._entries.copy()
        if entries and entries[0] is folded:
            entries.popleft()
        for entry in entries:
            total = _plus_call(total, entry)
        return total


class _Sum(NamedTuple):
    calls: int
    priced: int
    cost: int
    tokens: Usage


_NO_TOKENS: Final = Usage()
_NOTHING: Final = _Sum(0, 0, 0, _NO_TOKENS)


def _plus_call(total: _Sum, entry: "_Sum | Counted") -> _Sum:
    usage: Usage | None = None
    amount: int | None = None
    if isinstance(entry, _Sum):
        calls, priced, cost, usage = entry
    else:
        with _USED:
            usage, amount = entry.counted()
        calls, priced, cost = 1, 0 if amount is None else 1, amount or 0
    tokens = total.tokens if usage is None else Usage(*map(_plus, total.tokens, usage))
    return _Sum(total.calls + calls, total.priced + priced, total.cost + cost, tokens)


def _plus(a: int | None, b: int | None) -> int | None:
    if a is None or b is None:
        return a if b is None else b
    return a + b


class TaskRun:
    """One run of a task: its identity, its span and what its calls have used so far.

    Attributes:
        id: UUIDv7 of the run.
        workload: The task's kind.
        key: The host's own key of the task, or `None`.
        parent: The enclosing run, or `None`.
        call_attributes: What every call of this run says about it.
        span: What is current while the run is.
        record: The run's span, for whoever reads it.
        outer: The context around the run.
        inner: The context in which the run and its span are current.
        failed_leg: The last failed call that no call has yet succeeded after.
        owner: The instance whose entry point the run is, for a decorated class.
        totals: What `calls`, `usage` and `cost_usd` read.
    """

    __slots__ = (
        "__weakref__",
        "call_attributes",
        "failed_leg",
        "id",
        "inner",
        "is_ended",
        "key",
        "outer",
        "owner",
        "parent",
        "record",
        "span",
        "started_ns",
        "started_perf_ns",
        "totals",
        "workload",
    )

    def __init__(self, run_id: str, workload: str, key: str | None, parent: "TaskRun | None") -> None:
        self.id = run_id
        self.workload = workload
        self.key = key
        self.parent = parent
        self.span: Span | None = None
        self.record: TaskSpan | None = None
        self.outer: Context = get_current()
        self.inner: Context = self.outer
        self.owner: object = None
        self.failed_leg: Failure | None = None
        self.is_ended = False
        self.started_ns = _clock.time_ns()
        self.started_perf_ns = _clock.perf_ns()
        self.totals = Totals()
        self.call_attributes: dict[str, str] = {names.WORKLOAD: workload, names.TASK_ID: run_id}
        if key is not None:
            self.call_attributes[names.TASK_KEY] = key
        if parent is not None:
            above = parent.call_attributes.get(names.TASK_ANCESTORS)
            self.call_attributes[names.TASK_ANCESTORS] = f"{above},{parent.id}" if above else parent.id

    @property
    def calls(self) -> int:
        """Model calls that ended under this run so far, nested tasks included."""
        return self.totals.read().calls

    @property
    def usage(self) -> Usage:
        """Tokens of those calls by kind. `None` where no call has reported the kind; unreported calls add nothing."""
        return self.totals.read().tokens

    @property
    def cost_usd(self) -> Decimal | None:
        """What those calls cost so far. `None` while no call has a known cost; calls of unknown cost add nothing."""
        total = self.totals.read()
        return usd_from_pico(Picodollars(total.cost)) if total.priced else None

    def count(self, call: Counted) -> None:
        """Add a finished call to this run and to every run around it; what it used is asked for when it is read."""
        run: TaskRun | None = self
        while run is not None:
            run.totals.count(call)
            run = run.parent

    def add_call(self, usage: Usage | None, cost: int | None) -> None:
        """Add a finished call to this run and to every run around it."""
        run: TaskRun | None = self
        while run is not None:
            run.totals.add(usage, cost)
            run = run.parent


def current_run() -> TaskRun | None:
    """The innermost task of the current context."""
    return cast("TaskRun | None", get_current().get(TASK_KEY))


def current_call() -> "Invocation | None":
    """The model call whose client is running right now, for whoever observes its HTTP tries."""
    return cast("Invocation | None", get_current().get(CALL_KEY))


def is_current(run: TaskRun) -> bool:
    """Whether `run`, or a run under it, is current."""
    innermost = current_run()
    while innermost is not None and innermost is not run:
        innermost = innermost.parent
    return innermost is run
