"""The span of one model call: what its scalars mean, worked out where the span is read.

Nothing here runs on the host's own thread, unless the host reads the span or the running totals of a task there.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AttributeValue

from worthwhile import _call_otlp, _guard, _legs
from worthwhile._call import COUNTS, Attempt, CallResponse, Facts, Format, normal_tier
from worthwhile._endpoints import Endpoint
from worthwhile._lean import LeanSpan
from worthwhile._standins import made_event
from worthwhile._stats import tally
from worthwhile.pricing import Cost, price_call
from worthwhile.usage import Usage
from worthwhile_schemas import attributes as names
from worthwhile_schemas.units import Picodollars, attribute_usd, pico_from_usd, seconds_from_ns

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Event

_COST: Final = _guard.Guard("the cost of a model call")
_ANSWER: Final = _guard.Guard("what a model call answered")
_BYTES: Final = _guard.Guard("nothing but time: a model call's span could not be written the short way")

_MAX_PICO: Final = 10**18
"""A million dollars: no call costs as much, and the store's column holds no more."""


class Priced(NamedTuple):
    """Cost of a call in picodollars with its basis; `parts` where it was computed from a price list."""

    amount: int | None
    basis: str
    parts: Cost | None = None


class CallSpan(LeanSpan):
    """One model call. The invocation that it belongs to sets these attributes; nothing of the host's is among them.

    Attributes:
        format: How `asked` and `answer` are read.
        known: What is known about the server.
        server: Its address and port.
        model: Model asked for.
        is_stream: Whether the caller asked for a stream.
        asked: What the adaptor kept of the request.
        answer: What it kept of the response.
        labels: What every call of the task around this one says about it.
        leg: What this call is to those before it.
        started_perf_ns: When it began, by the clock of durations.
        first_chunk_ns: When a stream yielded its first chunk, by the same clock.
        reason: `error.type` of what ended the call, if it failed.
        attempts: Its HTTP tries.
    """

    __slots__ = (
        "_priced",
        "_response",
        "answer",
        "asked",
        "attempts",
        "first_chunk_ns",
        "format",
        "is_stream",
        "known",
        "labels",
        "leg",
        "model",
        "reason",
        "server",
        "started_perf_ns",
    )

    _kind = SpanKind.CLIENT

    answer: Facts | CallResponse | None
    asked: Any
    attempts: Sequence[Attempt]
    first_chunk_ns: int | None
    format: Format
    is_stream: bool
    known: Endpoint
    labels: Mapping[str, str] | None
    leg: _legs.Leg | None
    model: str | None
    reason: str | None
    server: str
    started_perf_ns: int
    _priced: Priced | None
    _response: CallResponse | None

    def counted(self) -> tuple[Usage | None, int | None]:
        """Its tokens, and its cost in picodollars; `None` is unknown."""
        response = self.response()
        return None if response is None else response.usage, self.priced().amount

    def response(self) -> CallResponse | None:
        """What was answered, or as much of it as arrived; `None` without an answer."""
        found, answer = self._response, self.answer
        if found is None and answer is not None:
            if isinstance(answer, CallResponse):
                found = answer
            else:
                with _ANSWER:
                    found = self.format.response(answer)
            self._response = found
        return found

    def priced(self) -> Priced:
        """What it cost, by the prices in force when it began."""
        found = self._priced
        if found is None:
            response = self.response()
            told = (None, None) if response is None else (response.usage, response.reported_cost_usd)
            found = self.price(response, *told)
        return found

    def counts(self, common: CallResponse | None) -> tuple[str | None, Usage | None, str | None]:
        """Id, tokens and reported cost, without making all of an answer that is otherwise as `common`."""
        answer, counted = self.answer, self.format.counted
        if type(answer) is tuple and counted is not None and common is not None:
            id_ = answer[0] if isinstance(answer[0], str) else None
            if answer[1] is None:
                return id_, None, None
            counts, reported = counted(answer[1])
            return id_, Usage(*counts), reported
        response = self.response()
        return (None, None, None) if response is None else (response.id, response.usage, response.reported_cost_usd)

    def price(self, response: CallResponse | None, usage: Usage | None, reported: str | None) -> Priced:
        """What it cost: what the provider says, or by the tokens. `response` says the model, tier and basis."""
        found = _unpriced(self.known) if response is None else self._price(response, usage, reported)
        self._priced = found
        return found

    def otlp(self) -> bytes:
        """Content of its OTLP message."""
        try:
            found = _call_otlp.encoded(self)
        except Exception as error:  # noqa: BLE001 - as `with _BYTES`, but free where nothing is raised
            _BYTES.caught(error)
            found = None
        return super().otlp() if found is None else found

    def span_name(self) -> str:
        """The operation and the model asked for."""
        return f"{self.format.operation} {self.model}" if self.model is not None else self.format.operation

    def has_failed(self) -> bool:
        """Whether an exception ended it."""
        return self.reason is not None

    def start_attributes(self) -> dict[str, AttributeValue]:
        """The request, the server, the task around the call, and what it stands in for."""
        found = self._request_attributes()
        if self.labels is not None:
            found.update(self.labels)
        if self.leg is not None:
            found.update(_legs.attributes(self.leg))
        return found

    def lasting_attributes(self) -> dict[str, AttributeValue]:
        """What many calls have in common: the request, the server, and the answer without its id and its numbers."""
        found = self._request_attributes()
        response = self.response()
        if response is not None:
            found.update(_response_attributes(response._replace(id=None)))
        return found

    def _request_attributes(self) -> dict[str, AttributeValue]:
        known = self.known
        found: dict[str, AttributeValue] = {
            names.SPAN_TYPE: "call",
            names.OPERATION: self.format.operation,
            names.PROVIDER: known.provider,
            names.TOKEN_SEMANTICS: "inclusive",
        }
        if self.model is not None:
            found[names.REQUEST_MODEL] = self.model
        if self.is_stream:
            found[names.REQUEST_STREAM] = True
        if known.address is not None:
            found[names.SERVER_ADDRESS] = known.address
        if known.port is not None:
            found[names.SERVER_PORT] = known.port
        if known.tier is not None:
            found[names.TIER] = known.tier
        if known.locality is not None and known.locality_basis is not None:
            found[names.LOCALITY] = known.locality
            found[names.LOCALITY_BASIS] = known.locality_basis
        found.update(self.format.request(self.asked))
        return found

    def end_attributes(self) -> Mapping[str, AttributeValue]:
        """The answer, its tokens and cost, and how the call went."""
        response = self.response()
        found = _response_attributes(response)
        _add_usage(None if response is None else response.usage, found)
        _add_cost(self.priced(), found)
        if self.first_chunk_ns is not None:
            found[names.TIME_TO_FIRST_CHUNK] = seconds_from_ns(self.first_chunk_ns - self.started_perf_ns)
        attempts = self.attempts
        if _are_notable(attempts):
            if len(attempts) > 1:
                found[names.RESEND_COUNT] = len(attempts) - 1
                found[names.RETRY_WAIT] = seconds_from_ns(sum(attempt.wait_ns for attempt in attempts))
            if attempts[-1].status is not None:
                found[names.HTTP_STATUS] = attempts[-1].status
        if self.reason is not None:
            found[names.ERROR_TYPE] = self.reason
        return found

    def own_events(self) -> "Sequence[Event]":
        """The HTTP tries, unless there was one and it went well."""
        if not _are_notable(self.attempts):
            return ()
        offset_ns = self._start_time - self.started_perf_ns
        return [
            made_event(names.ATTEMPT_EVENT, _attempt_attributes(attempt), attempt.started_ns + offset_ns)
            for attempt in self.attempts
        ]

    def _price(self, response: CallResponse, usage: Usage | None, reported: str | None) -> Priced:
        try:
            if reported is not None:
                amount = _reported_pico(reported)
                if amount is not None:
                    return Priced(amount, response.cost_basis)
            if usage is not None:
                cost = self._cost(response, usage)
                if cost is not None:
                    return Priced(cost.total, cost.basis, cost)
                if not self.known.is_own:
                    mark = object()
                    if vars(self).setdefault("unpriced", mark) is mark:  # one of the threads that read first counts it
                        tally.unpriced_calls += 1
        except Exception as error:  # noqa: BLE001 - as `with _COST`, but free where nothing is raised
            _COST.caught(error)
        return _unpriced(self.known)

    def _cost(self, response: CallResponse, usage: Usage) -> Cost | None:
        """What the tokens cost, by the model that answered or else the one asked for."""
        known, at_ns, tier, model = self.known, self._start_time, normal_tier(response.service_tier), response.model
        cost = None
        if model is not None:
            cost = price_call(usage, provider=known.provider, model=model, at_ns=at_ns, service_tier=tier)
        # A server of the host's own has the rate that the host declared, never that of a hosted list.
        if cost is not None and (not known.is_own or cost.basis == "contract"):
            return cost
        model = self.model
        if model is not None:
            cost = price_call(usage, provider=known.provider, model=model, at_ns=at_ns, service_tier=tier)
            if cost is not None and (not known.is_own or cost.basis == "contract"):
                return cost
        return None


def _unpriced(known: Endpoint) -> Priced:
    return Priced(None, "self_hosted" if known.is_own else "unknown")


def _reported_pico(text: str) -> Picodollars | None:
    try:
        amount = pico_from_usd(text)
    except (ArithmeticError, ValueError):  # not a number, infinite or NaN
        amount = Picodollars(-1)
    if 0 <= amount < _MAX_PICO:
        return amount
    _guard.warn_once(f"ignored a provider's cost `{text[:64]}`: expected decimal US dollars")
    return None


def _response_attributes(response: CallResponse | None) -> dict[str, AttributeValue]:
    if response is None:
        return {}
    found: dict[str, AttributeValue] = dict(response.attributes)
    if response.id is not None:
        found[names.RESPONSE_ID] = response.id
    if response.model is not None:
        found[names.RESPONSE_MODEL] = response.model
    if response.finish_reasons:
        found[names.FINISH_REASONS] = response.finish_reasons
    tier = normal_tier(response.service_tier)
    if tier is not None:
        found[names.SERVICE_TIER] = tier
    return found


def _add_usage(usage: Usage | None, found: dict[str, AttributeValue]) -> None:
    if usage is None:
        found[names.USAGE_BASIS] = "missing"
        return
    found[names.USAGE_BASIS] = usage.basis
    found.update({name: count for name, count in zip(COUNTS, usage, strict=True) if count is not None})


def _add_cost(priced: Priced, found: dict[str, AttributeValue]) -> None:
    found[names.COST_BASIS] = priced.basis
    if priced.amount is None:
        return
    found[names.COST_AMOUNT] = attribute_usd(Picodollars(priced.amount))
    parts = priced.parts
    if parts is None:
        return
    found[names.PRICE_VERSION] = parts.price_version
    found[names.COST_INPUT] = attribute_usd(Picodollars(parts.input))
    found[names.COST_CACHE_READ] = attribute_usd(Picodollars(parts.cache_read))
    found[names.COST_CACHE_WRITE] = attribute_usd(Picodollars(parts.cache_write))
    found[names.COST_OUTPUT] = attribute_usd(Picodollars(parts.output))
    found[names.COST_SERVER_TOOLS] = attribute_usd(Picodollars(parts.server_tools))
    found[names.COST_CACHE_SAVING] = attribute_usd(Picodollars(parts.cache_saving))


def _are_notable(attempts: Sequence[Attempt]) -> bool:
    return len(attempts) > 1 or (len(attempts) == 1 and attempts[0].has_failed)


def _attempt_attributes(attempt: Attempt) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {
        names.ATTEMPT_NUMBER: attempt.number,
        names.ATTEMPT_DURATION: seconds_from_ns(attempt.duration_ns),
        names.ATTEMPT_WAIT: seconds_from_ns(attempt.wait_ns),
    }
    if attempt.status is not None:
        found[names.HTTP_STATUS] = attempt.status
    if attempt.error_type is not None:
        found[names.ERROR_TYPE] = attempt.error_type
    is_billed = attempt.is_billed
    if is_billed is not None:
        found[names.ATTEMPT_BILLED] = is_billed
    return found
