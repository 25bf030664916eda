"""Answers in the shape of Anthropic's Messages endpoint."""

import json
from typing import Any

from tests.wire.counting import example_of, reply_words
from tests.wire.ledger import INPUT_KINDS, Entry
from tests.wire.reply import EVENTS, Part, Reply, event, whole
from tests.wire.script import Script

PLACEHOLDER_OUTPUT = 4
"""Output tokens that `message_start` claims; the last `message_delta` has the true count, and nobody adds them up."""


def messages(entry: Entry, script: Script) -> Reply:
    """`POST /v1/messages`."""
    usage = _usage(entry)
    answer = {
        "id": f"msg_{entry.number}",
        "type": "message",
        "role": "assistant",
        "model": entry.model + ("-20260115" if "dated" in script.flags else ""),
        "content": _content(entry),
        "stop_reason": _stop_reason(entry, script),
        "stop_sequence": None,
        "usage": usage,
    }
    if not entry.is_stream:
        return whole(answer, entry.counted)
    return Reply(_events(entry, answer), EVENTS)


def count_tokens(entry: Entry) -> Reply:
    """`POST /v1/messages/count_tokens`: a question, not a call; nothing is billed."""
    return whole({"input_tokens": 1 + len(json.dumps(entry.body)) // 4})


def failure(status: int) -> dict[str, Any]:
    """The body of an HTTP error."""
    kinds = {429: "rate_limit_error", 500: "api_error", 529: "overloaded_error"}
    error = {"type": kinds.get(status, "invalid_request_error"), "message": f"scripted {status}"}
    return {"type": "error", "error": error, "request_id": "req_wire"}


def _events(entry: Entry, answer: dict[str, Any]) -> list[Part]:
    usage = answer["usage"]
    # As the real service does: tools and tier only at the start, details of the output only at the end.
    at_start = {k: v for k, v in usage.items() if k != "output_tokens_details"} | {"output_tokens": PLACEHOLDER_OUTPUT}
    at_end = {k: usage[k] for k in usage if k.endswith("_tokens") or k == "output_tokens_details"}
    start = {**answer, "content": [], "stop_reason": None, "usage": at_start}
    parts = [
        _event("message_start", message=start, tells=entry.counted.only(*INPUT_KINDS, "web_searches")),
        _event("ping"),
    ]
    for index, block in enumerate(answer["content"]):
        parts += _block_events(index, block, entry)
    delta = {"stop_reason": answer["stop_reason"], "stop_sequence": None}
    parts.append(_event("message_delta", delta=delta, usage=at_end, tells=entry.counted))
    parts.append(_event("message_stop"))
    return parts


def _block_events(index: int, block: dict[str, Any], entry: Entry) -> list[Part]:
    if block["type"] == "thinking":
        empty, deltas = {**block, "thinking": ""}, [{"type": "thinking_delta", "thinking": block["thinking"]}]
    elif block["type"] == "tool_use":
        empty = {**block, "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
    else:
        words = [block["text"]] if block["text"].startswith("{") else reply_words(entry.counted)
        empty, deltas = {**block, "text": ""}, [{"type": "text_delta", "text": word} for word in words]
    return [
        _event("content_block_start", index=index, content_block=empty),
        *[_event("content_block_delta", index=index, delta=delta) for delta in deltas],
        _event("content_block_stop", index=index),
    ]


def _event(name: str, *, tells: Any = None, **fields: Any) -> Part:
    return event({"type": name, **fields}, name, **({"tells": tells} if tells is not None else {}))


def _content(entry: Entry) -> list[dict[str, Any]]:
    body = entry.body
    blocks: list[dict[str, Any]] = []
    if body.get("thinking"):
        blocks.append({"type": "thinking", "thinking": "Let me see.", "signature": "c2ln"})
    tools = [tool for tool in body.get("tools", []) if "input_schema" in tool]
    if tools:
        return [*blocks, {"type": "tool_use", "id": "toolu_1", "name": tools[0]["name"], "input": {"city": "Paris"}}]
    wanted = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    text = json.dumps(example_of(wanted["schema"])) if "schema" in wanted else "".join(reply_words(entry.counted))
    return [*blocks, {"type": "text", "text": text}]


def _stop_reason(entry: Entry, script: Script) -> str:
    if "truncate" in script.flags:
        return "max_tokens"
    return "tool_use" if any("input_schema" in tool for tool in entry.body.get("tools", [])) else "end_turn"


def _usage(entry: Entry) -> dict[str, Any]:
    tokens = entry.counted
    read, write, long_lived = (
        tokens.cache_read_tokens or 0,
        tokens.cache_write_tokens or 0,
        tokens.cache_write_1h_tokens or 0,
    )
    usage: dict[str, Any] = {
        "input_tokens": (tokens.input_tokens or 0) - read - write,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": write,
        "cache_creation": {
            "ephemeral_5m_input_tokens": write - long_lived,
            "ephemeral_1h_input_tokens": long_lived,
        },
        "output_tokens": tokens.output_tokens,
        "service_tier": entry.service_tier,
    }
    if tokens.reasoning_tokens is not None:
        usage["output_tokens_details"] = {"thinking_tokens": tokens.reasoning_tokens}
    if tokens.web_searches is not None:
        usage["server_tool_use"] = {"web_search_requests": tokens.web_searches, "web_fetch_requests": 0}
    return usage
