"""What was said in a call as the semantic conventions have it: messages made of parts, from copies of what went by.

Runs in a thread of ours. The copies hold dictionaries, lists, texts and numbers only (`_content_copy.py`), in the shape
of one of three protocols: OpenAI's chat, its responses, and Anthropic's messages.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

from worthwhile._content_copy import OMITTED

Part = dict[str, Any]
Redact = Callable[[str], str | None]

_TEXTS: Final = ("content", "arguments", "response", "uri")
"""Where the text of a part is."""


def system_instructions(request: Mapping[str, Any]) -> list[Part]:
    """The instructions that stand apart from the conversation."""
    return _parts(request.get("system") or request.get("instructions"))


def tool_definitions(request: Mapping[str, Any]) -> list[Part]:
    """The tools that the model could call."""
    found: list[Part] = []
    for tool in _dicts(request.get("tools") or request.get("functions")):
        told = _dict(tool.get("function")) or tool
        schema = {"parameters": told["input_schema"]} if "input_schema" in told else {}
        named = {name: value for name, value in told.items() if name != "input_schema"}
        found.append({"type": "function", **named, **schema})
    return found


def input_messages(request: Mapping[str, Any]) -> list[Part]:
    """What the model was sent."""
    if "messages" in request:
        return [_message(each) for each in _list(request["messages"])]
    told = request.get("input", request.get("prompt"))
    items = _list(told)
    if any(isinstance(item, dict) for item in items):
        return [_item(item) for item in items]
    return [{"role": "user", "parts": _parts(told)}] if items else []


def output_messages(answer: Mapping[str, Any]) -> list[Part]:
    """What it answered; each message with the reason why it ended, in the provider's word."""
    if "choices" in answer:
        return [_choice(choice) for choice in _dicts(answer["choices"])]
    if "output" in answer:
        parts = [part for item in _list(answer["output"]) for part in _item(item)["parts"]]
        reason = _inner(answer, "incomplete_details", "reason") or answer.get("status")
    else:
        parts = _parts(answer.get("content"))
        reason = answer.get("stop_reason")
    ended = {} if reason is None else {"finish_reason": reason}
    return [{"role": "assistant", "parts": parts, **ended}] if parts or ended else []


def redacted(parts: Iterable[Part], redact: Redact) -> list[Part]:
    """The parts with what `redact` makes of the text of each; those of which it makes nothing are left out."""
    return [part for part in (_redacted(part, redact) for part in parts) if part is not None]


def redacted_messages(messages: Iterable[Part], redact: Redact) -> list[Part]:
    """The messages with their parts redacted."""
    found: list[Part] = []
    for message in messages:
        if message["role"] == OMITTED:
            found.append(message)
            continue
        whole = {**message, "parts": redacted(message["parts"], redact)}
        name = whole.pop("name", None)
        new = redact(name) if isinstance(name, str) else None
        found.append(whole if new is None else {**whole, "name": new})
    return found


def as_json(value: Any) -> str:
    """JSON text, without what JSON has no word for."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _redacted(part: Part, redact: Redact) -> Part | None:
    place = next((name for name in _TEXTS if name in part), None)
    if place is None:  # all of it but what kind it is
        place, value = "content", {name: each for name, each in part.items() if name != "type"}
        part = {"type": part.get("type", "text")}
    else:
        value = part[place]
    text = value if isinstance(value, str) else as_json(value)
    new = cast("object", redact(text))
    if new is None:
        return None
    if not isinstance(new, str):
        raise TypeError(f"redact= returned a `{type(new).__name__}`, not text or None")
    return {**part, place: new if isinstance(value, str) else _decoded(new)}


def _message(message: Any) -> Part:
    """A message of a chat, OpenAI's or Anthropic's."""
    if not isinstance(message, dict):
        return {"role": "user", "parts": _parts(message)}
    told = cast("Part", message)
    role = told.get("role", "user")
    if role == OMITTED:
        return {"role": OMITTED, "parts": [{"type": OMITTED, "messages": told.get("messages")}]}
    named = {"name": told["name"]} if "name" in told else {}
    if role in ("tool", "function"):
        response = _response(told.get("content"))
        return {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "id": told.get("tool_call_id"), "response": response}],
            **named,
        }
    return {"role": role, "parts": _spoken(told), **named}


def _choice(choice: Part) -> Part:
    """One of several answers of a chat, or of a text completion."""
    told = _dict(choice.get("message")) or {"content": choice.get("text")}
    ended = {"finish_reason": choice["finish_reason"]} if "finish_reason" in choice else {}
    return {"role": told.get("role", "assistant"), "parts": _spoken(told), **ended}


def _spoken(told: Part) -> list[Part]:
    parts: list[Part] = []
    thought = told.get("reasoning_content") or told.get("reasoning")  # of DeepSeek, vLLM, OpenRouter
    if isinstance(thought, str):
        parts.append({"type": "reasoning", "content": thought})
    parts += _parts(told.get("content"))
    if "refusal" in told:
        parts.append({"type": "refusal", "content": told["refusal"]})
    transcript = _inner(told, "audio", "transcript")
    if transcript is not None:
        parts.append({"type": "text", "content": transcript})
    calls = _dicts(told.get("tool_calls"))
    if "function_call" in told:
        calls = [*calls, {"function": told["function_call"]}]
    return parts + [_tool_call(call) for call in calls]


def _tool_call(call: Part) -> Part:
    function = _dict(call.get("function")) or _dict(call.get("custom"))
    arguments = function.get("arguments", function.get("input"))
    return {"type": "tool_call", "id": call.get("id"), "name": function.get("name"), "arguments": _decoded(arguments)}


def _item(item: Any) -> Part:
    """An item of the responses protocol as a message."""
    if not isinstance(item, dict):
        return {"role": "user", "parts": _parts(item)}
    told = cast("Part", item)
    kind = told.get("type", "message")
    if kind == "message":
        return _message(told)
    if kind in ("function_call", "custom_tool_call"):
        arguments = _decoded(told.get("arguments", told.get("input")))
        part = {"type": "tool_call", "id": told.get("call_id"), "name": told.get("name"), "arguments": arguments}
        return {"role": "assistant", "parts": [part]}
    if kind in ("function_call_output", "custom_tool_call_output"):
        part = {"type": "tool_call_response", "id": told.get("call_id"), "response": _response(told.get("output"))}
        return {"role": "tool", "parts": [part]}
    if kind == "reasoning":
        thoughts = [*_dicts(told.get("summary")), *_dicts(told.get("content"))]
        texts = [str(thought.get("text", "")) for thought in thoughts]
        return {"role": "assistant", "parts": [{"type": "reasoning", "content": "\n".join(texts)}] if texts else []}
    details = {name: value for name, value in told.items() if name not in ("id", "status")}
    part = {"type": "server_tool_call", "id": told.get("id"), "name": kind, "server_tool_call": details}
    return {"role": "assistant", "parts": [part]}


def _parts(content: Any) -> list[Part]:
    return [_part(each) for each in _list(content)]


def _part(told: Any) -> Part:
    if not isinstance(told, dict):
        return {"type": "text", "content": told if isinstance(told, str) else as_json(told)}
    part = cast("Part", told)
    kind = part.get("type")
    make = _KINDS.get(kind) if isinstance(kind, str) else None
    if make is not None:
        return make(part)
    if isinstance(kind, str) and kind.endswith("_tool_result"):
        details = {"type": kind, "content": part.get("content")}
        return {
            "type": "server_tool_call_response", "id": part.get("tool_use_id"), "server_tool_call_response": details
        }  # fmt: skip
    return {**part, "type": kind or "unknown"}


def _text(part: Part) -> Part:
    return {"type": "text", "content": part.get("text", "")}


def _image(part: Part) -> Part:
    """An image of OpenAI's: its address, or the image itself in one."""
    image = part.get("image_url")
    url = _dict(image).get("url") if isinstance(image, dict) else image
    if "file_id" in part:
        return {"type": "file", "modality": "image", "file_id": part["file_id"]}
    return _located(url, "image")


def _audio(part: Part) -> Part:
    told = _dict(part.get("input_audio"))
    return {
        "type": "blob", "modality": "audio", "mime_type": f"audio/{told.get('format')}", "content": told.get("data")
    }  # fmt: skip


def _file(part: Part) -> Part:
    told = _dict(part.get("file")) or part
    if "file_id" in told:
        return {"type": "file", "modality": "document", "file_id": told["file_id"]}
    return _located(told.get("file_url") or told.get("file_data"), "document")


def _source(part: Part) -> Part:
    """An image or a document of Anthropic's."""
    told = _dict(part.get("source"))
    modality = "image" if part.get("type") == "image" else "document"
    kind = told.get("type")
    if kind == "base64":
        return {
            "type": "blob", "modality": modality, "mime_type": told.get("media_type"), "content": told.get("data")
        }  # fmt: skip
    if kind == "file":
        return {"type": "file", "modality": modality, "file_id": told.get("file_id")}
    if kind == "url":
        return _located(told.get("url"), modality)
    return {"type": "text", "content": told.get("data") or as_json(told.get("content"))}


def _located(url: Any, modality: str) -> Part:
    if isinstance(url, str) and url.startswith("data:"):
        head, _, data = url.partition(",")
        mime_type = head.removeprefix("data:").partition(";")[0]
        return {"type": "blob", "modality": modality, "mime_type": mime_type, "content": data}
    return {"type": "uri", "modality": modality, "uri": url}


def _tool_use(part: Part) -> Part:
    return {
        "type": "tool_call",
        "id": part.get("id"),
        "name": part.get("name"),
        "arguments": _decoded(part.get("input")),
    }


def _server_tool_use(part: Part) -> Part:
    details = {"type": part.get("name"), "input": part.get("input")}
    return {"type": "server_tool_call", "id": part.get("id"), "name": part.get("name"), "server_tool_call": details}


def _tool_result(part: Part) -> Part:
    response = _response(part.get("content"))
    return {"type": "tool_call_response", "id": part.get("tool_use_id"), "response": response}


def _thinking(part: Part) -> Part:
    return {"type": "reasoning", "content": part.get("thinking", "")}


def _refusal(part: Part) -> Part:
    return {"type": "refusal", "content": part.get("refusal", "")}


_KINDS: Final[Mapping[str, Callable[[Part], Part]]] = {
    "text": _text,
    "input_text": _text,
    "output_text": _text,
    "refusal": _refusal,
    "image_url": _image,
    "input_image": _image,
    "input_audio": _audio,
    "file": _file,
    "input_file": _file,
    "image": _source,
    "document": _source,
    "tool_use": _tool_use,
    "server_tool_use": _server_tool_use,
    "tool_result": _tool_result,
    "thinking": _thinking,
}


def _response(content: Any) -> Any:
    """What a tool has answered: its text, or its parts."""
    return _parts(content) if isinstance(content, list) else content


def _decoded(text: Any) -> Any:
    """The object that a text of JSON is; the text itself where it is none, as after it was cut."""
    if not isinstance(text, str) or text[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]  # type: ignore[redundant-cast]  # only mypy knows it already


def _dict(value: Any) -> Part:
    return cast("Part", value) if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[Part]:
    return [each for each in _list(value) if isinstance(each, dict)]


def _inner(told: Mapping[str, Any], name: str, inner: str) -> Any:
    return _dict(told.get(name)).get(inner)
