"""openai 2 and 3: chat, responses, embeddings, text completions; every server that speaks their protocol.

Patched: `SyncAPIClient.request` and `AsyncAPIClient.request` (why there: `_base.py`), one CLIENT span per call with the
request's scalars, the answer's id, model, finish reasons, service tier and tokens. Nothing else of the library changes.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from worthwhile._invocation import CallResponse
from worthwhile.clients._base import Api, Library, Patch, request_patches
from worthwhile.clients._fields import Attributes, field, items, mapping, scalars, text, whole_number
from worthwhile.usage import Usage
from worthwhile_schemas import attributes as attr

_SAMPLING: Final = {
    "temperature": attr.REQUEST_TEMPERATURE,
    "top_p": attr.REQUEST_TOP_P,
    "service_tier": attr.REQUEST_SERVICE_TIER,
}
_COMPLETION: Final = _SAMPLING | {
    "max_tokens": attr.REQUEST_MAX_TOKENS,
    "max_completion_tokens": attr.REQUEST_MAX_TOKENS,
    "seed": attr.REQUEST_SEED,
    "frequency_penalty": attr.REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": attr.REQUEST_PRESENCE_PENALTY,
    "reasoning_effort": attr.REQUEST_REASONING_LEVEL,
}
_RESPONSES: Final = _SAMPLING | {"max_output_tokens": attr.REQUEST_MAX_TOKENS, "conversation": attr.CONVERSATION_ID}
_EMBEDDINGS: Final = {"dimensions": attr.EMBEDDING_DIMENSIONS}

_OUTPUT_TYPES: Final = {"text": "text", "json_object": "json", "json_schema": "json"}

_FIRST_AZURE_WITH_STREAM_USAGE: Final = "2024-09"
"""Azure's API versions are dates; those before refuse `stream_options`."""


def patches(module: Any, is_installed: Callable[[], bool]) -> list[Patch]:
    """What is wrapped in the loaded `openai` package."""
    library = Library(
        name="openai",
        apis={
            "chat/completions": Api("chat", _chat_request, _chat_response, _ChatCollector, has_stream_options=True),
            "completions": Api(
                "text_completion", _completion_request, _chat_response, _ChatCollector, has_stream_options=True
            ),
            "responses": Api("chat", _responses_request, _responses_response, _ResponsesCollector),
            "responses/compact": Api("chat", _responses_request, _responses_response),
            "decisions": Api("chat", _completion_request, _responses_response),
            "embeddings": Api("embeddings", _embeddings_request, _chat_response),
        },
        stream=module.Stream,
        async_stream=module.AsyncStream,
        takes_stream_usage=lambda client, body: _takes_stream_usage(module, client, body),
    )
    return request_patches("openai._base_client", library, is_installed)


def _takes_stream_usage(module: Any, client: Any, body: Mapping[str, Any]) -> bool:
    if not isinstance(client, (module.AzureOpenAI, module.AsyncAzureOpenAI)):
        return True
    version = client.default_query.get("api-version")
    # Azure "on your data" requests refuse the option in every version.
    return isinstance(version, str) and version >= _FIRST_AZURE_WITH_STREAM_USAGE and "data_sources" not in body


def _chat_request(body: Mapping[str, Any]) -> Attributes:
    found = _completion_request(body)
    found[attr.OPENAI_API_TYPE] = "chat_completions"
    _add_output_type(found, field(body.get("response_format"), "type"))
    return found


def _completion_request(body: Mapping[str, Any]) -> Attributes:
    found = scalars(body, _COMPLETION)
    choices = whole_number(body, "n")
    if choices is not None and choices != 1:
        found[attr.REQUEST_CHOICE_COUNT] = choices
    return found


def _responses_request(body: Mapping[str, Any]) -> Attributes:
    found = scalars(body, _RESPONSES)
    found[attr.OPENAI_API_TYPE] = "responses"
    effort = text(body.get("reasoning"), "effort")
    if effort is not None:
        found[attr.REQUEST_REASONING_LEVEL] = effort
    conversation = text(body.get("conversation"), "id")
    if conversation is not None:
        found[attr.CONVERSATION_ID] = conversation
    _add_output_type(found, field(field(body.get("text"), "format"), "type"))
    return found


def _embeddings_request(body: Mapping[str, Any]) -> Attributes:
    return scalars(body, _EMBEDDINGS)


def _add_output_type(found: Attributes, wanted: Any) -> None:
    kind = _OUTPUT_TYPES.get(wanted) if isinstance(wanted, str) else None
    if kind is not None:
        found[attr.OUTPUT_TYPE] = kind


def _chat_response(answer: Any) -> CallResponse:
    reasons = [text(choice, "finish_reason") for choice in items(answer, "choices")]
    return _call_response(answer, tuple(reason for reason in reasons if reason), _chat_usage(field(answer, "usage")))


def _responses_response(answer: Any) -> CallResponse:
    usage = _responses_usage(field(answer, "usage"), field(field(answer, "tool_usage"), "web_search"))
    response = _call_response(answer, _responses_finish(answer), usage)
    error = text(field(answer, "error"), "code")
    if error is not None:
        # The client returns a failed response as a value, not as an exception.
        response.attributes[attr.ERROR_TYPE] = error
    return response


def _responses_finish(answer: Any) -> tuple[str, ...]:
    reason = text(field(answer, "incomplete_details"), "reason") or text(answer, "status")
    return (reason,) if reason else ()


def _call_response(answer: Any, finish_reasons: tuple[str, ...], usage: Usage | None) -> CallResponse:
    found: Attributes = {}
    tier = text(answer, "service_tier")
    if tier is not None:
        found[attr.RESPONSE_SERVICE_TIER] = tier
    fingerprint = text(answer, "system_fingerprint")
    if fingerprint is not None:
        found[attr.SYSTEM_FINGERPRINT] = fingerprint
    return CallResponse(
        id=text(answer, "id"),
        model=text(answer, "model"),
        finish_reasons=finish_reasons,
        usage=usage,
        service_tier=tier,
        reported_cost_usd=_reported_cost(field(answer, "usage")),
        attributes=found,
    )


def _chat_usage(usage: Any) -> Usage | None:
    if usage is None:
        return None
    details_in, details_out = field(usage, "prompt_tokens_details"), field(usage, "completion_tokens_details")
    cached = whole_number(details_in, "cached_tokens")
    return Usage(
        input_tokens=whole_number(usage, "prompt_tokens"),
        output_tokens=whole_number(usage, "completion_tokens"),
        # DeepSeek names what others call cached_tokens so, beside the totals.
        cache_read_tokens=whole_number(usage, "prompt_cache_hit_tokens") if cached is None else cached,
        cache_write_tokens=whole_number(details_in, "cache_write_tokens"),
        reasoning_tokens=whole_number(details_out, "reasoning_tokens"),
        audio_input_tokens=whole_number(details_in, "audio_tokens"),
        audio_output_tokens=whole_number(details_out, "audio_tokens"),
    )


def _responses_usage(usage: Any, web_search: Any) -> Usage | None:
    if usage is None:
        return None
    details = field(usage, "input_tokens_details")
    return Usage(
        input_tokens=whole_number(usage, "input_tokens"),
        output_tokens=whole_number(usage, "output_tokens"),
        cache_read_tokens=whole_number(details, "cached_tokens"),
        cache_write_tokens=whole_number(details, "cache_write_tokens"),
        cache_write_1h_tokens=whole_number(field(details, "cache_write_tokens_details"), "ttl_12h_tokens"),
        reasoning_tokens=whole_number(field(usage, "output_tokens_details"), "reasoning_tokens"),
        web_searches=whole_number(web_search, "num_requests"),
    )


def _reported_cost(usage: Any) -> str | None:
    """US dollars that a gateway says the call cost, as decimal text: OpenRouter a number, Perplexity a breakdown."""
    cost = field(usage, "cost")
    breakdown = mapping(cost)
    if breakdown is not None:
        cost = breakdown.get("total_cost")
    # With a key of one's own, OpenRouter's amount is its fee only.
    if type(cost) not in (int, float, str) or field(usage, "is_byok") is True:
        return None
    try:
        amount = Decimal(str(cost))
    except InvalidOperation:
        return None
    return format(amount, "f") if amount.is_finite() and amount >= 0 else None


class _ChatCollector:
    """Gathers a chat or text completion from its chunks."""

    __slots__ = ("_answer", "_hides_usage", "_reasons", "_usage")

    def __init__(self, hides_usage: bool) -> None:
        self._hides_usage = hides_usage
        self._answer: Any = None
        self._reasons: dict[int, Any] = {}
        self._usage: Any = None

    @property
    def is_complete(self) -> bool:
        """Whether every choice that began has ended."""
        return bool(self._reasons) and None not in self._reasons.values()

    def see(self, chunk: Any, /) -> bool:
        """Keep what the chunk tells beside its content."""
        choices = items(chunk, "choices")
        usage = field(chunk, "usage")
        if self._answer is None or field(chunk, "service_tier") is not None:
            self._answer = chunk
        for choice in choices:
            index, reason = whole_number(choice, "index"), field(choice, "finish_reason")
            if reason is not None:
                self._reasons[index or 0] = reason
            else:
                self._reasons.setdefault(index or 0)
        if usage is not None:
            self._usage = usage
            return self._hides_usage and not choices
        if self._hides_usage and not isinstance(chunk, dict):
            # `usage: null` is in every chunk because we asked; without that it would not show in `to_dict()`.
            chunk.model_fields_set.discard("usage")
        return False

    def response(self) -> CallResponse:
        """What the chunks have told."""
        reasons = tuple(reason for _, reason in sorted(self._reasons.items()) if isinstance(reason, str))
        response = _call_response(self._answer, reasons, _chat_usage(self._usage))
        response.reported_cost_usd = _reported_cost(self._usage)
        return response


class _ResponsesCollector:
    """Gathers a response from its events: the first holds its id, the last one all of it."""

    __slots__ = ("_answer", "_error", "is_complete")

    def __init__(self, hides_usage: bool) -> None:
        self._answer: Any = None
        self._error: str | None = None
        self.is_complete = False

    def see(self, event: Any, /) -> bool:
        """Keep the response that the event holds."""
        kind = field(event, "type")
        if kind in ("response.created", "response.completed", "response.incomplete", "response.failed"):
            self._answer = field(event, "response")
            self.is_complete = kind != "response.created"
        elif kind == "error":
            self._error = text(event, "code") or "error"
        return False

    def response(self) -> CallResponse:
        """What the events have told."""
        response = _responses_response(self._answer)
        if not self.is_complete:
            response.finish_reasons = ()
        if self._error is not None:
            response.attributes[attr.ERROR_TYPE] = self._error
        return response
