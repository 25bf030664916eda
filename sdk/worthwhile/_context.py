"""The current task: what it is, what it has used so far, and how it becomes and stops being current.

Task, call and span travel in one OpenTelemetry context, so whatever carries that context carries the task with it.
"""

from collections import deque
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from opentelemetry import context as otel_context

from worthwhile import _clock
from worthwhile.usage import Usage
from worthwhile_schemas import attributes as names
from worthwhile_schemas.units import Picodollars, usd_from_pico

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from worthwhile._invocation import Invocation

TASK_KEY: Final = otel_context.create_key("worthwhile-task")
CALL_KEY: Final = otel_context.create_key("worthwhile-call")

_FOLD_AT: Final = 64


class Leg(NamedTuple):
    """A failed model call that the next call of the same task may stand in for."""

    operation: str
    model: str | None
    server: str | None
    reason: str
    number: int


class Totals:
    """Calls, tokens and cost added up from any thread; adding waits for nobody.

    `add` only appends. Whoever reads, or finds many entries and nobody at it, folds them into one.
    """

    __slots__ = ("_entries", "_folding")

    def __init__(self) -> None:
        self._entries: deque[_Sum] = deque()
        self._folding = Lock()

    def add(self, usage: Usage | None, cost: int | None) -> None:
        """Count one call with its tokens and its cost in picodollars; `None` is unknown."""
        self._entries.append(_Sum(1, 0 if cost is None else 1, cost or 0, _tokens(usage)))
        if len(self._entries) > _FOLD_AT and self._folding.acquire(blocking=False):
            try:
                self._fold()
            finally:
                self._folding.release()

    def read(self) -> "_Sum":
        """The sum so far."""
        with self._folding:
            return self._fold()

    def _fold(self) -> "_Sum":
        total = self._take_all()
        self._entries.append(total)
        return total

    def _take_all(self) -> "_Sum":
        calls, priced, cost, tokens = 0, 0, 0, _NO_TOKENS
        while True:
            try:
                entry = self._entries.popleft()
            except IndexError:
                return _Sum(calls, priced, cost, tokens)
            calls += entry.calls
            priced += entry.priced
            cost += entry.cost
            tokens = tuple(_plus(a, b) for a, b in zip(tokens, entry.tokens, strict=True))


class _Sum(NamedTuple):
    calls: int
    priced: int
    cost: int
    tokens: tuple[int | None, ...]


_NO_TOKENS: Final[tuple[int | None, ...]] = (None,) * 9


def _tokens(usage: Usage | None) -> tuple[int | None, ...]:
    if usage is None:
        return _NO_TOKENS
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
        usage.reasoning_tokens,
        usage.audio_input_tokens,
        usage.audio_output_tokens,
        usage.web_searches,
    )


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
        span: The run's span.
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
        self.outer: Context = otel_context.get_current()
        self.inner: Context = self.outer
        self.owner: object = None
        self.failed_leg: Leg | None = None
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
        return Usage(*self.totals.read().tokens)

    @property
    def cost_usd(self) -> Decimal | None:
        """What those calls cost so far. `None` while no call has a known cost; calls of unknown cost add nothing."""
        total = self.totals.read()
        return usd_from_pico(Picodollars(total.cost)) if total.priced else None

    def add_call(self, usage: Usage | None, cost: int | None) -> None:
        """Add a finished call to this run and to every run around it."""
        run: TaskRun | None = self
        while run is not None:
            run.totals.add(usage, cost)
            run = run.parent


def current_run() -> TaskRun | None:
    """The innermost task of the current context."""
    return cast("TaskRun | None", otel_context.get_current().get(TASK_KEY))


def current_call() -> "Invocation | None":
    """The model call whose client is running right now, for whoever observes its HTTP tries."""
    return cast("Invocation | None", otel_context.get_current().get(CALL_KEY))


def is_current(run: TaskRun) -> bool:
    """Whether `run`, or a run under it, is current."""
    innermost = current_run()
    while innermost is not None and innermost is not run:
        innermost = innermost.parent
    return innermost is run


def restore(run: TaskRun, previous: "Context") -> None:
    """Make `previous` current again, if `run` or a run under it is current.

    Unlike `detach`, this may be called where `run` was never current, as happens when a generator or a coroutine is
    closed from another thread or task; it does nothing there.
    """
    if is_current(run):
        otel_context.attach(previous)
