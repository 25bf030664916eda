# ruff: noqa: SLF001 - a record is filled in here, and some of its attributes have the names that the SDK reads
# pyright: reportPrivateUsage=false
"""The only writer of call spans: adaptors keep scalars, this module begins and ends the span that they belong to.

The way of one call: `start` (or, for adaptors, `begin`) begins the span under the current context; `activated` makes it
current while the client works; exactly one of `finish`, `fail`, `abandon` ends it. Nothing of the request or response
is kept but scalars, and nothing is made of them here: `_call_span.py` does that where the span is read.
"""

from types import TracebackType
from typing import Any, Final, TypeVar

from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage] - no public name
    Context,
)
from opentelemetry.trace import INVALID_SPAN, Span

from worthwhile import _clock, _guard, _legs, _setup
from worthwhile._call import Attempt, CallRequest, CallResponse, Facts, Format, Target
from worthwhile._call_span import CallSpan
from worthwhile._context import CALL_KEY, TASK_KEY, TaskRun, attach, get_current
from worthwhile._endpoints import Endpoint, endpoint
from worthwhile._errors import error_type
from worthwhile._origin import SPAN_KEY
from worthwhile._stats import tally

__all__ = ["Activation", "Attempt", "CallRequest", "CallResponse", "Invocation", "begin", "start"]

_SPAN: Final = _guard.Guard("the span of a model call")

Kind = TypeVar("Kind", bound="Invocation")

_new = object.__new__


class Invocation:
    """One model call in progress. Methods never raise, and may be called from any thread and after the end.

    The first of `finish`, `fail` and `abandon` ends the span; later ones do nothing.

    Attributes:
        attempts: The HTTP tries noted so far; a first one that went well is not.
        is_ended: Whether the span has ended; true from the start where nothing is recorded.
        outer: The context that the call was begun in.
        span: What is to be current while the client works.
    """

    __slots__ = ("_record", "_task", "attempts", "is_ended", "outer", "span")

    attempts: tuple[Attempt, ...]
    is_ended: bool
    outer: Context
    span: Span
    _record: CallSpan
    _task: TaskRun | None

    @property
    def known(self) -> Endpoint:
        """What is known about the server that the call goes to."""
        return self._record.known

    @property
    def asked(self) -> Any:
        """What the adaptor has kept of the request."""
        return self._record.asked

    def activated(self) -> "Activation":
        """Context manager in which this call and its span are current; for the time of the client's own work only."""
        return Activation(self)

    def activate(self) -> None:
        """Make this call and its span current until `deactivate`."""
        try:
            attach(Context({**self.outer, SPAN_KEY: self.span, CALL_KEY: self}))
        except Exception as error:  # noqa: BLE001 - as `with _SPAN`, but free where nothing is raised
            _SPAN.caught(error)

    def deactivate(self) -> None:
        """Make what was current before current again, unless this runs where the call was never current."""
        try:
            if get_current().get(CALL_KEY) is self:
                attach(self.outer)
        except Exception as error:  # noqa: BLE001 - as `with _SPAN`, but free where nothing is raised
            _SPAN.caught(error)

    def first_chunk(self) -> None:
        """Note that a stream has yielded its first chunk; later calls do nothing."""
        if not self.is_ended and self._record.first_chunk_ns is None:
            self._record.first_chunk_ns = _clock.perf_ns()

    def attempt(self, attempt: Attempt) -> None:
        """Note an HTTP try of this call."""
        if not self.is_ended:
            self.attempts = (*self.attempts, attempt)

    def finish(self, answer: Facts | CallResponse | None) -> None:
        """End the span of a call that succeeded."""
        if not self.is_ended:
            self.is_ended = True
            try:
                record = self._record
                if record.leg is not None:
                    _legs.succeeded(self._task, record.leg, record.format.operation)
                self._end(record, answer)
            except Exception as error:  # noqa: BLE001 - as `with _SPAN`, but free where nothing is raised
                _SPAN.caught(error)

    def fail(self, error: BaseException, answer: Facts | CallResponse | None = None) -> None:
        """End the span of a call that raised `error`; `answer` is what had arrived of it."""
        if not self.is_ended:
            self.is_ended = True
            with _SPAN:
                record = self._record
                record.reason = error_type(error)
                if isinstance(error, Exception):
                    told = (record.format.operation, record.model, record.server, record.known.tier, record.reason)
                    _legs.failed(self._task, record.leg, *told)
                self._end(self._record, answer)

    def abandon(self, answer: Facts | CallResponse | None) -> None:
        """End the span of a stream that the caller left unread; `answer` is what had arrived of it."""
        if not self.is_ended:
            self.is_ended = True
            with _SPAN:
                self._end(self._record, answer)

    def _end(self, record: CallSpan, answer: Facts | CallResponse | None) -> None:
        record._end_time = record._start_time + _clock.perf_ns() - record.started_perf_ns
        record.answer = answer
        if self.attempts:
            record.attempts = self.attempts
        tally.calls += 1
        task, leg = self._task, record.leg
        if task is not None:
            task.count(record)
        if leg is not None and leg.ledger is not None:
            leg.ledger.count(record)
        record._origin.end(record)


class Activation:
    """Makes a call and its span current for the length of a `with` block."""

    __slots__ = ("_invocation", "_is_active")

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._is_active = False

    def __enter__(self) -> None:
        """Make the call current."""
        if not self._invocation.is_ended:
            self._is_active = True
            self._invocation.activate()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make what was current before current again, unless this runs where the call was never current."""
        if self._is_active:
            self._invocation.deactivate()


def start(request: CallRequest) -> Invocation:
    """Begin the span of a model call under the current context, without making it current."""
    with _SPAN:
        known = endpoint(request.base_url, request.client)
        format_ = _plain_formats.get(request.operation) or _plain_format(request.operation)
        target = Target(known, f"{known.address}:{known.port}")
        begun = begin(Invocation, format_, target, request.model, request.attributes, request.is_stream)
        return INERT if begun is None else begun
    return INERT


def begin(
    kind: type[Kind],
    format_: Format,
    target: Target,
    model: str | None,
    asked: object,
    is_stream: bool,
) -> Kind | None:
    """Begin the span of a model call, of whose request the adaptor has kept `asked`, for `format_` to read.

    Returns an invocation of the adaptor's own `kind`, `None` where nothing is recorded. May raise, unlike `start`: the
    adaptor guards this along with what it does itself.
    """
    pipeline = _setup.active()
    if pipeline is None:
        return None
    current = get_current()
    if current.get(_SUPPRESS_INSTRUMENTATION_KEY):
        return None
    task: Any = current.get(TASK_KEY)
    known = target.known
    record = _new(CallSpan)
    record.format = format_
    record.known = known
    record.server = target.server
    record.model = model
    record.asked = asked
    record.is_stream = is_stream
    record.labels = None if task is None else task.call_attributes
    if task is None and not _legs._has_scopes:
        record.leg = None  # as `starting` would say, but without asking it for every call
    else:
        record.leg = _legs.starting(task, format_.operation, model, target.server, known.tier)
    record.answer = record._priced = record._response = None
    record._end_time = record._parent = record._made_context = record._whole = None
    record._start_time = _clock.time_ns()
    record.started_perf_ns = _clock.perf_ns()
    invocation = _new(kind)
    invocation._record = record
    invocation._task = task
    invocation.attempts = ()
    invocation.outer = current
    invocation.span = pipeline.origin.begin(record, current)
    invocation.is_ended = False
    return invocation


_plain_formats: Final[dict[str, Format]] = {}


def _plain_format(operation: str) -> Format:
    """How a call is read whose adaptor has made its attributes and its `CallResponse` itself."""
    return _plain_formats.setdefault(operation, Format(operation, dict, lambda facts: CallResponse()))


def _inert() -> Invocation:
    invocation = Invocation()
    invocation._task = None
    invocation.attempts = ()
    invocation.outer = Context()
    invocation.span = INVALID_SPAN
    invocation.is_ended = True
    return invocation


INERT: Final = _inert()
"""Stands for every call that is not recorded; it has ended, so nothing changes it."""
