"""A span that costs next to nothing until somebody reads it: ids, times and scalars now, everything else on first read.

It has what a span of the OpenTelemetry SDK has, without loading that: any processor or exporter may read it, at any
time and from any thread, and while it records anybody may write on it. What a kind of span says of itself is in its
`start_attributes`, `end_attributes` and the like, which run where it is read, as a rule in the thread that delivers.
"""

import functools
import traceback
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from time import time_ns
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags
from opentelemetry.trace.span import TraceState
from opentelemetry.util.types import AnyValue, Attributes, AttributeValue

from worthwhile import _guard
from worthwhile._standins import made_event
from worthwhile._text import MAX_TEXT, bounded, sendable
from worthwhile_schemas import attributes as names

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Event, ReadableSpan

    from worthwhile._origin import Origin
    from worthwhile._standins import AnyLimits


def _checked_context(parts: tuple[Any, ...]) -> SpanContext:
    return SpanContext(*parts[:5])


# A `SpanContext` is a tuple that its constructor checks; where it is the one we know, that costs as much as the span.
_new = cast("Any", tuple.__new__)  # pyright: ignore[reportUnknownMemberType] - of a tuple of anything
_unchecked_context: Callable[[tuple[Any, ...]], SpanContext] = functools.partial(_new, SpanContext)
_example: Final = (1, 2, False, TraceFlags(TraceFlags.SAMPLED), TraceState(), True)
span_context: Final = _unchecked_context if tuple(_checked_context(_example)) == _example else _checked_context
"""A valid context from its six parts: trace id, span id, is it remote, flags, state, is it valid."""

UNSET: Final = Status(StatusCode.UNSET)
ERROR: Final = Status(StatusCode.ERROR)

_MAX_NAME: Final = MAX_TEXT + 64
"""A name is an operation and a text."""

_NO_ATTRIBUTES: Final[Mapping[str, AttributeValue]] = {}
_READING: Final = _guard.Guard("what a span says of itself")


class LeanSpan(Span):
    """A span whose content is made when it is first read.

    Made with `object.__new__` by its owner, who sets every attribute below; an `Origin` begins it and takes it at its
    end. Whoever finds it in a context may write on it but not end it.

    Attributes:
        _began_here: Whether its trace began in this process, set by an origin that samples; `None` if unknown.
        _end_time: When it ended, in Unix nanoseconds; `None` while it records.
        _flags: Its trace flags, set by the origin.
        _made_context: Its ids, flags and state in one, once somebody has asked for them so.
        _origin: Where it began, set by it.
        _parent: The span above it, set by the origin.
        _sampled: Attributes that a sampler added.
        _span_id: Its id, set by the origin.
        _start_time: When it began, in Unix nanoseconds.
        _state: Its trace state, set by the origin.
        _trace_id: Id of its trace, set by the origin.
        _whole: All its attributes, once it has ended and somebody has read them.
        _written: What others have written on it.
    """

    __slots__ = (
        "_end_time",
        "_flags",
        "_made_context",
        "_origin",
        "_parent",
        "_sampled",
        "_span_id",
        "_start_time",
        "_state",
        "_trace_id",
        "_whole",
        "_written",
    )

    _kind = SpanKind.INTERNAL
    _instrumentation_info = None
    instrumentation_info = None

    _end_time: int | None
    _flags: TraceFlags
    _made_context: SpanContext | None
    _origin: "Origin"
    _parent: SpanContext | None
    _sampled: Mapping[str, AttributeValue] | None
    _span_id: int
    _start_time: int
    _state: TraceState
    _trace_id: int
    _whole: "Mapping[str, AnyValue] | None"
    _written: "_Written | None"

    _began_here: bool | None = None  # seldom set, so that it is an attribute of the class until it is

    # What a kind of span says of itself.

    def span_name(self) -> str:
        """Its name, as the kind of span has it."""
        raise NotImplementedError

    def start_attributes(self) -> dict[str, AttributeValue]:
        """What is known when the span starts; this is what a sampler sees."""
        raise NotImplementedError

    def end_attributes(self) -> Mapping[str, AttributeValue]:
        """What is known at the end and was not at the start."""
        return _NO_ATTRIBUTES

    def own_events(self) -> "Sequence[Event]":
        """The events that the kind of span has by itself, in order."""
        return ()

    def has_failed(self) -> bool:
        """Whether what the span records ended in an error."""
        return False

    # Reading, as of a span of the SDK.

    @property
    def _context(self) -> SpanContext:
        made = self._made_context
        if made is None:
            made = self._made_context = span_context(
                (self._trace_id, self._span_id, False, self._flags, self._state, True)
            )
        return made

    @_context.setter
    def _context(self, context: SpanContext) -> None:
        self._made_context = context
        self._trace_id, self._span_id = context.trace_id, context.span_id
        self._flags, self._state = context.trace_flags, context.trace_state

    @property
    def _name(self) -> str:
        written = self._written
        name = self.span_name() if written is None or written.name is None else written.name
        return bounded(name, _MAX_NAME)

    @property
    def _attributes(self) -> "Mapping[str, AnyValue]":
        whole = self._whole
        if whole is None:
            whole = self._read_attributes()
            if self._end_time is not None:
                self._whole = whole
        return whole

    @property
    def _events(self) -> "Sequence[Event]":
        written = self._written
        own: Sequence[Event] = ()
        if self._end_time is not None:
            with _READING:
                own = self.own_events()
        most = self._limits.max_events
        if written is None and (most is None or len(own) <= most):
            return own
        from opentelemetry.sdk.util import BoundedList

        events: BoundedList[Event] = BoundedList(most)
        events.extend([*(() if written is None else written.events), *own])
        events.dropped += 0 if written is None else written.events.dropped
        return events

    @property
    def _links(self) -> Sequence[Link]:
        return () if self._written is None else self._written.links

    @property
    def _status(self) -> Status:
        written = UNSET if self._written is None else self._written.status
        return ERROR if self.has_failed() and written.status_code is not StatusCode.OK else written

    _resource = resource = property(attrgetter("_origin.resource"), doc="What it is of.")
    _instrumentation_scope = property(attrgetter("_origin.scope"), doc="Under which name it was made.")
    instrumentation_scope = _instrumentation_scope
    _limits = property(attrgetter("_origin.limits"), doc="How much it may hold.")

    kind = property(attrgetter("_kind"), doc="Its kind.")
    parent = property(attrgetter("_parent"), doc="The span above it.")
    start_time = property(attrgetter("_start_time"), doc="When it began, in Unix nanoseconds.")
    end_time = property(attrgetter("_end_time"), doc="When it ended, in Unix nanoseconds; `None` while it records.")
    name = property(attrgetter("_name"), doc="Its name.")
    context = property(attrgetter("_context"), doc="Its ids and flags.")
    status = property(attrgetter("_status"), doc="Its status.")

    @property
    def attributes(self) -> "Mapping[str, AnyValue]":
        """Its attributes."""
        return MappingProxyType(self._attributes)

    @property
    def events(self) -> "Sequence[Event]":
        """Its events."""
        return tuple(self._events)

    @property
    def links(self) -> Sequence[Link]:
        """Its links."""
        return tuple(self._links)

    @property
    def dropped_attributes(self) -> int:
        """Attributes that the limits left out."""
        return getattr(self._attributes, "dropped", 0)

    @property
    def dropped_events(self) -> int:
        """Events that the limits left out."""
        return getattr(self._events, "dropped", 0)

    @property
    def dropped_links(self) -> int:
        """Links that the limits left out."""
        return getattr(self._links, "dropped", 0)

    def get_span_context(self) -> SpanContext:
        """Its ids and flags."""
        return self._context

    def is_recording(self) -> bool:
        """Whether it has not ended."""
        return self._end_time is None

    def _readable_span(self) -> "ReadableSpan":
        return cast("ReadableSpan", self)

    def to_json(self, indent: int | None = 4) -> str:
        """As the SDK shows its spans; loads it."""
        from opentelemetry.sdk.trace import ReadableSpan

        from worthwhile._hosted import as_sdk_span

        shown: str = ReadableSpan.to_json(as_sdk_span(self), indent)
        return shown

    def otlp(self) -> bytes:
        """Content of its OTLP `Span` message."""
        from worthwhile._encode import span_content

        return span_content(cast("ReadableSpan", self))

    def __repr__(self) -> str:
        return f'{type(self).__name__}(name="{self._name}", context={self._context})'

    # Writing, by whoever finds the span in a context or gets it as it starts.

    def set_attribute(self, key: str, value: AnyValue) -> None:
        """Add an attribute; what the span says of itself at its end goes over it."""
        written = self._writable()
        if written is not None:
            written.attributes[key] = value

    def set_attributes(self, attributes: Mapping[str, AnyValue]) -> None:
        """Add attributes, as `set_attribute` does."""
        written = self._writable()
        if written is not None:
            for key, value in attributes.items():
                written.attributes[key] = value

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Add an event."""
        written = self._writable()
        if written is not None:
            limits = self._limits
            bounded = BoundedAttributes(
                limits.max_event_attributes, attributes, max_value_len=limits.max_attribute_length
            )
            written.events.append(made_event(name, bounded, time_ns() if timestamp is None else timestamp))

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Add an event that describes `exception`."""
        kind = type(exception)
        is_builtin = kind.__module__ in {"", "builtins"}
        found: dict[str, AnyValue] = {
            "exception.type": kind.__qualname__ if is_builtin else f"{kind.__module__}.{kind.__qualname__}",
            "exception.message": str(exception),
            "exception.stacktrace": "".join(traceback.format_exception(exception)),
            "exception.escaped": str(escaped),
            **(attributes or {}),
        }
        self.add_event("exception", found, timestamp)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell the error of a block for which somebody has used the span; the block does not end it."""
        if error is not None and self.is_recording():
            self.record_exception(error, escaped=True)
            self.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Link the span to another."""
        written = self._writable()
        if written is not None and (context.is_valid or attributes or context.trace_state):
            limits = self._limits
            bounded = BoundedAttributes(
                limits.max_link_attributes, attributes, max_value_len=limits.max_attribute_length
            )
            written.links.append(Link(context, bounded))

    def update_name(self, name: str) -> None:
        """Give the span another name."""
        written = self._writable()
        if written is not None:
            written.name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status: as in the SDK, `OK` is final and `UNSET` changes nothing."""
        written = self._writable()
        if written is None or written.status.status_code is StatusCode.OK:
            return
        new = status if isinstance(status, Status) else Status(status, description)
        if new.status_code is not StatusCode.UNSET:
            written.status = new

    def end(self, end_time: int | None = None) -> None:
        """Do nothing: only the call or task that the span records ends it, or its tokens would be lost."""

    def _writable(self) -> "_Written | None":
        if self._end_time is not None:
            _guard.warn_once("ignored what was written on a span of worthwhile that had ended")
            return None
        written = self._written
        if written is None:
            # One atomic step, so that two threads that write first do so on the same object.
            written = self._written = cast("_Written", vars(self).setdefault("written", _Written(self._limits)))
        return written

    def _read_attributes(self) -> "Mapping[str, AnyValue]":
        found: dict[str, Any] = {}
        with _READING:
            found = sendable(self.start_attributes())
        sampler = getattr(self._origin, "sampler", None)  # of the origins that keep only what one chooses
        if sampler is not None:
            from worthwhile import _sampling

            weight = _sampling.weight(self._context, sampler, self._parent, began_here=self._began_here)
            if weight is not None:
                found[names.SAMPLE_WEIGHT] = weight
        if self._sampled is not None:
            found.update(self._sampled)
        if self._written is not None:
            found.update(self._written.attributes.copy())
        if self._end_time is not None:
            with _READING:
                found.update(sendable(dict(self.end_attributes())))
        limits, dropped = self._limits, 0 if self._written is None else self._written.attributes.dropped
        count, length = limits.max_span_attributes, limits.max_span_attribute_length
        if length is None and (count is None or len(found) <= count) and not dropped:
            return found
        bounded = BoundedAttributes(count, found, immutable=True, max_value_len=length)
        bounded.dropped += dropped
        return bounded


class _Written:
    """What others wrote on a span."""

    __slots__ = ("attributes", "events", "links", "name", "status")

    def __init__(self, limits: "AnyLimits") -> None:
        from opentelemetry.sdk.util import BoundedList

        self.attributes = BoundedAttributes(
            limits.max_span_attributes, immutable=False, max_value_len=limits.max_span_attribute_length
        )
        self.events: BoundedList[Event] = BoundedList(limits.max_events)
        self.links: BoundedList[Link] = BoundedList(limits.max_links)
        self.name: str | None = None
        self.status = UNSET
