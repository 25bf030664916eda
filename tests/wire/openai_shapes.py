"""Answers in the shape of OpenAI's chat, text completion and embeddings endpoints, and of servers that copy them."""

import base64
import json
import struct
from typing import Any

from tests.wire.counting import example_of, reply_words
from tests.wire.ledger import Entry, Tokens
from tests.wire.reply import EVENTS, Part, Reply, event, whole
from tests.wire.script import Script

CREATED = 1_780_000_000


def chat(entry: Entry, script: Script) -> Reply:
    """`POST /chat/completions`."""
    body, tokens = entry.body, entry.counted
    base = {"id": f"chatcmpl-{entry.number}", "created": CREATED, "model": model_of(entry, script)}
    if "plain" not in script.flags:
        base |= {"service_tier": entry.service_tier, "system_fingerprint": "fp_wire"}
    usage = None if "silent" in script.flags else chat_usage(entry, script)
    if entry.is_stream:
        return Reply(list(_chat_events(base, entry, script, usage)), EVENTS)
    choices = [
        {"index": i, "message": _message(body, tokens), "finish_reason": _finish(body, script), "logprobs": None}
        for i in range(_choice_count(body))
    ]
    answer = {**base, "object": "chat.completion", "choices": choices}
    return whole(answer | ({"usage": usage} if usage else {}), tokens if usage else Tokens())


def text_completion(entry: Entry, script: Script) -> Reply:
    """`POST /completions`, the old one."""
    base = {
        "id": f"cmpl-{entry.number}",
        "object": "text_completion",
        "created": CREATED,
        "model": model_of(entry, script),
    }
    usage = chat_usage(entry, script)
    words = reply_words(entry.counted)
    if not entry.is_stream:
        choice = {"index": 0, "text": "".join(words), "finish_reason": "stop", "logprobs": None}
        return whole({**base, "choices": [choice], "usage": usage}, entry.counted)
    parts = [
        event({**base, "choices": [{"index": 0, "text": word, "finish_reason": None, "logprobs": None}]})
        for word in words
    ]
    parts.append(event({**base, "choices": [{"index": 0, "text": "", "finish_reason": "stop", "logprobs": None}]}))
    if _asks_for_usage(entry.body):
        parts.append(event({**base, "choices": [], "usage": usage}, tells=entry.counted))
    return Reply([*parts, event("[DONE]")], EVENTS)


def embeddings(entry: Entry, script: Script) -> Reply:
    """`POST /embeddings`."""
    vector = [0.25, -0.5, 1.0]
    data: Any = vector
    if entry.body.get("encoding_format") == "base64":
        data = base64.b64encode(struct.pack("<3f", *vector)).decode()
    count = entry.counted.input_tokens
    answer = {
        "object": "list",
        "model": model_of(entry, script),
        "data": [{"object": "embedding", "index": 0, "embedding": data}],
        "usage": {"prompt_tokens": count, "total_tokens": count},
    }
    return whole(answer, entry.counted)


def chat_usage(entry: Entry, script: Script) -> dict[str, Any]:
    """The `usage` object of chat and text completions."""
    tokens = entry.counted
    usage: dict[str, Any] = {
        "prompt_tokens": tokens.input_tokens,
        "completion_tokens": tokens.output_tokens,
        "total_tokens": (tokens.input_tokens or 0) + (tokens.output_tokens or 0),
    }
    if tokens.cache_read_tokens is not None:
        usage["prompt_tokens_details"] = {
            "cached_tokens": tokens.cache_read_tokens,
            "cache_write_tokens": tokens.cache_write_tokens,
        }
        usage["completion_tokens_details"] = {"reasoning_tokens": tokens.reasoning_tokens}
    if "cost" in script.flags:
        usage["cost"] = float(entry.cost_usd or 0)
    return usage


def model_of(entry: Entry, script: Script) -> str:
    """The model name that the answer carries."""
    return entry.model + ("-2026-05-28" if "dated" in script.flags else "")


def failure(status: int) -> dict[str, Any]:
    """The body of an HTTP error."""
    kind, code = ("requests", "rate_limit_exceeded") if status == 429 else ("server_error", None)
    return {"error": {"message": f"scripted {status}", "type": kind, "param": None, "code": code}}


def _chat_events(base: dict[str, Any], entry: Entry, script: Script, usage: dict[str, Any] | None) -> list[Part]:
    body = entry.body
    base = {**base, "object": "chat.completion.chunk"}
    asked = _asks_for_usage(body) and usage is not None
    eager, early = "eager" in script.flags, "early" in script.flags
    told = {"usage": usage if eager else None} if asked or eager else {}
    parts = []

    def chunk(index: int, delta: dict[str, Any], finish: str | None = None) -> None:
        choice = {"index": index, "delta": delta, "finish_reason": finish, "logprobs": None}
        is_told = eager or (early and not parts)
        more = {"usage": usage} if is_told else told
        parts.append(event({**base, "choices": [choice], **more}, tells=entry.counted if is_told else Tokens()))

    if "azure" in script.flags:
        parts.append(event({**base, "choices": [], "prompt_filter_results": [], **told}))
    message = _message(body, entry.counted)
    for index in range(_choice_count(body)):
        chunk(index, {"role": "assistant", "content": ""})
        for call in message.get("tool_calls", []):
            chunk(index, {"tool_calls": [{"index": 0, **call}]})
        for word in reply_words(entry.counted) if message["content"] and not _schema_of(body) else [message["content"]]:
            if word:
                chunk(index, {"content": word})
        chunk(index, {}, _finish(body, script))
        for _ in range(script.trail):
            chunk(index, {})
    if asked and not early:
        parts.append(event({**base, "choices": [], "usage": usage}, tells=entry.counted))
    return [*parts, event("[DONE]")]


def _message(body: dict[str, Any], tokens: Tokens) -> dict[str, Any]:
    if body.get("tools"):
        name = body["tools"][0]["function"]["name"]
        call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": '{"city": "Paris"}'}}
        return {"role": "assistant", "content": None, "refusal": None, "tool_calls": [call]}
    schema = _schema_of(body)
    content = json.dumps(example_of(schema)) if schema else "".join(reply_words(tokens))
    return {"role": "assistant", "content": content, "refusal": None, "annotations": []}


def _finish(body: dict[str, Any], script: Script) -> str:
    if "truncate" in script.flags:
        return "length"
    return "tool_calls" if body.get("tools") else "stop"


def _schema_of(body: dict[str, Any]) -> dict[str, Any] | None:
    wanted = body.get("response_format") or {}
    schema: dict[str, Any] | None = (wanted.get("json_schema") or {}).get("schema")
    return schema


def _choice_count(body: dict[str, Any]) -> int:
    return int(body.get("n") or 1)


def _asks_for_usage(body: dict[str, Any]) -> bool:
    return (body.get("stream_options") or {}).get("include_usage") is True
