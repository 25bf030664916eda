"""Test instrumented programs: collect tasks, calls and signals in memory, with fixed ids and clocks.

>>> import worthwhile as ww
>>> from worthwhile import testing
>>> with testing.capture() as captured, ww.task("greet", key="T-1"):
...     pass
>>> captured.task("greet").attributes["worthwhile.task.status"]
'completed'
>>> captured.usage_of(captured.task(key="T-1")).input_tokens, captured.cost_usd_of(captured.task("greet"))
(None, None)

As a pytest fixture, in a `conftest.py`; there is no plug-in, nothing is loaded that is not asked for:

    captured = pytest.fixture(testing.capturing)

    def test_the_answer_costs_less_than_a_cent(captured):
        answer("T-1", "refunds")
        task = captured.task("ticket-reply", key="T-1")
        assert captured.usage_of(task).output_tokens == 96
        assert captured.cost_usd_of(task) < Decimal("0.01")
"""

import itertools
import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from threading import RLock
from typing import TYPE_CHECKING, Final, cast

from worthwhile import _clock, _guard, _identity, _setup
from worthwhile.usage import Usage
from worthwhile_schemas import attributes as names

if TYPE_CHECKING:
    from opentelemetry.sdk._logs import ReadableLogRecord, ReadWriteLogRecord
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.util.types import AnyValue

    from worthwhile._pipeline import Pipeline

__all__ = ["Captured", "EventRecord", "SignalRecord", "SpanRecord", "capture", "capturing", "swallowing_errors"]

START_NS: Final = 1_767_225_600_000_000_000
"""Where the fixed clock starts: 2026-01-01T00:00:00Z."""

STEP_NS: Final = 1_000_000
"""How far the fixed clock moves each time that it is read."""

_SETTLING_S: Final = 20.0

_TOKENS: Final = (
    names.INPUT_TOKENS,
    names.OUTPUT_TOKENS,
    names.CACHE_READ_TOKENS,
    names.CACHE_WRITE_TOKENS,
    names.CACHE_WRITE_1H_TOKENS,
    names.REASONING_TOKENS,
    names.AUDIO_INPUT_TOKENS,
    names.AUDIO_OUTPUT_TOKENS,
    names.WEB_SEARCHES,
)
"""The attributes of the fields of `Usage`, in their order."""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event of a span."""

    name: str
    timestamp_ns: int
    attributes: "Mapping[str, AnyValue]"


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """A finished span of ours. Ids are lower-case hex; `parent_id` is `None` for a root."""

    name: str
    kind: str
    status: str
    attributes: "Mapping[str, AnyValue]"
    events: tuple[EventRecord, ...]
    start_ns: int
    end_ns: int
    trace_id: str
    span_id: str
    parent_id: str | None


@dataclass(frozen=True, slots=True)
class SignalRecord:
    """An emitted signal, or what a call said. Ids are those of the span that was current, `None` without one."""

    event_name: str | None
    attributes: "Mapping[str, AnyValue]"
    timestamp_ns: int | None
    trace_id: str | None
    span_id: str | None


class Captured:
    """What has been collected so far, oldest first."""

    def __init__(self) -> None:
        self._spans: list[SpanRecord] = []
        self._signals: list[SignalRecord] = []
        self._contents: list[SignalRecord] = []

    @property
    def spans(self) -> list[SpanRecord]:
        """Every finished span."""
        return list(self._spans)

    @property
    def tasks(self) -> list[SpanRecord]:
        """The spans of tasks."""
        return [span for span in self._spans if span.attributes.get(names.SPAN_TYPE) == "task"]

    @property
    def calls(self) -> list[SpanRecord]:
        """The spans of model calls."""
        return [span for span in self._spans if span.attributes.get(names.SPAN_TYPE) == "call"]

    @property
    def signals(self) -> list[SignalRecord]:
        """Every emitted signal."""
        return list(self._signals)

    @property
    def contents(self) -> list[SignalRecord]:
        """The log records of what calls said, of those calls that have ended."""
        content = sys.modules.get("worthwhile._content")
        if content is not None:
            content.settle(_SETTLING_S)
        return list(self._contents)

    def task(self, workload: str | None = None, *, key: str | None = None) -> SpanRecord:
        """The only finished run of a task with this workload and this key; `None` is any.

        Raises:
            LookupError: There is none, or more than one.
        """
        wanted = {names.WORKLOAD: workload, names.TASK_KEY: key}
        found = [
            task
            for task in self.tasks
            if all(value is None or task.attributes.get(name) == value for name, value in wanted.items())
        ]
        if len(found) != 1:
            there = ", ".join(f"`{_text(task, names.WORKLOAD)}` {_text(task, names.TASK_KEY)}" for task in self.tasks)
            raise LookupError(
                f"looking for a task `{workload or 'of any workload'}` {key or 'of any key'}: {len(found)} have ended, "
                f"1 was expected\n\nhint: there are {there or 'none at all'}"
            )
        return found[0]

    def calls_of(self, task: SpanRecord) -> list[SpanRecord]:
        """The model calls of a run, those of the tasks within it included."""
        run_id = _text(task, names.TASK_ID)
        return [call for call in self.calls if run_id in _runs_of(call)]

    def signals_of(self, task: SpanRecord) -> list[SignalRecord]:
        """The signals about a run: those that name its id, or its workload and key."""
        run_id, address = task.attributes[names.TASK_ID], (names.WORKLOAD, names.TASK_KEY)
        return [
            signal
            for signal in self._signals
            if signal.attributes.get(names.TASK_ID) == run_id
            or (
                names.TASK_KEY in signal.attributes
                and all(signal.attributes.get(name) == task.attributes.get(name) for name in address)
            )
        ]

    def usage_of(self, task: SpanRecord) -> Usage:
        """Tokens of the calls of a run by kind. `None` where no call has reported the kind."""
        calls = self.calls_of(task)
        return Usage(*(_sum(call.attributes.get(name) for call in calls) for name in _TOKENS))

    def cost_usd_of(self, task: SpanRecord) -> Decimal | None:
        """What the calls of a run have cost; `None` if no cost is known. Calls of unknown cost add nothing."""
        costs = [call.attributes.get(names.COST_AMOUNT) for call in self.calls_of(task)]
        known = [Decimal(str(cost)) for cost in costs if cost is not None]
        return sum(known, Decimal(0)) if known else None

    def clear(self) -> None:
        """Forget what was collected."""
        self._spans.clear()
        self._signals.clear()
        self._contents.clear()


@contextmanager
def capture(*, fixed: bool = True) -> Generator[Captured]:
    """Collect every task, call and signal of this process in memory instead of sending them.

    Args:
        fixed: Whether ids count up from 1 and the clocks start at `START_NS` and move by `STEP_NS` at each reading, so
            that whole spans can be compared. False leaves ids and clocks as they are.
    """
    captured = Captured()
    pipeline = _memory_pipeline(captured, fixed=fixed)
    real = (_clock.time_ns, _clock.perf_ns, _identity.new_id)
    if fixed:
        clock = _FixedClock()
        _clock.time_ns = _clock.perf_ns = clock.read
        _identity.new_id = _counted_ids()
    try:
        with _setup.replaced(pipeline):
            yield captured
    finally:
        _clock.time_ns, _clock.perf_ns, _identity.new_id = real


def capturing() -> Generator[Captured]:
    """`capture` as pytest wants a fixture: `captured = pytest.fixture(testing.capturing)`."""
    with capture() as captured:
        yield captured


@contextmanager
def swallowing_errors() -> Generator[None]:
    """Treat internal errors and misuse as in production, logged and swallowed, although pytest is running."""
    before, _guard.reraises = _guard.reraises, False
    try:
        yield
    finally:
        _guard.reraises = before


def _text(span: SpanRecord, name: str) -> str:
    return str(span.attributes.get(name, ""))


def _runs_of(call: SpanRecord) -> list[str]:
    return [_text(call, names.TASK_ID), *_text(call, names.TASK_ANCESTORS).split(",")]


def _sum(counts: Iterable["AnyValue"]) -> int | None:
    known = [cast("int", count) for count in counts if count is not None]
    return sum(known) if known else None


class _FixedClock:
    def __init__(self) -> None:
        self._readings = itertools.count(START_NS, STEP_NS)
        self._lock = RLock()  # a destructor may read the clock in the middle of a reading

    def read(self) -> int:
        with self._lock:
            return next(self._readings)


def _counted_ids() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"01900000-0000-7000-8000-{next(numbers):012x}"


def _memory_pipeline(captured: Captured, *, fixed: bool) -> "Pipeline":
    from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    from worthwhile._pipeline import hosted

    class Ids(IdGenerator):
        def __init__(self) -> None:
            self._numbers = itertools.count(1)

        def generate_span_id(self) -> int:
            return next(self._numbers)

        def generate_trace_id(self) -> int:
            return next(self._numbers)

    class Spans(SpanProcessor):
        def on_end(self, span: "ReadableSpan") -> None:
            captured._spans.append(_span_record(span))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    class Signals(LogRecordProcessor):
        def on_emit(self, log_record: "ReadWriteLogRecord") -> None:
            record = _signal_record(log_record)
            is_content = record.event_name == names.CONTENT_EVENT
            (captured._contents if is_content else captured._signals).append(record)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

        def shutdown(self) -> None:
            """Nothing to close."""

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return True

    tracers = TracerProvider(
        sampler=ALWAYS_ON, id_generator=Ids() if fixed else RandomIdGenerator(), shutdown_on_exit=False
    )
    tracers.add_span_processor(Spans())
    loggers = LoggerProvider(shutdown_on_exit=False)
    loggers.add_log_record_processor(Signals())
    return hosted(tracers, loggers)


def _span_record(span: "ReadableSpan") -> SpanRecord:
    context = span.get_span_context()
    return SpanRecord(
        name=span.name,
        kind=span.kind.name,
        status=span.status.status_code.name,
        attributes=dict(span.attributes or {}),
        events=tuple(EventRecord(e.name, e.timestamp, dict(e.attributes or {})) for e in span.events),
        start_ns=span.start_time or 0,
        end_ns=span.end_time or 0,
        trace_id=f"{context.trace_id:032x}" if context else "",
        span_id=f"{context.span_id:016x}" if context else "",
        parent_id=f"{span.parent.span_id:016x}" if span.parent else None,
    )


def _signal_record(signal: "ReadWriteLogRecord | ReadableLogRecord") -> SignalRecord:
    record = signal.log_record
    return SignalRecord(
        event_name=record.event_name,
        attributes=dict(record.attributes or {}),
        timestamp_ns=record.timestamp,
        trace_id=f"{record.trace_id:032x}" if record.trace_id else None,
        span_id=f"{record.span_id:016x}" if record.span_id else None,
    )
