"""What an adaptor hands to the invocation writer: scalars of the request, of the response, and of each HTTP try."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

from opentelemetry.util.types import AttributeValue

from worthwhile._endpoints import Endpoint
from worthwhile.usage import Counts, Usage
from worthwhile_schemas import attributes as names

Facts: TypeAlias = tuple[Any, ...]
"""Scalars, and tuples of scalars, as an adaptor took them from an answer: its id, what it counted, and then whatever
says the same for many answers. They become a `CallResponse` where the span is read."""

Skips: TypeAlias = tuple[int, Any]
"""Which chunks of a stream pass without being shown to who gathers them, and what among them is shown all the same.

Whoever sees the chunks pass looks for it: one more call for each would cost half as much again. No chunk is kept to be
looked at later, because one that the host lets go gives its memory to the next.
"""

EVENTS: Final = 1
"""Events are not shown, except those of the given types."""

PIECES: Final = 2
"""Chunks with a piece of the only choice are not, except those that end it, count tokens, or have the given field."""

STRIPPED_PIECES: Final = 3
"""As `PIECES`, and the field `usage`, of which the host has not asked to see even that it is null, is unset in each."""

NO_SKIPS: Final[Skips] = (0, None)

_NO_ATTRIBUTES: Final[Mapping[str, AttributeValue]] = MappingProxyType({})


@dataclass(slots=True)
class CallRequest:
    """What an adaptor knows before the call.

    Attributes:
        operation: `chat`, `embeddings`, `text_completion`.
        client: Name of the client library, such as `openai`.
        model: Model asked for.
        base_url: Where the client was pointed at; `None` for its default.
        is_stream: Whether the caller asked for a stream.
        attributes: Further attributes of the request, ready to be written.
    """

    operation: str
    client: str
    model: str | None
    base_url: str | None = None
    is_stream: bool = False
    attributes: dict[str, AttributeValue] = field(default_factory=dict[str, AttributeValue])


class CallResponse(NamedTuple):
    """What an adaptor knows after the call, or of as much of a stream as was read.

    Attributes:
        id: Provider's id of the response.
        model: Model that answered.
        finish_reasons: Why generation ended, one per choice.
        usage: Tokens as the provider counted them; `None` if it did not say.
        service_tier: Service tier that was applied, in the provider's words.
        reported_cost_usd: Cost as decimal text, where the provider tells it.
        attributes: Further attributes of the response, ready to be written.
        cost_basis: What `reported_cost_usd` rests on, where not on the provider's word.
    """

    id: str | None = None
    model: str | None = None
    finish_reasons: tuple[str, ...] = ()
    usage: Usage | None = None
    service_tier: str | None = None
    reported_cost_usd: str | None = None
    attributes: Mapping[str, AttributeValue] = _NO_ATTRIBUTES
    cost_basis: str = "provider"


@dataclass(slots=True, frozen=True, eq=False)
class Format:
    """How the calls of one endpoint are read, once somebody asks for their spans.

    Attributes:
        operation: `chat`, `embeddings`, `text_completion`.
        request: Attributes of the request, from what the adaptor kept of it.
        response: The response, from its facts.
        counted: Counts as of a usage, and the reported cost, from the second fact; `None` leaves them to `response`.
    """

    operation: str
    request: Callable[[Any], Mapping[str, AttributeValue]]
    response: Callable[[Facts], CallResponse]
    counted: Callable[[Any], tuple[Counts, str | None]] | None = None


def normal_tier(tier: str | None) -> str | None:
    """A service tier in our words; one that we do not know stays as it is."""
    return None if tier is None else _TIERS.get(tier) or _TIERS.get(tier.lower(), tier)


class Target(NamedTuple):
    """Where a call goes: what is known about the server, and its address and port as text."""

    known: Endpoint
    server: str


COUNTS: Final = (
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
"""The attributes of a `Usage`, in its order."""

_TIERS: Final = {
    "default": "standard",
    "standard": "standard",
    "auto": "standard",
    "on_demand": "standard",
    "flex": "flex",
    "priority": "priority",
    "batch": "batch",
}

_UNSENT: Final = frozenset(
    {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "LocalProtocolError", "UnsupportedProtocol"}
)
"""Exceptions of the HTTP libraries that are raised before a request has gone out."""

_GAVE_UP: Final = frozenset({408, 499, 504, 524})
"""Statuses by which somebody on the way says that it stopped waiting for the one who does the work, and bills it."""


@dataclass(slots=True, frozen=True)
class Attempt:
    """One HTTP try of a call.

    Attributes:
        number: 1 for the first.
        started_ns: `_clock.perf_ns()` when it was sent.
        duration_ns: From sending it to its response head.
        wait_ns: Back-off before it; 0 for the first.
        status: HTTP status, or `None` without a response.
        error_type: Exception that ended it, or `None`.
    """

    number: int
    started_ns: int
    duration_ns: int
    wait_ns: int
    status: int | None
    error_type: str | None

    @property
    def has_failed(self) -> bool:
        """Whether it got no response or one that says it failed."""
        return self.error_type is not None or self.status is None or self.status >= 400

    @property
    def is_billed(self) -> bool | None:
        """Whether the provider bills it; `None` where it may: it went out, and what became of it is not known."""
        if self.status is None:
            return False if (self.error_type or "").rpartition(".")[2] in _UNSENT else None
        if self.status >= 400:
            return None if self.status in _GAVE_UP else False
        return 200 <= self.status < 300
