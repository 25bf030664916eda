"""The only writer of call spans: adaptors extract scalars, this module makes the span, its tokens, cost and attempts.

The way of one call: `start` begins the span under the current context; `activated` makes it current while the client
works; exactly one of `finish`, `fail`, `abandon` ends it. Nothing of the request or response is kept but scalars.
"""

from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple

from opentelemetry import context as otel_context
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY  # pyright: ignore[reportPrivateUsage] - no public name
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, StatusCode, set_span_in_context
from opentelemetry.util.types import AttributeValue

from worthwhile import _clock, _guard, _setup
from worthwhile._call import Attempt, CallRequest, CallResponse
from worthwhile._context import CALL_KEY, Leg, TaskRun, current_call, current_run
from worthwhile._endpoints import Endpoint, endpoint
from worthwhile._errors import error_type
from worthwhile._stats import tally
from worthwhile.pricing import Cost, price_call
from worthwhile.usage import Usage
from worthwhile_schemas import attributes as names
from worthwhile_schemas.units import Picodollars, attribute_usd, pico_from_usd, seconds_from_ns

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from worthwhile._pipeline import Pipeline

__all__ = ["Activation", "Attempt", "CallRequest", "CallResponse", "Invocation", "endpoint", "start"]

_SPAN: Final = _guard.Guard("the span of a model call")
_COST: Final = _guard.Guard("the cost of a model call")

_MAX_PICO: Final = 10**18
"""A million dollars: no call costs as much, and the store's column holds no more."""

_NOWHERE: Final = Endpoint("unknown", None, is_own=False, takes_stream_usage=False, address=None, port=None)

_TIERS: Final = {
    "default": "standard",
    "standard": "standard",
    "auto": "standard",
    "on_demand": "standard",
    "flex": "flex",
    "priority": "priority",
    "batch": "batch",
}


class Invocation:
    """One model call in progress. Methods never raise, and may be called from any thread and after the end.

    The first of `finish`, `fail` and `abandon` ends the span; later ones do nothing.
    """

    __slots__ = (
        "_attempts",
        "_endpoint",
        "_first_chunk_ns",
        "_is_ended",
        "_leg",
        "_leg_number",
        "_request",
        "_started_ns",
        "_started_perf_ns",
        "_task",
        "span",
    )

    def __init__(self, request: CallRequest, task: TaskRun | None) -> None:
        self.span: Span = INVALID_SPAN
        self._request = request
        self._endpoint = _NOWHERE
        self._task = task
        self._attempts: list[Attempt] = []
        self._first_chunk_ns: int | None = None
        self._leg = None if task is None else task.failed_leg
        self._leg_number = 0 if self._leg is None else self._leg.number
        self._started_ns = _clock.time_ns()
        self._started_perf_ns = _clock.perf_ns()
        self._is_ended = True

    @property
    def is_ended(self) -> bool:
        """Whether the span has ended; true from the start where nothing is recorded."""
        return self._is_ended

    def activated(self) -> "Activation":
        """Context manager in which this call and its span are current; for the time of the client's own work only."""
        return Activation(self)

    def first_chunk(self) -> None:
        """Note that a stream has yielded its first chunk; later calls do nothing."""
        if self._first_chunk_ns is None and not self._is_ended:
            self._first_chunk_ns = _clock.perf_ns()

    def attempt(self, attempt: Attempt) -> None:
        """Note an HTTP try of this call."""
        if not self._is_ended:
            self._attempts.append(attempt)

    def finish(self, response: CallResponse | None) -> None:
        """End the span of a call that succeeded."""
        if not self._is_ended:
            self._is_ended = True
            with _SPAN:
                leg, task = self._leg, self._task
                if leg is not None and task is not None and task.failed_leg is leg and self._is_same_step(leg):
                    task.failed_leg = None
                self._end(response, None)

    def fail(self, error: BaseException, response: CallResponse | None = None) -> None:
        """End the span of a call that raised `error`; `response` is what had arrived of it."""
        if not self._is_ended:
            self._is_ended = True
            with _SPAN:
                reason = error_type(error)
                if self._task is not None and isinstance(error, Exception):
                    request = self._request
                    self._task.failed_leg = Leg(
                        request.operation, request.model, _server(self._endpoint), reason, self._leg_number
                    )
                self._end(response, reason)

    def abandon(self, response: CallResponse | None) -> None:
        """End the span of a stream that the caller left unread; `response` is what had arrived of it."""
        if not self._is_ended:
            self._is_ended = True
            with _SPAN:
                self._end(response, None)

    def begin(self, pipeline: "Pipeline") -> None:
        """Begin the span; called once, by `start`."""
        request = self._request
        known = self._endpoint = endpoint(request.base_url, request.client)
        attributes: dict[str, AttributeValue] = {
            names.SPAN_TYPE: "call",
            names.OPERATION: request.operation,
            names.PROVIDER: known.provider,
            names.TOKEN_SEMANTICS: "inclusive",
        }
        if request.model is not None:
            attributes[names.REQUEST_MODEL] = request.model
        if request.is_stream:
            attributes[names.REQUEST_STREAM] = True
        if known.address is not None:
            attributes[names.SERVER_ADDRESS] = known.address
        if known.port is not None:
            attributes[names.SERVER_PORT] = known.port
        if known.tier is not None:
            attributes[names.TIER] = known.tier
        attributes.update(request.attributes)
        if self._task is not None:
            attributes.update(self._task.call_attributes)
        if self._leg is not None:
            self._mark_fallback(self._leg, attributes)
        self._is_ended = False
        self.span = pipeline.tracer.start_span(
            f"{request.operation} {request.model}" if request.model is not None else request.operation,
            kind=SpanKind.CLIENT,
            attributes=attributes,
            start_time=self._started_ns,
        )

    def _mark_fallback(self, leg: Leg, attributes: dict[str, AttributeValue]) -> None:
        request = self._request
        is_elsewhere = (leg.model, leg.server) != (request.model, _server(self._endpoint))
        if not is_elsewhere or not self._is_same_step(leg):
            return
        self._leg_number = leg.number + 1
        attributes[names.FALLBACK_INDEX] = self._leg_number
        attributes[names.FALLBACK_REASON] = leg.reason
        if leg.model is not None:
            attributes[names.FALLBACK_FROM] = leg.model
        if request.model is not None:
            attributes[names.FALLBACK_TO] = request.model

    def _is_same_step(self, leg: Leg) -> bool:
        """Whether this call may stand in for the failed one: an embedding never does for a chat."""
        return leg.operation == self._request.operation

    def _end(self, response: CallResponse | None, reason: str | None) -> None:
        duration_ns = _clock.perf_ns() - self._started_perf_ns
        span, task = self.span, self._task
        is_recording = span.is_recording()
        tally.calls += 1
        if is_recording or task is not None:
            usage = None if response is None else response.usage
            priced = _price(self._endpoint, self._request.model, response, self._started_ns)
            if task is not None:
                task.add_call(usage, priced.amount)
            if is_recording:
                attributes = _response_attributes(response)
                _add_usage(usage, attributes)
                _add_cost(priced, attributes)
                self._add_timing(attributes)
                self._add_attempts(attributes)
                if reason is not None:
                    attributes[names.ERROR_TYPE] = reason
                    span.set_status(StatusCode.ERROR)
                span.set_attributes(attributes)
        span.end(self._started_ns + duration_ns)

    def _add_timing(self, attributes: dict[str, AttributeValue]) -> None:
        if self._first_chunk_ns is not None:
            attributes[names.TIME_TO_FIRST_CHUNK] = seconds_from_ns(self._first_chunk_ns - self._started_perf_ns)

    def _add_attempts(self, attributes: dict[str, AttributeValue]) -> None:
        attempts = self._attempts
        if not attempts or (len(attempts) == 1 and not attempts[0].has_failed):
            return
        if len(attempts) > 1:
            attributes[names.RESEND_COUNT] = len(attempts) - 1
        last_status = attempts[-1].status
        if last_status is not None:
            attributes[names.HTTP_STATUS] = last_status
        for attempt in attempts:
            started_ns = self._started_ns + attempt.started_ns - self._started_perf_ns
            self.span.add_event(names.ATTEMPT_EVENT, _attempt_attributes(attempt), started_ns)


class Activation:
    """Makes a call and its span current for the length of a `with` block."""

    __slots__ = ("_invocation", "_previous")

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation
        self._previous: Context | None = None

    def __enter__(self) -> None:
        """Make the call current."""
        invocation = self._invocation
        if not invocation.is_ended:
            self._previous = otel_context.get_current()
            otel_context.attach(otel_context.set_value(CALL_KEY, invocation, set_span_in_context(invocation.span)))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make what was current before current again, unless this runs where the call was never current."""
        if self._previous is not None and current_call() is self._invocation:
            otel_context.attach(self._previous)


def start(request: CallRequest) -> Invocation:
    """Begin the span of a model call under the current context, without making it current."""
    pipeline = _setup.active()
    if pipeline is None or otel_context.get_value(_SUPPRESS_INSTRUMENTATION_KEY):
        return _INERT
    invocation = Invocation(request, current_run())
    with _SPAN:
        invocation.begin(pipeline)
    return invocation


_INERT: Final = Invocation(CallRequest("none", "none", None), None)
"""Stands for every call that is not recorded; it has ended, so nothing changes it."""


def _server(known: Endpoint) -> str:
    return f"{known.address}:{known.port}"


class _Priced(NamedTuple):
    """Cost of a call in picodollars with its basis; `parts` where it was computed from a price list."""

    amount: int | None
    basis: str
    parts: Cost | None = None


def _price(known: Endpoint, request_model: str | None, response: CallResponse | None, at_ns: int) -> _Priced:
    if response is not None:
        with _COST:
            reported = _reported_pico(response.reported_cost_usd)
            if reported is not None:
                return _Priced(reported, "provider")
            if response.usage is not None:
                return _price_tokens(known, request_model, response, response.usage, at_ns)
    return _unpriced(known)


def _price_tokens(
    known: Endpoint, request_model: str | None, response: CallResponse, usage: Usage, at_ns: int
) -> _Priced:
    tier = _normal_tier(response.service_tier)
    for model in (response.model, request_model):
        if model is not None:
            cost = price_call(usage, provider=known.provider, model=model, at_ns=at_ns, service_tier=tier)
            # A server of the host's own has the rate that the host declared, never that of a hosted list.
            if cost is not None and (cost.basis == "contract" or not known.is_own):
                return _Priced(cost.total, cost.basis, cost)
    if not known.is_own:
        tally.unpriced_calls += 1
    return _unpriced(known)


def _unpriced(known: Endpoint) -> _Priced:
    return _Priced(None, "self_hosted" if known.is_own else "unknown")


def _reported_pico(text: str | None) -> Picodollars | None:
    if text is None:
        return None
    try:
        amount = pico_from_usd(text)
    except (ArithmeticError, ValueError):  # not a number, infinite or NaN
        amount = Picodollars(-1)
    if 0 <= amount < _MAX_PICO:
        return amount
    _guard.warn_once(f"ignored a provider's cost `{text[:64]}`: expected decimal US dollars")
    return None


def _normal_tier(tier: str | None) -> str | None:
    return None if tier is None else _TIERS.get(tier.lower(), tier)


def _response_attributes(response: CallResponse | None) -> dict[str, AttributeValue]:
    if response is None:
        return {}
    attributes: dict[str, AttributeValue] = dict(response.attributes)
    if response.id is not None:
        attributes[names.RESPONSE_ID] = response.id
    if response.model is not None:
        attributes[names.RESPONSE_MODEL] = response.model
    if response.finish_reasons:
        attributes[names.FINISH_REASONS] = response.finish_reasons
    tier = _normal_tier(response.service_tier)
    if tier is not None:
        attributes[names.SERVICE_TIER] = tier
    return attributes


def _add_usage(usage: Usage | None, attributes: dict[str, AttributeValue]) -> None:
    if usage is None:
        attributes[names.USAGE_BASIS] = "missing"
        return
    attributes[names.USAGE_BASIS] = usage.basis
    counts = (
        (names.INPUT_TOKENS, usage.input_tokens),
        (names.OUTPUT_TOKENS, usage.output_tokens),
        (names.CACHE_READ_TOKENS, usage.cache_read_tokens),
        (names.CACHE_WRITE_TOKENS, usage.cache_write_tokens),
        (names.CACHE_WRITE_1H_TOKENS, usage.cache_write_1h_tokens),
        (names.REASONING_TOKENS, usage.reasoning_tokens),
        (names.AUDIO_INPUT_TOKENS, usage.audio_input_tokens),
        (names.AUDIO_OUTPUT_TOKENS, usage.audio_output_tokens),
        (names.WEB_SEARCHES, usage.web_searches),
    )
    attributes.update({name: count for name, count in counts if count is not None})


def _add_cost(priced: _Priced, attributes: dict[str, AttributeValue]) -> None:
    attributes[names.COST_BASIS] = priced.basis
    if priced.amount is None:
        return
    attributes[names.COST_AMOUNT] = attribute_usd(Picodollars(priced.amount))
    parts = priced.parts
    if parts is None:
        return
    attributes[names.PRICE_VERSION] = parts.price_version
    attributes[names.COST_INPUT] = attribute_usd(Picodollars(parts.input))
    attributes[names.COST_CACHE_READ] = attribute_usd(Picodollars(parts.cache_read))
    attributes[names.COST_CACHE_WRITE] = attribute_usd(Picodollars(parts.cache_write))
    attributes[names.COST_OUTPUT] = attribute_usd(Picodollars(parts.output))
    attributes[names.COST_SERVER_TOOLS] = attribute_usd(Picodollars(parts.server_tools))
    attributes[names.COST_CACHE_SAVING] = attribute_usd(Picodollars(parts.cache_saving))


def _attempt_attributes(attempt: Attempt) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {
        names.ATTEMPT_NUMBER: attempt.number,
        names.ATTEMPT_DURATION: seconds_from_ns(attempt.duration_ns),
        names.ATTEMPT_WAIT: seconds_from_ns(attempt.wait_ns),
    }
    if attempt.status is not None:
        attributes[names.HTTP_STATUS] = attempt.status
    if attempt.error_type is not None:
        attributes[names.ERROR_TYPE] = attempt.error_type
    return attributes
