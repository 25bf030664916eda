# ruff: noqa: SLF001 - a record's ids and times have the names that the SDK reads
# pyright: reportPrivateUsage=false
"""Spans in the host's OpenTelemetry SDK, or with whatever else the host has set.

The SDK's provider is used as its own tracer uses it: its processors get our records at their end, and take them for
spans of their own. A tracer of another make makes a real span, and the record is copied onto it.
"""

import sys
from abc import ABCMeta
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, SynchronousMultiSpanProcessor, TracerProvider
from opentelemetry.sdk.trace import Tracer as SdkTracer
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision, ParentBased, Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import INVALID_SPAN_CONTEXT, Span, SpanContext, StatusCode, TraceFlags

from worthwhile import _sampling
from worthwhile._lean import LeanSpan, span_context
from worthwhile._origin import NO_STATE, NOWHERE, RANDOM, SPAN_KEY, Origin, drop
from worthwhile._text import sendable
from worthwhile_schemas import attributes as names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.trace.span import TraceState
    from opentelemetry.util.types import AttributeValue

_FLAGS: Final = tuple(TraceFlags(bits) for bits in range(4))

_sdk_kinds: Final[dict[type[LeanSpan], type[LeanSpan]]] = {}


def origin_of(provider: trace.TracerProvider, name: str, version: str) -> Origin:
    """The origin for spans that `provider` is to make under `name`; `NOWHERE` if it makes none."""
    tracer = provider.get_tracer(name, version)
    if isinstance(tracer, trace.NoOpTracer):
        return NOWHERE
    scope = InstrumentationScope(name, version)
    if type(provider) is TracerProvider and type(tracer) is SdkTracer and not _counts_itself(tracer):
        return HostedOrigin(tracer, provider._span_limits, scope)
    return ForeignOrigin(tracer, scope)


def as_sdk_span(record: LeanSpan) -> SdkSpan:
    """Make `record`, as it stands, a span of the SDK in the eyes of `isinstance` too."""
    kind = type(record)
    known = _sdk_kinds.get(kind)
    if known is None:
        if issubclass(kind, SdkSpan):
            return cast("SdkSpan", record)
        body = {"__slots__": (), "__module__": kind.__module__, "__qualname__": kind.__qualname__}
        known = _sdk_kinds[kind] = cast("type[LeanSpan]", ABCMeta(kind.__name__, (kind, SdkSpan), body))
    record.__class__ = known
    return cast("SdkSpan", record)


class HostedOrigin:
    """The host's SDK provider: its sampler, ids, resource, limits and processors, as its own tracer would use them."""

    __slots__ = ("_plain", "_processors", "_starters", "_tracer", "limits", "scope")

    def __init__(self, tracer: SdkTracer, limits: SpanLimits, scope: InstrumentationScope) -> None:
        """Origin of spans that `tracer`, whose provider has `limits`, would make."""
        self._tracer = tracer
        self.limits = limits
        self.scope = scope
        self._plain: Sampler | None = None
        self._processors: tuple[SpanProcessor, ...] | None = None
        self._starters: tuple[SpanProcessor, ...] = ()

    @property
    def sampler(self) -> Sampler:
        """What decides which spans are kept."""
        return self._tracer.sampler

    @property
    def resource(self) -> Resource:
        """The provider's, which changes when the process forks."""
        return self._tracer.resource

    def begin(self, record: LeanSpan, current: "Context") -> Span:
        """Begin `record` as the tracer begins a span."""
        tracer = self._tracer
        above = current.get(SPAN_KEY)
        parent = INVALID_SPAN_CONTEXT if above is None else cast("Span", above).get_span_context()
        if not tracer._is_enabled():
            return drop(record, parent)
        ids = tracer.id_generator
        if parent.is_valid:
            record._parent = parent
            trace_id, flags = parent.trace_id, parent.trace_flags & RANDOM
        else:
            trace_id, flags = ids.generate_trace_id(), RANDOM if _makes_random_ids(ids) else 0
        state: TraceState | None = parent.trace_state
        if self._samples_all(tracer.sampler, parent):
            flags |= TraceFlags.SAMPLED
        else:
            result = tracer.sampler.should_sample(
                None, trace_id, record.name, record.kind, sendable(record.start_attributes()), ()
            )
            state = result.trace_state
            if result.decision is Decision.RECORD_AND_SAMPLE:
                flags |= TraceFlags.SAMPLED
            if result.decision is Decision.DROP:
                return drop(
                    record,
                    span_context((trace_id, ids.generate_span_id(), False, _FLAGS[flags], state or NO_STATE, True)),
                )
            record._sampled = cast("Mapping[str, AttributeValue]", result.attributes)
            record._began_here = _sampling.began_here(cast("Span | None", above))
        span = as_sdk_span(record)
        record._origin = self
        record._context = span_context(
            (trace_id, ids.generate_span_id(), False, _FLAGS[flags], state or NO_STATE, True)
        )
        for processor in self._started_for():
            processor.on_start(span, parent_context=None)
        return record

    def end(self, record: LeanSpan) -> None:
        """Show `record` to the provider's processors."""
        processors = cast("Any", self._tracer.span_processor)
        if hasattr(processors, "_on_ending"):  # newer than the oldest SDK that we work with
            processors._on_ending(record)
        processors.on_end(record)

    def _samples_all(self, sampler: Sampler, parent: SpanContext) -> bool:
        """Whether it is certain, without asking, that `sampler` keeps a span under `parent` and adds nothing to it."""
        if sampler is not self._plain:
            if not (sampler is ALWAYS_ON or _keeps_what_parents_keep(sampler)):
                return False
            self._plain = sampler
        return sampler is ALWAYS_ON or not parent.is_valid or parent.trace_flags.sampled

    def _started_for(self) -> tuple[SpanProcessor, ...]:
        """The processors that do something when a span starts."""
        whole = self._tracer.span_processor
        if type(whole) is not SynchronousMultiSpanProcessor:
            return (cast("SpanProcessor", whole),)
        processors = whole._span_processors  # a new tuple whenever one is added
        if processors is not self._processors:
            idle = _idle_starts()
            self._starters = tuple(each for each in processors if type(each).on_start not in idle)
            self._processors = processors
        return self._starters


class ForeignOrigin:
    """A tracer of another make, or one that counts its own spans: real spans, onto which the records are copied."""

    __slots__ = ("_tracer", "limits", "resource", "scope")

    def __init__(self, tracer: trace.Tracer, scope: InstrumentationScope) -> None:
        """Origin of spans that `tracer` makes."""
        self._tracer = tracer
        self.scope = scope
        self.limits = SpanLimits()
        self.resource = Resource.get_empty()

    def begin(self, record: LeanSpan, current: "Context") -> Span:
        """Begin the real span of `record`."""
        real = self._tracer.start_span(
            record.name,
            context=current,
            kind=record.kind,
            attributes=sendable(record.start_attributes()),
            start_time=record.start_time,
        )
        if not real.is_recording():
            drop(record, real.get_span_context())
            return real
        record._origin = _Copying(real, self)
        record._context = real.get_span_context()
        weight = self._weight(record._context, cast("Span | None", current.get(SPAN_KEY)))
        if weight is not None:
            real.set_attribute(names.SAMPLE_WEIGHT, weight)
        return real

    def _weight(self, context: SpanContext, above: Span | None) -> float | None:
        """Calls that the span with `context` stands for: by the trace state, or by a sampler of the SDK if one decided.

        A sampler of another make does not say how much it keeps, so that nothing is told of its spans.
        """
        if not context.trace_flags.sampled:
            return None
        found: object = getattr(self._tracer, "sampler", None)  # of the SDK's tracers, those of its subclasses included
        sampler = found if isinstance(found, Sampler) else None
        parent = None if above is None else above.get_span_context()
        return _sampling.weight(context, sampler, parent, began_here=_sampling.began_here(above))

    def end(self, record: LeanSpan) -> None:
        """Nothing: each record has an origin of its own here, which knows its real span."""


class _Copying:
    """The origin of one record that has a real span."""

    __slots__ = ("_real", "limits", "resource", "scope")

    def __init__(self, real: Span, origin: ForeignOrigin) -> None:
        self._real = real
        self.limits, self.resource, self.scope = origin.limits, origin.resource, origin.scope

    def begin(self, record: LeanSpan, current: "Context") -> Span:
        """The record has begun."""
        return self._real

    def end(self, record: LeanSpan) -> None:
        """Copy onto the real span what it does not know yet, and end it."""
        real = self._real
        real.set_attributes(sendable(dict(record.end_attributes())))
        for event in record.own_events():
            real.add_event(event.name, event.attributes, event.timestamp)
        if record.has_failed():
            real.set_status(StatusCode.ERROR)
        real.end(record.end_time)


def _idle_starts() -> set[object]:
    """The `on_start`s that are known to do nothing."""
    export = sys.modules.get("opentelemetry.sdk.trace.export")  # where nobody has loaded it, nobody has one of these
    kinds = () if export is None else (export.BatchSpanProcessor, export.SimpleSpanProcessor)
    return {SpanProcessor.on_start, *(kind.on_start for kind in kinds)}


def _keeps_what_parents_keep(sampler: Sampler) -> bool:
    """Whether `sampler` is the default one, however it was made."""
    return (
        isinstance(sampler, ParentBased)
        and type(sampler).should_sample is ParentBased.should_sample
        and all(
            getattr(sampler, name, None) is ALWAYS_ON
            for name in ("_root", "_remote_parent_sampled", "_local_parent_sampled")
        )
    )


def _makes_random_ids(ids: "IdGenerator") -> bool:
    told = getattr(ids, "is_trace_id_random", None)
    return told is not None and told()


def _counts_itself(tracer: SdkTracer) -> bool:
    """Whether the SDK keeps metrics of the spans that the tracer makes, which records do not take part in."""
    counter = getattr(tracer, "_tracer_metrics", None)
    if counter is None or type(counter).__name__ == "NoOpTracerMetrics":
        return False
    if hasattr(sys.modules[type(counter).__module__], "NoOpTracerMetrics"):
        return True
    # 1.40 cannot be told not to, but where the host keeps no metrics its counters lead nowhere.
    started: Any = getattr(counter, "_started_spans", None)
    return type(started).__name__ != "NoOpCounter" and getattr(started, "_real_instrument", started) is not None
