"""openai 2 and 3: chat, responses, embeddings, text completions; every server that speaks their protocol.

Patched: `SyncAPIClient.request` and `AsyncAPIClient.request` (why there: `_base.py`), one CLIENT span per call with the
request's scalars, the answer's id, model, finish reasons, service tier and tokens. Nothing else of the library changes.
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from worthwhile._call import CallResponse, Facts, Format
from worthwhile.clients._base import Api, Installed, Library, Patch, reading, request_patches
from worthwhile.clients._fields import Attributes, fields, inner, number, reasons, scalars, text, texts
from worthwhile.usage import Counts, Usage
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

_ASKS_COMPLETION: Final = frozenset({*_COMPLETION, "n"})
_ASKS_RESPONSES: Final = frozenset(_RESPONSES)
_INSIDE_COMPLETION: Final = frozenset({"response_format"})
_INSIDE_RESPONSES: Final = frozenset({"conversation", "reasoning", "text"})

_OUTPUT_TYPES: Final = {"text": "text", "json_object": "json", "json_schema": "json"}

_FIRST_AZURE_WITH_STREAM_USAGE: Final = "2024-09"
"""Azure's API versions are dates; those before refuse `stream_options`."""


def patches(module: Any, installation: Installed) -> list[Patch]:
    """What is wrapped in the loaded `openai` package."""
    responses = Format("chat", _responses_request, _responses_response, _responses_counted)
    library = Library(
        name="openai",
        apis={
            "chat/completions": Api(
                Format("chat", _chat_request, _chat_response, _chat_counted),
                _ASKS_COMPLETION,
                _INSIDE_COMPLETION,
                chat_facts,
                reading("_openai_streams", "chat"),
                has_stream_options=True,
            ),
            "completions": Api(
                Format("text_completion", _completion_request, _chat_response, _chat_counted),
                _ASKS_COMPLETION,
                _INSIDE_COMPLETION,
                chat_facts,
                reading("_openai_streams", "completion"),
                has_stream_options=True,
            ),
            "responses": Api(
                responses, _ASKS_RESPONSES, _INSIDE_RESPONSES, responses_facts, reading("_openai_streams", "response")
            ),
            "responses/compact": Api(responses, _ASKS_RESPONSES, _INSIDE_RESPONSES, responses_facts),
            "decisions": Api(
                Format("chat", _completion_request, _responses_response, _responses_counted),
                _ASKS_COMPLETION,
                _INSIDE_COMPLETION,
                responses_facts,
            ),
            "embeddings": Api(
                Format("embeddings", _embeddings_request, _chat_response, _chat_counted),
                frozenset(_EMBEDDINGS),
                frozenset(),
                chat_facts,
            ),
        },
        stream=module.Stream,
        async_stream=module.AsyncStream,
        takes_stream_usage=lambda client, body: _takes_stream_usage(module, client, body),
    )
    return request_patches("openai._base_client", library, installation)


def _takes_stream_usage(module: Any, client: Any, body: Mapping[str, Any]) -> bool:
    if not isinstance(client, (module.AzureOpenAI, module.AsyncAzureOpenAI)):
        return True
    version = client.default_query.get("api-version")
    # Azure "on your data" requests refuse the option in every version.
    return isinstance(version, str) and version >= _FIRST_AZURE_WITH_STREAM_USAGE and "data_sources" not in body


# Requests, where the span is read.


def _chat_request(request: Mapping[str, Any]) -> Attributes:
    found = _completion_request(request)
    found[attr.OPENAI_API_TYPE] = "chat_completions"
    _add_output_type(found, inner(request.get("response_format"), "type"))
    return found


def _completion_request(request: Mapping[str, Any]) -> Attributes:
    found = scalars(request, _COMPLETION)
    choices = number(request.get("n"))
    if choices is not None and choices != 1:
        found[attr.REQUEST_CHOICE_COUNT] = choices
    return found


def _responses_request(request: Mapping[str, Any]) -> Attributes:
    found = scalars(request, _RESPONSES)
    found[attr.OPENAI_API_TYPE] = "responses"
    effort = text(inner(request.get("reasoning"), "effort"))
    if effort is not None:
        found[attr.REQUEST_REASONING_LEVEL] = effort
    conversation = text(inner(request.get("conversation"), "id"))
    if conversation is not None:
        found[attr.CONVERSATION_ID] = conversation
    _add_output_type(found, inner(inner(request.get("text"), "format"), "type"))
    return found


def _embeddings_request(request: Mapping[str, Any]) -> Attributes:
    return scalars(request, _EMBEDDINGS)


def _add_output_type(found: Attributes, wanted: Any) -> None:
    kind = _OUTPUT_TYPES.get(wanted) if isinstance(wanted, str) else None
    if kind is not None:
        found[attr.OUTPUT_TYPE] = kind


# Answers, while the host waits: (id, counts, model, service tier, fingerprint, finish reasons, error).


def chat_facts(answer: Any) -> Facts:
    """Facts of a chat, a text completion or embeddings, as the client has made it or as decoded JSON."""
    try:  # nearly always: what the library makes of an answer, in one of its later versions
        found = answer.__dict__
        (choice,) = found["choices"]
        reason = choice.__dict__["finish_reason"]
        usage = found["usage"]
        counts = None if usage is None else chat_counts(usage)
        return (found["id"], counts, found["model"], found["service_tier"], found["system_fingerprint"], reason)
    except (AttributeError, KeyError, TypeError, ValueError):
        get = fields(answer).get
        id_, usage, model, tier, fingerprint, choices = map(get, _HEAD_NAMES)
        return (id_, None if usage is None else chat_counts(usage), model, tier, fingerprint, reasons(choices))


def chat_counts(usage: Any) -> Facts:
    """Input, output, cached, written to the cache, heard, reasoned, spoken; and what a gateway says that it cost."""
    try:
        if not usage.__pydantic_extra__:
            all_ = usage.__dict__
            cached = stored = heard = reasoned = spoken = None
            sent = all_["prompt_tokens_details"]
            if sent is not None:
                of_sent = sent.__dict__
                cached, stored, heard = of_sent["cached_tokens"], of_sent["cache_write_tokens"], of_sent["audio_tokens"]
            written = all_["completion_tokens_details"]
            if written is not None:
                of_written = written.__dict__
                reasoned, spoken = of_written["reasoning_tokens"], of_written["audio_tokens"]
            return (all_["prompt_tokens"], all_["completion_tokens"], cached, stored, heard, reasoned, spoken, None)
    except (AttributeError, KeyError, TypeError):  # decoded JSON, or another version of the library
        pass
    found = fields(usage)
    get = found.get
    of_sent, of_written = fields(get("prompt_tokens_details")).get, fields(get("completion_tokens_details")).get
    cached, stored, heard = map(of_sent, _SENT_NAMES)
    reasoned, spoken = map(of_written, _WRITTEN_NAMES)
    if cached is None:
        cached = get("prompt_cache_hit_tokens")  # DeepSeek's name for it, beside the totals
    cost = _reported_cost(found) if "cost" in found else None
    return (get("prompt_tokens"), get("completion_tokens"), cached, stored, heard, reasoned, spoken, cost)


_HEAD_NAMES: Final = ("id", "usage", "model", "service_tier", "system_fingerprint", "choices")
_SENT_NAMES: Final = ("cached_tokens", "cache_write_tokens", "audio_tokens")
_WRITTEN_NAMES: Final = ("reasoning_tokens", "audio_tokens")


def responses_facts(answer: Any) -> Facts:
    """Facts of a response."""
    get = fields(answer).get
    usage, error, tools, incomplete = get("usage"), get("error"), get("tool_usage"), get("incomplete_details")
    reason = None if incomplete is None else fields(incomplete).get("reason")
    searches = None if tools is None else fields(fields(tools).get("web_search")).get("num_requests")
    return (
        get("id"),
        None if usage is None else _responses_counts(usage, searches),
        get("model"),
        get("service_tier"),
        get("system_fingerprint"),
        get("status") if reason is None else reason,
        None if error is None else fields(error).get("code"),
    )


def _responses_counts(usage: Any, searches: Any) -> Facts:
    """Input, output, cached, written to the cache, kept there for hours, reasoned, searches; and the cost."""
    found = fields(usage)
    get = found.get
    sent, written = get("input_tokens_details"), get("output_tokens_details")
    cached = stored = lasting = None
    if sent is not None:
        of_sent = fields(sent).get
        cached, stored, lifetimes = map(of_sent, _RESPONSES_INPUT)
        lasting = None if lifetimes is None else fields(lifetimes).get("ttl_12h_tokens")
    reasoned = None if written is None else fields(written).get("reasoning_tokens")
    cost = _reported_cost(found) if "cost" in found else None
    return (get("input_tokens"), get("output_tokens"), cached, stored, lasting, reasoned, searches, cost)


_RESPONSES_INPUT: Final = ("cached_tokens", "cache_write_tokens", "cache_write_tokens_details")


def _reported_cost(usage: Mapping[str, Any]) -> str | None:
    """US dollars that a gateway says the call cost, as decimal text: OpenRouter a number, Perplexity a breakdown."""
    cost = usage["cost"]
    if isinstance(cost, Mapping):
        cost = fields(cost).get("total_cost")
    # With a key of one's own, OpenRouter's amount is its fee only.
    if type(cost) not in (int, float, str) or usage.get("is_byok") is True:
        return None
    try:
        amount = Decimal(str(cost))
    except InvalidOperation:
        return None
    return format(amount, "f") if amount.is_finite() and amount >= 0 else None


# Answers, where the span is read.


def _chat_response(facts: Facts) -> CallResponse:
    counts = facts[1]
    return _response(facts, *((None, None) if counts is None else _chat_counted(counts)))


def _chat_counted(counts: Facts) -> tuple[Counts, str | None]:
    total, answered, cached, stored, heard, reasoned, spoken, cost = counts
    if (
        type(total) is int
        and type(answered) is int
        and (cached is None or type(cached) is int)
        and (stored is None or type(stored) is int)
        and (heard is None or type(heard) is int)
        and (reasoned is None or type(reasoned) is int)
        and (spoken is None or type(spoken) is int)
    ):
        return (total, answered, cached, stored, None, reasoned, heard, spoken, None), cost
    total, answered, cached, stored, heard, reasoned, spoken, _ = [n if type(n) is int else None for n in counts]
    return (total, answered, cached, stored, None, reasoned, heard, spoken, None), cost


def _responses_response(facts: Facts) -> CallResponse:
    counts = facts[1]
    response = _response(facts, *((None, None) if counts is None else _responses_counted(counts)))
    error = text(facts[6])
    if error is None:
        return response
    # The client returns a failed response as a value, not as an exception.
    return response._replace(attributes={**response.attributes, attr.ERROR_TYPE: error})


def _responses_counted(counts: Facts) -> tuple[Counts, str | None]:
    total, answered, cached, stored, lasting, reasoned, searches = map(number, counts[:-1])
    return (total, answered, cached, stored, lasting, reasoned, None, None, searches), counts[-1]


def _response(facts: Facts, counts: Counts | None, cost: str | None) -> CallResponse:
    usage = None if counts is None else Usage(*counts)
    found: Attributes = {}
    tier = text(facts[3])
    if tier is not None:
        found[attr.RESPONSE_SERVICE_TIER] = tier
    fingerprint = text(facts[4])
    if fingerprint is not None:
        found[attr.SYSTEM_FINGERPRINT] = fingerprint
    return CallResponse(text(facts[0]), text(facts[2]), texts(facts[5]), usage, tier, cost, found)
