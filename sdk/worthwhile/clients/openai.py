"""openai 2 and 3: chat, responses, embeddings, text completions; every server that speaks their protocol.

Patched: `SyncAPIClient.request` and `AsyncAPIClient.request` (why there: `_base.py`), one CLIENT span per call with the
request's scalars, the answer's id, model, finish reasons, service tier and tokens. Nothing else of the library changes.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from operator import itemgetter
from typing import Any, Final

from worthwhile._call import CallResponse, Facts, Format
from worthwhile.clients._base import Api, Library, Patch, request_patches
from worthwhile.clients._fields import Attributes, asked, fields, inner, number, reasons, scalars, text, texts
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

_ASKS_COMPLETION: Final = frozenset({*_COMPLETION, "n", "response_format"})
_ASKS_RESPONSES: Final = frozenset({*_RESPONSES, "reasoning", "text"})

_OUTPUT_TYPES: Final = {"text": "text", "json_object": "json", "json_schema": "json"}

_FIRST_AZURE_WITH_STREAM_USAGE: Final = "2024-09"
"""Azure's API versions are dates; those before refuse `stream_options`."""


def patches(module: Any, is_installed: Callable[[], bool]) -> list[Patch]:
    """What is wrapped in the loaded `openai` package."""
    responses = Format("chat", _responses_request, _responses_response, _responses_counted)
    library = Library(
        name="openai",
        apis={
            "chat/completions": Api(
                Format("chat", _chat_request, _chat_response, _chat_counted),
                _ASKS_COMPLETION,
                _chat_facts,
                _ChatCollector,
                has_stream_options=True,
            ),
            "completions": Api(
                Format("text_completion", _completion_request, _chat_response, _chat_counted),
                _ASKS_COMPLETION,
                _chat_facts,
                _CompletionCollector,
                has_stream_options=True,
            ),
            "responses": Api(responses, _ASKS_RESPONSES, _responses_facts, _ResponsesCollector),
            "responses/compact": Api(responses, _ASKS_RESPONSES, _responses_facts),
            "decisions": Api(
                Format("chat", _completion_request, _responses_response, _responses_counted),
                _ASKS_COMPLETION,
                _responses_facts,
            ),
            "embeddings": Api(
                Format("embeddings", _embeddings_request, _chat_response, _chat_counted),
                frozenset(_EMBEDDINGS),
                _chat_facts,
            ),
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


# Requests, where the span is read.


def _chat_request(facts: Facts) -> Attributes:
    found = _completion_request(facts)
    found[attr.OPENAI_API_TYPE] = "chat_completions"
    _add_output_type(found, inner(asked(facts).get("response_format"), "type"))
    return found


def _completion_request(facts: Facts) -> Attributes:
    request = asked(facts)
    found = scalars(request, _COMPLETION)
    choices = number(request.get("n"))
    if choices is not None and choices != 1:
        found[attr.REQUEST_CHOICE_COUNT] = choices
    return found


def _responses_request(facts: Facts) -> Attributes:
    request = asked(facts)
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


def _embeddings_request(facts: Facts) -> Attributes:
    return scalars(asked(facts), _EMBEDDINGS)


def _add_output_type(found: Attributes, wanted: Any) -> None:
    kind = _OUTPUT_TYPES.get(wanted) if isinstance(wanted, str) else None
    if kind is not None:
        found[attr.OUTPUT_TYPE] = kind


# Answers, while the host waits: (id, counts, model, service tier, fingerprint, finish reasons, error).


def _chat_facts(answer: Any) -> Facts:
    try:  # nearly always: what the library makes of an answer, in one of its later versions
        id_, usage, model, tier, fingerprint, choices = _HEAD(answer.__dict__)
        (choice,) = choices
        reason = choice.__dict__["finish_reason"]
    except (AttributeError, KeyError, TypeError, ValueError):
        get = fields(answer).get
        id_, usage, model, tier, fingerprint, choices = map(get, _HEAD_NAMES)
        reason = reasons(choices)
    return (id_, None if usage is None else _chat_counts(usage), model, tier, fingerprint, reason)


def _chat_counts(usage: Any) -> Facts:
    """Input, output, cached, written to the cache, heard, reasoned, spoken; and what a gateway says that it cost."""
    try:
        if not usage.__pydantic_extra__:
            total, answered, sent, written = _COUNTS(usage.__dict__)
            cached, stored, heard = _NOTHING_SENT if sent is None else _SENT(sent.__dict__)
            reasoned, spoken = _NOTHING_WRITTEN if written is None else _WRITTEN(written.__dict__)
            return (total, answered, cached, stored, heard, reasoned, spoken, None)
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
_HEAD: Final = itemgetter(*_HEAD_NAMES)
_COUNTS: Final = itemgetter("prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details")
_SENT_NAMES: Final = ("cached_tokens", "cache_write_tokens", "audio_tokens")
_SENT: Final = itemgetter(*_SENT_NAMES)
_WRITTEN_NAMES: Final = ("reasoning_tokens", "audio_tokens")
_WRITTEN: Final = itemgetter(*_WRITTEN_NAMES)
_NOTHING_SENT: Final = (None, None, None)
_NOTHING_WRITTEN: Final = (None, None)


def _responses_facts(answer: Any) -> Facts:
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


def _chat_counted(counts: Facts) -> tuple[Usage | None, str | None]:
    total, answered, cached, stored, heard, reasoned, spoken, _ = [n if type(n) is int else None for n in counts]
    return Usage(total, answered, cached, stored, None, reasoned, heard, spoken), counts[-1]


def _responses_response(facts: Facts) -> CallResponse:
    counts = facts[1]
    response = _response(facts, *((None, None) if counts is None else _responses_counted(counts)))
    error = text(facts[6])
    if error is None:
        return response
    # The client returns a failed response as a value, not as an exception.
    return response._replace(attributes={**response.attributes, attr.ERROR_TYPE: error})


def _responses_counted(counts: Facts) -> tuple[Usage | None, str | None]:
    total, answered, cached, stored, lasting, reasoned, searches = map(number, counts[:-1])
    return Usage(total, answered, cached, stored, lasting, reasoned, None, None, searches), counts[-1]


def _response(facts: Facts, usage: Usage | None, cost: str | None) -> CallResponse:
    found: Attributes = {}
    tier = text(facts[3])
    if tier is not None:
        found[attr.RESPONSE_SERVICE_TIER] = tier
    fingerprint = text(facts[4])
    if fingerprint is not None:
        found[attr.SYSTEM_FINGERPRINT] = fingerprint
    return CallResponse(text(facts[0]), text(facts[2]), texts(facts[5]), usage, tier, cost, found)


class _ChatCollector:
    """Gathers a chat or text completion from its chunks."""

    __slots__ = ("_answer", "_is_hiding", "_reasons", "_usage", "sees_all")

    def __init__(self, request: Facts, hides_usage: bool) -> None:
        self._answer: Mapping[str, Any] | None = None
        self._reasons: dict[Any, Any] = {}
        self._usage: Any = None
        # The end of one of several choices may come long before the end of the stream.
        self.sees_all = asked(request).get("n", 1) != 1
        self._is_hiding = hides_usage

    @property
    def is_complete(self) -> bool:
        """Whether every choice that began has ended."""
        return bool(self._reasons) and None not in self._reasons.values()

    def see(self, chunk: Any, /) -> bool:
        """Keep what the chunk tells beside its content."""
        found = fields(chunk)
        choices, usage = found.get("choices"), found.get("usage")
        if self._answer is None or found.get("service_tier") is not None:
            self._answer = found
        for choice in choices or ():
            of_choice = fields(choice)
            index, reason = of_choice.get("index"), of_choice.get("finish_reason")
            if reason is not None or index not in self._reasons:
                self._reasons[index] = reason
        if usage is not None:
            self._usage = usage
        return self._is_hiding and self._hides(chunk)

    @property
    def hides(self) -> Callable[[Any], bool] | None:
        """Whether a chunk is there only because we asked for the usage; `None` where the host asked for it."""
        return self._hides if self._is_hiding else None

    def _hides(self, chunk: Any) -> bool:
        """Whether the host is not to see `chunk`, and as if we had not asked for it in any other."""
        found = fields(chunk)
        if found.get("usage") is not None:
            return not found.get("choices")
        if type(chunk) is not dict:
            # `usage: null` is in every chunk because we asked; without that it would not show in `to_dict()`.
            chunk.model_fields_set.discard("usage")
        return False

    def see_ends(self, first: Any, last: Sequence[Any]) -> None:
        """Look at the first chunk, and from the last back to the end of the only choice."""
        for chunk in reversed(last):
            found = fields(chunk)
            if self._usage is None:
                self._usage = found.get("usage")
            if self._answer is None and found.get("service_tier") is not None:
                self._answer = found
            choices = found.get("choices")
            if choices:
                of_choice = fields(choices[0])
                index, reason = of_choice.get("index"), of_choice.get("finish_reason")
                if reason is not None or index not in self._reasons:
                    self._reasons[index] = reason
                if reason is not None:
                    break
        if self._answer is None:
            self._answer = fields(first)

    def facts(self) -> Facts:
        """What the chunks have told."""
        get = _NOTHING.get if self._answer is None else self._answer.get
        ended: Any
        if len(self._reasons) == 1:
            (ended,) = self._reasons.values()
        else:
            ended = tuple(self._reasons[index] for index in sorted(self._reasons, key=_order))
        counts = None if self._usage is None else _chat_counts(self._usage)
        return (get("id"), counts, get("model"), get("service_tier"), get("system_fingerprint"), ended)


_NOTHING: Final[Mapping[str, Any]] = {}


def _order(index: Any) -> int:
    return index if type(index) is int else 0


class _CompletionCollector(_ChatCollector):
    """Gathers a text completion: several prompts make several choices, whatever `n` is."""

    __slots__ = ()

    def __init__(self, request: Facts, hides_usage: bool) -> None:
        super().__init__(request, hides_usage)
        self.sees_all = True


class _ResponsesCollector:
    """Gathers a response from its events: the first holds its id, the last one all of it."""

    __slots__ = ("_answer", "_error", "is_complete")

    sees_all = False
    hides = None

    def __init__(self, request: Facts, hides_usage: bool) -> None:
        self._answer: Any = None
        self._error: str | None = None
        self.is_complete = False

    def see(self, event: Any, /) -> bool:
        """Keep the response that the event holds."""
        read: Any = event if type(event) is dict else event.__dict__  # pyright: ignore[reportUnknownVariableType]
        kind = read.get("type")
        if kind in _TELLING:
            self._answer = read.get("response")
            self.is_complete = kind != "response.created"
        elif kind == "error":
            self._error = text(read.get("code")) or "error"
        return False

    def see_ends(self, first: Any, last: Sequence[Any]) -> None:
        """Look at the first event and at the last."""
        for event in (first, *last):
            self.see(event)

    def facts(self) -> Facts:
        """What the events have told."""
        *told, reason, error = _responses_facts(self._answer)
        return (*told, reason if self.is_complete else None, self._error or error)


_TELLING: Final = frozenset(("response.created", "response.completed", "response.incomplete", "response.failed"))
