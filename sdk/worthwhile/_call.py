"""What an adaptor hands to the invocation writer: scalars of the request, of the response, and of each HTTP try."""

from dataclasses import dataclass, field

from opentelemetry.util.types import AttributeValue

from worthwhile.usage import Usage


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


@dataclass(slots=True)
class CallResponse:
    """What an adaptor knows after the call, or of as much of a stream as was read.

    Attributes:
        id: Provider's id of the response.
        model: Model that answered.
        finish_reasons: Why generation ended, one per choice.
        usage: Tokens as the provider counted them; `None` if it did not say.
        service_tier: Service tier that was applied, in the provider's words.
        reported_cost_usd: Cost as decimal text, where the provider tells it.
        attributes: Further attributes of the response, ready to be written.
    """

    id: str | None = None
    model: str | None = None
    finish_reasons: tuple[str, ...] = ()
    usage: Usage | None = None
    service_tier: str | None = None
    reported_cost_usd: str | None = None
    attributes: dict[str, AttributeValue] = field(default_factory=dict[str, AttributeValue])


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
