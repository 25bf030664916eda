# ruff: noqa: SLF001 - a record's ids and times have the names that the SDK reads
# pyright: reportPrivateUsage=false
"""Where spans begin and end. An origin is chosen once per pipeline; our own is here, those of hosts in `_hosted.py`.

It gives a record its ids, and at its end hands it to our own queue.
"""

import os
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan, Span, SpanContext, TraceFlags
from opentelemetry.trace.propagation import _SPAN_KEY  # pyright: ignore[reportPrivateUsage] - no public name
from opentelemetry.trace.span import TraceState

from worthwhile._lean import LeanSpan
from worthwhile._standins import Limits, Resource, Scope, limits_in_force

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from worthwhile._standins import AnyLimits, AnyResource, AnyScope

SPAN_KEY: Final = _SPAN_KEY

RANDOM: Final = int(getattr(TraceFlags, "RANDOM_TRACE_ID", 0))  # newer than the oldest SDK that we work with
"""The flag of a trace id that is random."""

NO_STATE: Final = TraceState()

_SAMPLED_ROOT: Final = TraceFlags(TraceFlags.SAMPLED | RANDOM)


class Origin(Protocol):
    """Begins and ends the spans of our records."""

    @property
    def resource(self) -> "AnyResource":
        """What the spans are of."""
        ...

    @property
    def scope(self) -> "AnyScope":
        """Under which name they are made."""
        ...

    @property
    def limits(self) -> "AnyLimits":
        """How much they may hold."""
        ...

    def begin(self, record: LeanSpan, current: "Context") -> Span:
        """Begin a record whose start time is set; return the span to make current, which need not be the record."""
        ...

    @property
    def end(self) -> Callable[[LeanSpan], object]:
        """Hands on a record whose end time is set."""
        ...


class PrivateOrigin:
    """Our own, with no provider at all. Every record is kept, sampled or not, so that totals are exact.

    What the host has decided about sampling goes on to the servers that its clients call, as it was.
    """

    __slots__ = ("end", "limits", "resource", "scope")

    def __init__(
        self,
        put: Callable[[LeanSpan], object],
        resource: "AnyResource",
        scope: "AnyScope",
        limits: "AnyLimits | None" = None,
    ) -> None:
        """Origin of spans that `put` takes when they have ended; `limits` are those of the environment by default."""
        self.end: Callable[[LeanSpan], object] = put
        self.resource = resource
        self.scope = scope
        self.limits: AnyLimits = limits_in_force() if limits is None else limits

    def begin(self, record: LeanSpan, current: "Context") -> Span:
        """Begin `record`."""
        record._origin = self  # pyright: ignore[reportAttributeAccessIssue] - it takes `end` for a method
        record._span_id = _random_bits(64) or 1
        if current:  # in most programs nothing is, and asking takes longer than looking
            above: Any = current.get(SPAN_KEY)
            if above is not None:
                parent: SpanContext = above.get_span_context()
                if parent.is_valid:
                    record._parent = parent
                    record._trace_id = parent.trace_id
                    record._flags = parent.trace_flags
                    record._state = parent.trace_state
                    return record
        record._trace_id = _random_bits(128) or 1
        record._flags = _SAMPLED_ROOT
        record._state = NO_STATE
        return record


class _Nowhere:
    """The origin of records that nobody keeps."""

    __slots__ = ("limits", "resource", "scope")

    def __init__(self) -> None:
        self.limits = Limits()
        self.resource = Resource({})
        self.scope = Scope("worthwhile")

    def begin(self, record: LeanSpan, current: "Context") -> Span:
        """Drop `record`, and leave what is current as it is."""
        above = current.get(SPAN_KEY)
        return drop(record, INVALID_SPAN_CONTEXT if above is None else cast("Span", above).get_span_context())

    def end(self, record: LeanSpan) -> None:
        """Nobody is waiting for it."""


NOWHERE: Final = _Nowhere()


def drop(record: LeanSpan, context: SpanContext) -> Span:
    """Begin `record` where nobody keeps it; return what is to be current."""
    record._origin = NOWHERE
    record._context = context
    return NonRecordingSpan(context)


# Not the `random` module's own generator, whose sequence belongs to the host.
_ids: Final = random.Random()  # noqa: S311 - ids are no secrets
_random_bits: Callable[[int], int] = _ids.getrandbits
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_ids.seed)
