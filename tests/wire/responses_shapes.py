"""Answers in the shape of OpenAI's Responses endpoint."""

import json
from typing import Any

from tests.wire.counting import example_of, reply_words
from tests.wire.ledger import Entry
from tests.wire.openai_shapes import CREATED, model_of
from tests.wire.reply import EVENTS, Part, Reply, event, whole
from tests.wire.script import Script

ENDINGS = {"truncate": "incomplete", "fail": "failed"}


def responses(entry: Entry, script: Script) -> Reply:
    """`POST /responses`."""
    status = next((ENDINGS[flag] for flag in ENDINGS if flag in script.flags), "completed")
    answer = _response(entry, script, status)
    if not entry.is_stream:
        return whole(answer, entry.counted)
    return Reply(list(_events(entry, answer, status)), EVENTS)


def compacted(entry: Entry, script: Script) -> Reply:
    """`POST /responses/compact`."""
    answer = {
        "id": f"resp_{entry.number}",
        "object": "response.compaction",
        "created_at": CREATED,
        "output": [],
        "usage": _usage(entry, script),
    }
    return whole(answer, entry.counted)


def _events(entry: Entry, answer: dict[str, Any], status: str) -> list[Part]:
    parts: list[Part] = []

    def emit(name: str, tells: bool = False, **fields: Any) -> None:
        payload = {"type": name, "sequence_number": len(parts), **fields}
        parts.append(event(payload, name, **({"tells": entry.counted} if tells else {})))

    started = {**answer, "status": "in_progress", "output": [], "usage": None}
    emit("response.created", response=started)
    emit("response.in_progress", response=started)
    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    item = {"id": "msg_1", "type": "message", "status": "in_progress", "role": "assistant", "content": []}
    emit("response.output_item.added", output_index=0, item=item)
    emit("response.content_part.added", **where, part={"type": "output_text", "text": "", "annotations": []})
    text = answer["output"][-1]["content"][0]["text"]
    words = [text] if text.startswith("{") else reply_words(entry.counted)
    for word in words:
        emit("response.output_text.delta", **where, delta=word, logprobs=[])
    emit("response.output_text.done", **where, text=text, logprobs=[])
    emit("response.content_part.done", **where, part=answer["output"][-1]["content"][0])
    emit("response.output_item.done", output_index=0, item=answer["output"][-1])
    emit(f"response.{status}", tells=True, response=answer)
    return parts


def _response(entry: Entry, script: Script, status: str) -> dict[str, Any]:
    body = entry.body
    wanted = (body.get("text") or {}).get("format") or {"type": "text"}
    text = json.dumps(example_of(wanted["schema"])) if "schema" in wanted else "".join(reply_words(entry.counted))
    content = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    message = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [content]}
    answer = {
        "id": f"resp_{entry.number}",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": {"code": "server_error", "message": "scripted"} if status == "failed" else None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": None,
        "max_output_tokens": body.get("max_output_tokens"),
        "model": model_of(entry, script),
        "output": [message],
        "parallel_tool_calls": True,
        "previous_response_id": body.get("previous_response_id"),
        "service_tier": entry.service_tier,
        "text": {"format": wanted},
        "tool_choice": "auto",
        "tools": [],
        "metadata": {},
        "usage": _usage(entry, script),
    }
    if entry.counted.web_searches is not None:
        answer["tool_usage"] = {"web_search": {"num_requests": entry.counted.web_searches}}
    return answer


def _usage(entry: Entry, script: Script) -> dict[str, Any]:
    tokens = entry.counted
    usage: dict[str, Any] = {
        "input_tokens": tokens.input_tokens,
        "output_tokens": tokens.output_tokens,
        "total_tokens": (tokens.input_tokens or 0) + (tokens.output_tokens or 0),
    }
    if tokens.cache_read_tokens is not None:
        long_lived = tokens.cache_write_1h_tokens or 0
        usage["input_tokens_details"] = {
            "cached_tokens": tokens.cache_read_tokens,
            "cache_write_tokens": tokens.cache_write_tokens,
            "cache_write_tokens_details": {
                "ttl_30m_tokens": (tokens.cache_write_tokens or 0) - long_lived,
                "ttl_12h_tokens": long_lived,
            },
        }
        usage["output_tokens_details"] = {"reasoning_tokens": tokens.reasoning_tokens}
    if "cost" in script.flags:
        usage["cost"] = float(entry.cost_usd or 0)
    return usage
