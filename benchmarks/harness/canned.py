"""Model calls without a network: the real clients on a transport that answers at once from memory.

A scenario is a name and a factory of the call. What is left is the client's own work, and what watching adds to it.
"""

import asyncio
import base64
import importlib
import json
import struct
from collections.abc import Callable, Iterable
from typing import Any

CHAT_MODEL = "gpt-4o-mini"
EMBEDDING_MODEL = "text-embedding-3-small"
CLAUDE_MODEL = "claude-sonnet-4-5"
CHUNKS = 23
"""Chunks of a streamed chat, as the host sees them."""

MESSAGES = [
    {"role": "system", "content": "You answer for the support desk of an accounting program. " * 6},
    {"role": "user", "content": "Sum up the thread below in three points and say what is to be done next. " * 6},
]
ANSWER = "Invoices were sent twice after the import; delete the second ones and switch idempotency keys on. " * 5

_CHAT_USAGE = {
    "prompt_tokens": 1200,
    "completion_tokens": 96,
    "total_tokens": 1296,
    "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 32,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
_RESPONSES_USAGE = {
    "input_tokens": 1200,
    "input_tokens_details": {"cached_tokens": 1024},
    "output_tokens": 96,
    "output_tokens_details": {"reasoning_tokens": 32},
    "total_tokens": 1296,
}
_CLAUDE_USAGE = {
    "input_tokens": 176,
    "cache_creation_input_tokens": 64,
    "cache_read_input_tokens": 960,
    "output_tokens": 96,
    "service_tier": "standard",
}
_CHAT_BASE = {
    "id": "chatcmpl-canned",
    "created": 1_767_225_600,
    "model": f"{CHAT_MODEL}-2024-07-18",
    "service_tier": "default",
    "system_fingerprint": "fp_canned",
}


def _words(count: int) -> list[str]:
    step = len(ANSWER) // count
    return [ANSWER[number * step : (number + 1) * step] for number in range(count)]


def _events(documents: Iterable[dict[str, Any]], *, named: bool = False, done: bool = False) -> bytes:
    text = "".join(
        (f"event: {document['type']}\n" if named else "") + f"data: {json.dumps(document)}\n\n"
        for document in documents
    )
    return (text + ("data: [DONE]\n\n" if done else "")).encode()


def _chat() -> bytes:
    message = {"role": "assistant", "content": ANSWER, "refusal": None, "annotations": []}
    choice = {"index": 0, "finish_reason": "stop", "logprobs": None, "message": message}
    return json.dumps({**_CHAT_BASE, "object": "chat.completion", "choices": [choice], "usage": _CHAT_USAGE}).encode()


def _chat_stream() -> bytes:
    def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return {**_CHAT_BASE, "object": "chat.completion.chunk", "choices": [choice], "usage": None}

    chunks = [chunk({"role": "assistant", "content": ""})]
    chunks += [chunk({"content": word}) for word in _words(CHUNKS - 3)]
    chunks += [chunk({}, "stop"), {**chunk({}), "choices": [], "usage": _CHAT_USAGE}]
    return _events(chunks, done=True)


def _response_body(status: str = "completed") -> dict[str, Any]:
    text = {"type": "output_text", "text": ANSWER, "annotations": []}
    message = {"type": "message", "id": "msg_canned", "status": status, "role": "assistant", "content": [text]}
    return {
        "id": "resp_canned",
        "object": "response",
        "created_at": 1_767_225_600,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": f"{CHAT_MODEL}-2024-07-18",
        "output": [message] if status == "completed" else [],
        "parallel_tool_calls": True,
        "service_tier": "default",
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": _RESPONSES_USAGE if status == "completed" else None,
    }


def _responses_stream() -> bytes:
    place = {"item_id": "msg_canned", "output_index": 0, "content_index": 0}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": _response_body("in_progress")}]
    events += [{"type": "response.output_text.delta", **place, "delta": word, "logprobs": []} for word in _words(20)]
    events += [
        {"type": "response.output_text.done", **place, "text": ANSWER, "logprobs": []},
        {"type": "response.completed", "response": _response_body()},
    ]
    return _events([{**event, "sequence_number": number} for number, event in enumerate(events)], named=True)


def _embeddings() -> bytes:
    vector = base64.b64encode(struct.pack("<256f", *[number / 256 for number in range(256)])).decode()
    data = [{"object": "embedding", "index": 0, "embedding": vector}]
    usage = {"prompt_tokens": 48, "total_tokens": 48}
    return json.dumps({"object": "list", "model": EMBEDDING_MODEL, "data": data, "usage": usage}).encode()


def _claude_message() -> dict[str, Any]:
    return {
        "id": "msg_canned",
        "type": "message",
        "role": "assistant",
        "model": f"{CLAUDE_MODEL}-20250929",
        "content": [{"type": "text", "text": ANSWER}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": _CLAUDE_USAGE,
    }


def _claude_stream() -> bytes:
    begun = {**_claude_message(), "content": [], "stop_reason": None, "usage": {**_CLAUDE_USAGE, "output_tokens": 1}}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ]
    events += [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
        for word in _words(20)
    ]
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    events += [
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 96}},
        {"type": "message_stop"},
    ]
    return _events(events, named=True)


_ANSWERS: dict[tuple[str, bool], bytes] = {
    ("/chat/completions", False): _chat(),
    ("/chat/completions", True): _chat_stream(),
    ("/responses", False): json.dumps(_response_body()).encode(),
    ("/responses", True): _responses_stream(),
    ("/embeddings", False): _embeddings(),
    ("/messages", False): json.dumps(_claude_message()).encode(),
    ("/messages", True): _claude_stream(),
}


def _http(library: str) -> Any:
    """The HTTP library that a client is built on: httpx2 in openai 3 and anthropic 2, httpx before."""
    base = importlib.import_module(f"{library}._base_client")
    return getattr(base, "httpx2", None) or base.httpx


def client(library: str, *, is_async: bool) -> Any:
    """A client of `library` on the canned transport."""
    http = _http(library)

    def answer(request: Any) -> Any:
        is_stream = b'"stream":true' in request.content or b'"stream": true' in request.content
        path = next(path for path, _ in _ANSWERS if request.url.path.endswith(path))
        kind = "text/event-stream" if is_stream else "application/json"
        return http.Response(200, headers={"content-type": kind}, content=_ANSWERS[path, is_stream])

    module = importlib.import_module(library)
    prefix = "Async" if is_async else ""
    name = {"openai": "OpenAI", "anthropic": "Anthropic"}[library]
    transport = http.MockTransport(answer)
    http_client = getattr(http, f"{prefix}Client")(transport=transport)
    return getattr(module, prefix + name)(api_key="sk-canned", max_retries=0, http_client=http_client)


def _chat_call(made: Any, **more: Any) -> Any:
    return made.chat.completions.create(model=CHAT_MODEL, messages=MESSAGES, temperature=0.2, max_tokens=256, **more)


def _responses_call(made: Any, **more: Any) -> Any:
    text = MESSAGES[1]["content"]
    return made.responses.create(model=CHAT_MODEL, input=text, temperature=0.2, max_output_tokens=256, **more)


def _embeddings_call(made: Any) -> Any:
    return made.embeddings.create(model=EMBEDDING_MODEL, input=MESSAGES[1]["content"])


def _claude_call(made: Any, **more: Any) -> Any:
    return made.messages.create(model=CLAUDE_MODEL, messages=MESSAGES[1:], max_tokens=256, **more)


_ASKED = {"stream": True, "stream_options": {"include_usage": True}}

SCENARIOS: dict[str, tuple[str, Callable[..., Any], dict[str, Any]]] = {
    "chat": ("openai", _chat_call, {}),
    "chat_stream": ("openai", _chat_call, _ASKED),
    "responses": ("openai", _responses_call, {}),
    "responses_stream": ("openai", _responses_call, {"stream": True}),
    "embeddings": ("openai", _embeddings_call, {}),
    "claude": ("anthropic", _claude_call, {}),
    "claude_stream": ("anthropic", _claude_call, {"stream": True}),
}
"""Name -> library, call, further arguments. With `_async` behind its name, each is made with the async client."""


def caller(scenario: str) -> Callable[[int], None]:
    """What makes `count` calls of a scenario, one after the other, and reads streams to their end."""
    is_async = scenario.endswith("_async")
    library, make, more = SCENARIOS[scenario.removesuffix("_async")]
    made = client(library, is_async=is_async)
    if not is_async:
        return lambda count: _call(make, made, more, count)
    loop = asyncio.new_event_loop()
    return lambda count: loop.run_until_complete(_call_async(make, made, more, count))


def _call(make: Callable[..., Any], made: Any, more: dict[str, Any], count: int) -> None:
    for _ in range(count):
        answer = make(made, **more)
        if more:
            for _ in answer:
                pass


async def _call_async(make: Callable[..., Any], made: Any, more: dict[str, Any], count: int) -> None:
    for _ in range(count):
        answer = await make(made, **more)
        if more:
            async for _ in answer:
                pass
