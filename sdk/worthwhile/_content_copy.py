"""Bounded copies of what a host sends and gets: made while it waits, because it may change the objects afterwards.

A copy is of dictionaries, lists, texts and numbers only. A text that fits is kept as it is, which copies nothing; one
that does not is cut, with its length noted. Two budgets bound the work whatever the host has made: characters, and
steps, of which each value takes one, so that neither ten thousand messages nor an object that contains itself takes
longer than the host would notice.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

MAX_STEPS: Final = 1200
"""Values of the request that are looked at; at most a third as many of the answer."""

_ANSWER_STEPS: Final = 400
_MAX_DEPTH: Final = 20
_MAX_KEY: Final = 256
_MAX_NUMBERS: Final = 64
_MAX_INT: Final = 1 << 63
_INFINITY: Final = float("inf")
_LEAST_DATA: Final = 512

_FIRST: Final = ("instructions", "system", "tools", "functions")
_CONVERSATIONS: Final = ("messages", "input", "prompt")
_TOLD: Final = (str, list, tuple, dict)
_ANSWERED: Final = ("choices", "output", "content", "stop_reason", "status", "incomplete_details")
_LEFT_OUT: Final = frozenset(
    {"logprobs", "parsed", "parsed_arguments", "encrypted_content", "signature", "annotations"}
)
_DATA: Final = frozenset({"data", "file_data", "b64_json"})
_FORMS: Final = frozenset({"type", "role", "id", "finish_reason", "stop_reason", "status", "reason"})
_FOREMOST: Final = frozenset({"system", "developer"})

OMITTED: Final = "omitted"
"""Role of what stands for the messages that were left out of a conversation."""


class Copier:
    """Copies of one call's content, up to a budget.

    Attributes:
        characters: Those that may still be kept.
        seen: Those of all texts so far, kept or not.
        is_cut: Whether anything was left out.
    """

    __slots__ = ("_reserve", "_steps", "characters", "is_cut", "seen")

    def __init__(self, most: int) -> None:
        """Keep at most `most` characters, a quarter of them of the answer only."""
        self._reserve = most // 4
        self.characters = most - self._reserve
        self._steps = MAX_STEPS
        self.seen = 0
        self.is_cut = False

    def request(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Copy what a request says: the instructions and the tools, a quarter of what is left each; then the rest."""
        found: dict[str, Any] = {}
        for name in _FIRST:
            if isinstance(body.get(name), _TOLD):  # no library's mark of what was not given
                found[name] = self._within_a_quarter(self.value, body[name])
        for name in _CONVERSATIONS:
            if isinstance(body.get(name), _TOLD):
                found[name] = self._conversation(body[name])
        self.characters += self._reserve
        self._steps = _ANSWER_STEPS
        return found

    def answer(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Copy what an answer says."""
        told = ((name, fields[name]) for name in _ANSWERED if fields.get(name) is not None)
        return self._mapping(told, 0)

    def text(self, text: str) -> str:
        """Keep a text, or as much of it as may be, with its length."""
        size = str.__len__(text)
        self.seen += size
        if size > _LEAST_DATA and str.startswith(text, "data:"):
            return self._data_url(text, size)
        if size <= self.characters:
            self.characters -= size
            return text if type(text) is str else str.__getitem__(text, slice(0, size))
        kept = str.__getitem__(text, slice(0, self.characters))
        self.characters = 0
        self.is_cut = True
        return f"{kept}... ({size} characters)"

    def piece(self, text: str) -> str:
        """Keep as much as may be of a text that is a part of one, without a note."""
        size = len(text)
        self.seen += size
        if size > self.characters:
            self.is_cut = True
            text = text[: self.characters]
        self.characters -= len(text)
        return text

    def value(self, value: Any, depth: int = 0) -> Any:
        """Copy any value."""
        kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType] - `isinstance` would ask the object itself
        if issubclass(kind, str):
            return self.text(value)
        if value is None or kind is bool:
            return value
        if kind is int:
            return value if -_MAX_INT <= value < _MAX_INT else "(a number of more than 64 bits)"
        if kind is float:
            return value if -_INFINITY < value < _INFINITY else repr(value)
        return self._container(value, depth + 1)

    def _container(self, value: Any, depth: int) -> Any:
        kind: type[Any] = type(value)  # pyright: ignore[reportUnknownVariableType] - that of anything
        if depth > _MAX_DEPTH:
            self.is_cut = True
            return "(nested too deeply)"
        if issubclass(kind, dict):
            return self._mapping(_items(value), depth)
        if issubclass(kind, (list, tuple)):
            return self._sequence(cast("list[Any]", value), depth)
        if issubclass(kind, (bytes, bytearray)):
            return f"({len(value)} bytes)"
        if is_model(kind):
            fields: dict[str, Any] = value.__dict__
            more: dict[str, Any] | None = getattr(value, "__pydantic_extra__", None)
            return self._mapping(({**more, **fields} if more else fields).items(), depth)
        return f"({kind.__name__[:_MAX_KEY]})"

    def _mapping(self, items: Iterable[tuple[Any, Any]], depth: int) -> dict[str, Any]:
        copied: dict[str, Any] = {}
        for key, value in items:
            if self._steps <= 0:
                self.is_cut = True
                break
            self._steps -= 1
            if value is None or key in _LEFT_OUT or not isinstance(key, str):
                continue
            name = key if len(key) <= _MAX_KEY else key[:_MAX_KEY]
            if key in _FORMS and type(value) is str and len(value) <= _MAX_KEY:
                copied[name] = value  # which is no content
            elif key in _DATA and type(value) is str and len(value) > _LEAST_DATA:
                copied[name] = self._data("", len(value))
            else:
                copied[name] = self.value(value, depth)
        return copied

    def _sequence(self, values: "list[Any] | tuple[Any, ...]", depth: int) -> Any:
        if len(values) > _MAX_NUMBERS and type(values[0]) in (int, float):
            return self._numbers(len(values))
        copied: list[Any] = []
        for value in values:
            if self._steps <= 0:
                self.is_cut = True
                break
            self._steps -= 1
            copied.append(self.value(value, depth))
        return copied

    def _conversation(self, messages: Any) -> Any:
        """Copy messages, the newest first, so that the oldest do not fit; a first one that instructs stays."""
        if not isinstance(messages, (list, tuple)) or not messages:
            return self.value(messages)
        told = cast("list[Any]", messages)
        if type(told[0]) is int:  # tokens
            return self._numbers(len(told))
        first: list[Any] = []
        role = cast("dict[str, Any]", told[0]).get("role") if type(told[0]) is dict else None
        if type(role) is str and role in _FOREMOST:
            first.append(self._within_a_quarter(self.value, told[0]))
        copied: list[Any] = []
        place = len(told)
        while place > len(first) and self._steps > 0 and (self.characters > 0 or not copied):
            place -= 1
            self._steps -= 1
            copied.append(self.value(told[place]))
        if self._steps <= 0 and len(copied) > 1:  # it is not whole
            del copied[-1]
            place += 1
        if place > len(first):
            self.is_cut = True
            copied.append({"role": OMITTED, "messages": place - len(first)})
        return [*first, *reversed(copied)]

    def _within_a_quarter(self, copy: Callable[[Any], Any], value: Any) -> Any:
        characters, steps = self.characters, self._steps
        self.characters, self._steps = characters // 4, steps // 4
        try:
            return copy(value)
        finally:
            self.characters += characters - characters // 4
            self._steps += steps - steps // 4

    def _data_url(self, text: str, size: int) -> str:
        head = str.__getitem__(text, slice(0, 128)).partition(",")[0]
        return self._data(f"{head},", size)

    def _data(self, head: str, size: int) -> str:
        """What stands for an image or a sound: how long it was, as nobody reads it in a log record."""
        return f"{head}... ({size} characters)"

    def _numbers(self, count: int) -> str:
        return f"({count} numbers)"


_items: Final = cast("Callable[[Any], Iterable[tuple[Any, Any]]]", dict[Any, Any].items)
"""As a dictionary has them, whatever the class of the host's."""

_models: Final[dict[type, bool]] = {}


def is_model(kind: type) -> bool:
    """Whether it is a class of pydantic's, as the clients' are; no other object is asked for its fields."""
    known = _models.get(kind)
    if known is None:
        known = any("__pydantic_validator__" in vars(base) or "__fields__" in vars(base) for base in kind.__mro__)
        if len(_models) < MAX_STEPS:
            _models[kind] = known
    return known
