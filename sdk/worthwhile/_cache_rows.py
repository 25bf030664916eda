"""What a response cache does to the accounts: the calls behind an answer are added up once, every hit is a row.

A row of a hit is a call without a client: no tokens and no cost, which are known to be zero, and what it saved.
"""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from worthwhile import _guard, _invocation
from worthwhile._cache_store import CacheEntry, CacheKind
from worthwhile._call import CallResponse, Format, Target
from worthwhile._endpoints import Endpoint
from worthwhile._legs import Ledger, current_scope
from worthwhile.pricing import price_call
from worthwhile.usage import Usage
from worthwhile_schemas import attributes as names
from worthwhile_schemas.units import Picodollars, attribute_usd, pico_from_usd, usd_from_pico

if TYPE_CHECKING:
    from opentelemetry.util.types import AttributeValue

    from worthwhile._call_span import CallSpan

_ROW: Final = _guard.Guard("the row of a cache hit")

_MOST_CALLS: Final = 256
"""Calls behind one answer whose cost is added up; of an answer with more, the saving is not known."""

_NOTHING: Final = Usage(input_tokens=0, output_tokens=0, cache_read_tokens=0, cache_write_tokens=0)


class Misses:
    """The model calls behind one answer, nested caches' misses included."""

    __slots__ = ("_calls", "_outer")

    def __init__(self) -> None:
        scope = current_scope()
        self._outer: Ledger | None = None if scope is None else scope.ledger
        self._calls: list[CallSpan] = []

    def count(self, call: "CallSpan", /) -> None:
        """Take a call that has ended."""
        if len(self._calls) <= _MOST_CALLS:
            self._calls.append(call)
        if self._outer is not None:
            self._outer.count(call)

    def entry(self, value: Any) -> CacheEntry:
        """`value` as it is to be kept, with what it took. Prices the calls that have ended."""
        calls = list(self._calls)
        if not calls:
            return CacheEntry(value)
        last = calls[-1]
        response = last.response()
        saved = [_saved(call) for call in calls]
        is_known = None not in saved and len(calls) <= _MOST_CALLS
        return CacheEntry(
            value,
            operation=last.format.operation,
            provider=last.known.provider,
            model=last.model,
            response_model=None if response is None else response.model,
            cost_basis=last.priced().basis,
            saved_usd=usd_from_pico(Picodollars(sum(each for each in saved if each is not None))) if is_known else None,
        )


def record_hit(entry: CacheEntry, kind: CacheKind) -> None:
    """Record that `entry` answered from a cache of this kind, unless nothing is known of the call behind it."""
    if entry.operation is None:
        return
    with _ROW:
        format_ = _formats.get(entry.operation) or _formats.setdefault(entry.operation, _format(entry.operation))
        nowhere = Endpoint(entry.provider or "unknown", None, False, False, None, None)
        target = Target(nowhere, "cache")
        call = _invocation.begin(_invocation.Invocation, format_, target, entry.model, kind, is_stream=False)
        if call is None:
            return
        attributes: dict[str, AttributeValue] = {}
        if entry.saved_usd is not None:
            attributes[names.COST_CACHE_SAVING] = attribute_usd(pico_from_usd(str(entry.saved_usd)))
        basis = entry.cost_basis if entry.cost_basis not in (None, "unknown") else "list"
        call.finish(
            CallResponse(
                model=entry.response_model,
                usage=_NOTHING,
                reported_cost_usd="0",
                attributes=attributes,
                cost_basis=basis or "list",
            )
        )


def cost_of(usage: Usage, *, provider: str, model: str, at_ns: int) -> Decimal | None:
    """What a call with these tokens would cost now, without what would go into filling the prompt cache."""
    with _ROW:
        cost = price_call(usage, provider=provider, model=model, at_ns=at_ns)
        return None if cost is None else usd_from_pico(Picodollars(cost.total + min(0, cost.cache_saving)))
    return None


def _saved(call: "CallSpan") -> int | None:
    """Picodollars that the same call would cost again: filling the provider's prompt cache is paid once."""
    priced = call.priced()
    if priced.amount is None or priced.parts is None:
        return priced.amount
    return priced.amount + min(0, priced.parts.cache_saving)


_formats: Final[dict[str, Format]] = {}


def _format(operation: str) -> Format:
    """How the row of a hit is read: its request is the kind of cache, and its response is complete as it is."""
    return Format(operation, lambda kind: {names.CACHE_KIND: kind}, lambda facts: CallResponse())
