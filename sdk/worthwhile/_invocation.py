# ruff: noqa: SLF001 - a record is filled in here, and some of its attributes have the names that the SDK reads
# pyright: reportPrivateUsage=false
"""The only writer of call spans: adaptors keep scalars, this module begins and ends the span that they belong to.

The way of one call: `start` (or, for adaptors, `begin`) begins the span under the current context; `activated` makes it
current while the client works; exactly one of `finish`, `fail`, `abandon` ends it. Nothing of the request or response
is kept but scalars, and nothing is made of them here: `_call_span.py` does that where the span is read. The call in
progress and its span are one object, because every object costs a call more than all that is written into it.
"""

from contextvars import copy_context
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
from worthwhile._context import CALL_KEY, MUST_HOLD, TASK_KEY, TaskRun, attach, get_current, put_current
from worthwhile._endpoints import endpoint
from worthwhile._errors import error_type
from worthwhile._origin import SPAN_KEY
from worthwhile._stats import tally

__all__ = ["Activation", "Attempt", "CallRequest", "CallResponse", "Invocation", "begin", "start"]

_SPAN: Final = _guard.Guard("the span of a model call")

Kind = TypeVar("Kind", bound="Invocation")

_NOTHING: Final = Context()


class Invocation(CallSpan):
    """One model call in progress, and its span. Methods never raise, and may be called from any thread, and late.

    The first of `finish`, `fail` and `abandon` ends the span; later ones do nothing.

    Attributes:
        is_ended: Whether the span has ended; true from the start where nothing is recorded.
        outer: The context that the call was begun in, until it ends.
    """

    __slots__ = ("_shown", "_task", "is_ended", "outer")

    is_ended: bool
    outer: Context
    _shown: Span | None
    _task: TaskRun | None

    @property
    def span(self) -> Span:
        """What is to be current while the client works."""
        return self if self._shown is None else self._shown

    def activated(self) -> "Activation":
        """Context manager in which this call and its span are current; for the time of the client's own work only."""
        return Activation(self)

    def activate(self) -> None:
        """Make this call and its span current until `deactivate`."""
        try:
            shown = self._shown
            current: dict[str, object] = {SPAN_KEY: self if shown is None else shown, CALL_KEY: self}
            outer = self.outer
            inner = Context({**outer, **current} if outer else current)
            _held = copy_context() if MUST_HOLD else None
            put_current(inner)
        except Exception as error:  # noqa: BLE001 - as `with _SPAN`, but free where nothing is raised
            _SPAN.caught(error)

    def deactivate(self, outer: Context) -> None:
        """Make `outer` current, as before `activate`, unless this runs where the call was never current."""
        try:
            if get_current().get(CALL_KEY) is self:
                attach(outer)
        except Exception as error:  # noqa: BLE001 - as `with _SPAN`, but free where nothing is raised
            _SPAN.caught(error)

    def first_chunk(self) -> None:
        """Note that a stream has yielded its first chunk; later calls do nothing."""
        if not self.is_ended and self.first_chunk_ns is None:
            self.first_chunk_ns = _clock.perf_ns()

    def attempt(self, attempt: Attempt) -> None:
        """Note an HTTP try of this call; a first one that went well need not be."""
        if not self.is_ended:
            self.attempts = (*self.attempts, attempt)

    def finish(self, answer: Facts | CallResponse | None) -> None:
        """End the span of a call that succeeded."""
        if not self.is_ended:
            self.is_ended = True
            try:
                if self.leg is not None:
                    _legs.succeeded(self._task, self.leg, self.format.operation)
                self._end(answer)
            except Exception as error:  # noqa: BLE001 - as `with _SPAN`, but free where nothing is raised
                _SPAN.caught(error)

    def fail(self, error: BaseException, answer: Facts | CallResponse | None = None) -> None:
        """End the span of a call that raised `error`; `answer` is what had arrived of it."""
        if not self.is_ended:
            self.is_ended = True
            with _SPAN:
                self.reason = error_type(error)
                if isinstance(error, Exception):
                    told = (self.format.operation, self.model, self.server, self.known.tier, self.reason)
                    _legs.failed(self._task, self.leg, *told)
                self._end(answer)

    def abandon(self, answer: Facts | CallResponse | None) -> None:
        """End the span of a stream that the caller left unread; `answer` is what had arrived of it."""
        if not self.is_ended:
            self.is_ended = True
            with _SPAN:
                self._end(answer)

    def _end(self, answer: Facts | CallResponse | None) -> None:
        self.answer = answer
        self._end_time = self._start_time + _clock.perf_ns() - self.started_perf_ns
        tally.calls += 1
        task, leg = self._task, self.leg
        self.outer, self._task = _NOTHING, None  # they belong to the host, and the span may wait for long
        if task is not None:
            task.count(self)
        if leg is not None and leg.ledger is not None:
            leg.ledger.count(self)
        self._origin.end(self)


class Activation:
    """Makes a call and its span current for the length of a `with` block."""

    __slots__ = ("_invocation", "_outer")

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._outer: Context | None = None

    def __enter__(self) -> None:
        """Make the call current."""
        if not self._invocation.is_ended:
            self._outer = self._invocation.outer
            self._invocation.activate()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make what was current before current again, unless this runs where the call was never current."""
        if self._outer is not None:
            self._invocation.deactivate(self._outer)


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
    pipeline = _setup._pipeline or _setup.active()
    if pipeline is None:
        return None
    current = get_current()
    task: Any = None
    if current:  # in most programs nothing is, and asking takes longer than looking
        if current.get(_SUPPRESS_INSTRUMENTATION_KEY):
            return None
        task = current.get(TASK_KEY)
    known = target.known
    call = kind()
    call.format = format_
    call.known = known
    call.server = target.server
    call.model = model
    call.asked = asked
    call.is_stream = is_stream
    call.is_ended = False
    call.attempts = ()
    call.outer = current
    call.answer = call.first_chunk_ns = call.reason = call._priced = call._response = None
    call._end_time = call._parent = call._made_context = call._sampled = call._whole = call._written = None
    if task is None and not _legs._has_scopes:
        call._task = call.labels = call.leg = None  # as `starting` would say, but without asking it for every call
    else:
        call._task = task
        call.labels = None if task is None else task.call_attributes
        call.leg = _legs.starting(task, format_.operation, model, target.server, known.tier)
    call._start_time = _clock.time_ns()
    call.started_perf_ns = _clock.perf_ns()
    shown = pipeline.origin.begin(call, current)
    call._shown = None if shown is call else shown  # not the call itself, or only the collector could free it
    return call


_plain_formats: Final[dict[str, Format]] = {}


def _plain_format(operation: str) -> Format:
    """How a call is read whose adaptor has made its attributes and its `CallResponse` itself."""
    return _plain_formats.setdefault(operation, Format(operation, dict, lambda facts: CallResponse()))


def _inert() -> Invocation:
    invocation = Invocation()
    invocation.attempts = ()
    invocation.outer = _NOTHING
    invocation._shown = INVALID_SPAN
    invocation.is_ended = True
    return invocation


INERT: Final = _inert()
"""Stands for every call that is not recorded; it has ended, so nothing changes it."""
