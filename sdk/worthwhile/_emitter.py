"""How signals leave: as log records of our own making, or through the host's logger."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Protocol, cast

from opentelemetry.context import Context
from opentelemetry.trace import get_current_span

from worthwhile._otlp import LOG_ATTRIBUTES, fixed32, fixed64, text_field

if TYPE_CHECKING:
    from opentelemetry._logs import Logger
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext

    from worthwhile._standins import AnyResource, AnyScope

    Value = str | int | float | bool

_INFO: Final = b"\x10\x09" + text_field(b"\x1a", "INFO")


class Emitter(Protocol):
    """Emits log records."""

    def emit(
        self,
        event_name: str,
        attributes: "Mapping[str, Value]",
        *,
        timestamp_ns: int,
        observed_ns: int,
        about: "SpanContext | None" = None,
    ) -> None:
        """Emit one about a span; the current one if omitted."""
        ...


class SignalRecord:
    """A log record that knows how to write itself.

    Attributes:
        resource: What it is of.
        instrumentation_scope: Under which name it was made.
    """

    __slots__ = (
        "_attributes", "_context", "_event_name", "_observed_ns", "_timestamp_ns", "instrumentation_scope", "resource"
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - what a log record consists of
        self,
        event_name: str,
        attributes: "Mapping[str, Value]",
        context: "SpanContext",
        *,
        timestamp_ns: int,
        observed_ns: int,
        resource: "AnyResource",
        scope: "AnyScope",
    ) -> None:
        self._event_name = event_name
        self._attributes = attributes
        self._context = context
        self._timestamp_ns = timestamp_ns
        self._observed_ns = observed_ns
        self.resource = resource
        self.instrumentation_scope = scope

    def otlp(self) -> bytes:
        """Content of its OTLP `LogRecord` message."""
        out = [b"\x09", fixed64(self._timestamp_ns), _INFO]
        LOG_ATTRIBUTES.append(out, self._attributes)
        context = self._context
        if context.is_valid:
            if context.trace_flags:
                out += (b"\x45", fixed32(context.trace_flags))
            out += (b"\x4a\x10", context.trace_id.to_bytes(16, "big"))
            out += (b"\x52\x08", context.span_id.to_bytes(8, "big"))
        out += (b"\x59", fixed64(self._observed_ns), text_field(b"\x62", self._event_name))
        return b"".join(out)

    def readable(self) -> "ReadableLogRecord":
        """As OpenTelemetry's SDK has it, for exporters that take its records."""
        from opentelemetry._logs import LogRecord, SeverityNumber
        from opentelemetry.sdk._logs import ReadableLogRecord

        record = LogRecord(
            timestamp=self._timestamp_ns,
            observed_timestamp=self._observed_ns,
            context=_only(self._context),
            severity_number=SeverityNumber.INFO,
            severity_text="INFO",
            attributes=dict(self._attributes),
            event_name=self._event_name,
        )
        resource, scope = cast("tuple[Resource, InstrumentationScope]", (self.resource, self.instrumentation_scope))
        return ReadableLogRecord(record, resource, scope)


class PrivateEmitter:
    """Puts records into a queue of ours.

    Attributes:
        resource: What the records are of.
    """

    __slots__ = ("_put", "_scope", "resource")

    def __init__(self, put: Callable[[SignalRecord], object], resource: "AnyResource", scope: "AnyScope") -> None:
        self._put = put
        self.resource = resource
        self._scope = scope

    def emit(
        self,
        event_name: str,
        attributes: "Mapping[str, Value]",
        *,
        timestamp_ns: int,
        observed_ns: int,
        about: "SpanContext | None" = None,
    ) -> None:
        """Queue a record."""
        self._put(
            SignalRecord(
                event_name,
                attributes,
                get_current_span().get_span_context() if about is None else about,
                timestamp_ns=timestamp_ns,
                observed_ns=observed_ns,
                resource=self.resource,
                scope=self._scope,
            )
        )


class HostEmitter:
    """Emits through a logger of the host's provider."""

    __slots__ = ("_logger",)

    def __init__(self, logger: "Logger") -> None:
        self._logger = logger

    def emit(
        self,
        event_name: str,
        attributes: "Mapping[str, Value]",
        *,
        timestamp_ns: int,
        observed_ns: int,
        about: "SpanContext | None" = None,
    ) -> None:
        """Emit a record."""
        from opentelemetry._logs import SeverityNumber

        self._logger.emit(
            context=None if about is None else _only(about),
            timestamp=timestamp_ns,
            observed_timestamp=observed_ns,
            severity_number=SeverityNumber.INFO,
            severity_text="INFO",
            attributes=attributes,
            event_name=event_name,
        )


def _only(span: "SpanContext") -> Context:
    """A context in which this span is current, and nothing else is."""
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    return set_span_in_context(NonRecordingSpan(span), Context())
