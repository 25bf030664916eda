# ruff: noqa: SLF001 - a table of methods
# pyright: reportPrivateUsage=false
"""Gathers what a streamed answer says, from its chunks and up to a budget, in the form of an answer in one piece."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from worthwhile._content_copy import Copier
from worthwhile.clients._fields import fields

Place = tuple[Any, ...]

_DELTAS: Final = ("content", "refusal", "reasoning_content", "reasoning")


class Pieces:
    """What has come so far of one streamed answer: chunks of a chat, or events of the other protocols."""

    __slots__ = ("_copier", "_ended", "_heads", "_reasons", "_texts")

    def __init__(self, copier: Copier) -> None:
        self._copier = copier
        self._texts: dict[Place, list[str]] = {}
        self._heads: dict[Place, dict[str, Any]] = {}
        self._reasons: dict[Any, Any] = {}
        self._ended: Mapping[str, Any] | None = None

    def see(self, chunk: Any) -> None:
        """Take in one chunk, an object of the client or decoded JSON."""
        told = fields(chunk)
        choices = told.get("choices")
        if choices is not None:
            for choice in choices:
                self._choice(fields(choice))
            return
        kind = told.get("type")
        handle = _EVENTS.get(kind) if type(kind) is str else None
        if handle is not None:
            handle(self, told)

    def answer(self) -> Mapping[str, Any]:
        """The answer so far."""
        places = [*self._heads, *self._texts]
        kinds = {place[0] for place in places}
        if "item" in kinds:
            items = [self._item(index) for index in _indices(places)]
            return {"output": items, **(self._ended or {})}
        if "block" in kinds or (not kinds and None in self._reasons):
            blocks = [self._block(index) for index in _indices(places)]
            return {"content": blocks, "stop_reason": self._reasons.get(None)}
        if self._ended is not None:
            return self._ended
        indices = sorted({*_indices(places), *self._reasons}, key=_order)
        return {"choices": [self._message(index) for index in indices]} if indices else {}

    # A chat or a text completion.

    def _choice(self, choice: Mapping[str, Any]) -> None:
        index = choice.get("index")
        reason = choice.get("finish_reason")
        if reason is not None or index not in self._reasons:
            self._reasons[index] = reason
        self._add(("choice", index, "text"), choice.get("text"))
        delta = fields(choice.get("delta"))
        for name in _DELTAS:
            self._add(("choice", index, name), delta.get(name))
        for call in delta.get("tool_calls") or ():
            told = fields(call)
            place = ("choice", index, "tool", told.get("index"))
            function = fields(told.get("function"))
            self._head(place, id=told.get("id"), name=function.get("name"))
            self._add(place, function.get("arguments"))

    def _message(self, index: Any) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant"}
        calls: list[dict[str, Any]] = []
        for place in {**self._heads, **self._texts}:
            if place[1] != index:
                continue
            text = self._text(place)
            if place[2] == "tool":
                head = self._heads.get(place, {})
                calls.append({"id": head.get("id"), "function": {"name": head.get("name"), "arguments": text}})
            else:
                message["content" if place[2] == "text" else place[2]] = text
        if calls:
            message["tool_calls"] = calls
        return {"message": message, "finish_reason": self._reasons.get(index)}

    # A response.

    def _item_text(self, told: Mapping[str, Any]) -> None:
        self._add(("item", told.get("output_index"), told.get("type")), told.get("delta"))

    def _item_begun(self, told: Mapping[str, Any]) -> None:
        item = fields(told.get("item"))
        place = ("item", told.get("output_index"))
        self._head(place, type=item.get("type"), name=item.get("name"), call_id=item.get("call_id"))

    def _item_done(self, told: Mapping[str, Any]) -> None:
        """An item as a whole, in the place of its pieces."""
        index = told.get("output_index")
        for place in [place for place in self._texts if place[:2] == ("item", index)]:
            self._copier.characters += sum(map(len, self._texts.pop(place)))
        whole = self._copier.value(told.get("item"))
        if isinstance(whole, dict):
            self._heads["item", index] = {**whole, "is_whole": True}

    def _response_ended(self, told: Mapping[str, Any]) -> None:
        response = dict(fields(told.get("response")))
        if self._heads or self._texts:
            response.pop("output", None)
        self._ended = self._copier.answer(response)

    def _item(self, index: Any) -> dict[str, Any]:
        head = dict(self._heads.get(("item", index), {}))
        if head.pop("is_whole", False):
            return head
        texts = {place[2]: self._text(place) for place in self._texts if place[:2] == ("item", index)}
        for name, text in texts.items():
            kind = str(name)
            if "reasoning" in kind:
                return {**head, "type": "reasoning", "summary": [{"type": "text", "text": text}]}
            if "call" in kind:
                return {**head, "arguments": text}
            part = {"refusal": text, "type": "refusal"} if "refusal" in kind else {"text": text, "type": "text"}
            head.setdefault("content", []).append(part)
        return {"type": "message", "role": "assistant", **head}

    # A message of Anthropic's.

    def _block_begun(self, told: Mapping[str, Any]) -> None:
        block = self._copier.value(told.get("content_block"))
        if isinstance(block, dict):
            self._heads["block", told.get("index")] = block

    def _block_delta(self, told: Mapping[str, Any]) -> None:
        delta = fields(told.get("delta"))
        place = ("block", told.get("index"))
        for name in ("text", "thinking", "partial_json"):
            self._add((*place, name), delta.get(name))

    def _message_delta(self, told: Mapping[str, Any]) -> None:
        self._reasons[None] = fields(told.get("delta")).get("stop_reason")

    def _block(self, index: Any) -> dict[str, Any]:
        block = dict(self._heads.get(("block", index), {"type": "text"}))
        for place in self._texts:
            if place[:2] == ("block", index):
                name = "input" if place[2] == "partial_json" else place[2]
                begun = block.get(name)
                block[name] = (begun if isinstance(begun, str) else "") + self._text(place)
        return block

    # What they have in common.

    def _add(self, place: Place, text: Any) -> None:
        if type(text) is str and text:
            piece = self._copier.piece(text)
            if piece:
                self._texts.setdefault(place, []).append(piece)

    def _head(self, place: Place, **told: Any) -> None:
        known = self._heads.setdefault(place, {})
        for name, value in told.items():
            if isinstance(value, str) and name not in known:
                known[name] = self._copier.text(value)

    def _text(self, place: Place) -> str:
        return "".join(self._texts.get(place, ()))


_EVENTS: Final[Mapping[str, Callable[[Pieces, Mapping[str, Any]], None]]] = {
    "response.output_text.delta": Pieces._item_text,
    "response.refusal.delta": Pieces._item_text,
    "response.function_call_arguments.delta": Pieces._item_text,
    "response.custom_tool_call_input.delta": Pieces._item_text,
    "response.reasoning_summary_text.delta": Pieces._item_text,
    "response.reasoning_text.delta": Pieces._item_text,
    "response.output_item.added": Pieces._item_begun,
    "response.output_item.done": Pieces._item_done,
    "response.completed": Pieces._response_ended,
    "response.incomplete": Pieces._response_ended,
    "response.failed": Pieces._response_ended,
    "content_block_start": Pieces._block_begun,
    "content_block_delta": Pieces._block_delta,
    "message_delta": Pieces._message_delta,
}


def _indices(places: list[Place]) -> list[Any]:
    return sorted({place[1] for place in places}, key=_order)


def _order(index: Any) -> int:
    return index if type(index) is int else 0
