# ruff: noqa: SLF001 - a reading is filled in here
# pyright: reportPrivateUsage=false
"""Gathers what openai's streams tell: the counts, the reasons why they ended, and what their first chunks say."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from worthwhile._call import EVENTS, NO_SKIPS, PIECES, STRIPPED_PIECES, Facts, Skips
from worthwhile._streams import Reading
from worthwhile.clients._fields import fields, text
from worthwhile.clients.openai import chat_counts, responses_facts

if TYPE_CHECKING:
    from worthwhile.clients._base import Call


def chat(call: "Call") -> "ChatReading":
    """Reads a chat."""
    reading = _choices(call)
    names = call.selection.names
    # Of several choices, each has to be seen to begin.
    if "n" not in names or call.asked[names.index("n")] in (None, 1):
        reading._quiet = _STRIPPED if call.hides_usage else _PLAIN
    return reading


def completion(call: "Call") -> "ChatReading":
    """Reads a text completion: several prompts make several choices, whatever `n` is."""
    return _choices(call)


def response(call: "Call") -> "ResponsesReading":
    """Reads a response."""
    reading = ResponsesReading()
    reading.skips = _EVENTS
    reading._answer = reading._error = None
    reading._has_ended = False
    return reading


def _choices(call: "Call") -> "ChatReading":
    reading = ChatReading()
    reading._answer = reading._usage = None
    reading._reasons = {}
    reading._is_hiding = call.hides_usage
    reading._quiet = _NEVER
    reading.skips = NO_SKIPS
    return reading


class ChatReading(Reading):
    """Reads a chat from its chunks."""

    __slots__ = ("_answer", "_is_hiding", "_quiet", "_reasons", "_usage")

    _answer: Mapping[str, Any] | None
    _is_hiding: bool
    _quiet: tuple[Skips, Skips]
    _reasons: dict[Any, Any]
    _usage: Any

    @property
    def is_complete(self) -> bool:
        """Whether every choice that began has ended."""
        return bool(self._reasons) and None not in self._reasons.values()

    def take(self, chunk: Any, /) -> bool:
        """Keep what the chunk tells beside its content."""
        try:  # nearly always: what the library makes of a chunk, in one of its later versions
            found = chunk.__dict__
            choices, usage, tier = found["choices"], found["usage"], found["service_tier"]
        except (AttributeError, KeyError):
            found = fields(chunk)
            choices, usage, tier = found.get("choices"), found.get("usage"), found.get("service_tier")
        if tier is not None:
            self._answer = found
            self.skips = self._quiet[1]
        elif self._answer is None:
            self._answer = found
            self.skips = self._quiet[0]
        if choices:
            for choice in choices:
                try:
                    of_choice = choice.__dict__
                    index, reason = of_choice["index"], of_choice["finish_reason"]
                except (AttributeError, KeyError):
                    of_choice = fields(choice)
                    index, reason = of_choice.get("index"), of_choice.get("finish_reason")
                if reason is not None or index not in self._reasons:
                    self._reasons[index] = reason
        if usage is not None:
            self._usage = usage
        return self._is_hiding and self._hides(chunk, choices, usage)

    def _hides(self, chunk: Any, choices: Any, usage: Any) -> bool:
        """Whether the host is not to see `chunk`, and as if we had not asked for it in any other."""
        if usage is not None:
            return not choices
        if type(chunk) is not dict:
            # `usage: null` is in every chunk because we asked; without that it would not show in `to_dict()`.
            chunk.__pydantic_fields_set__.discard("usage")
        return False

    def facts(self) -> Facts:
        """What the chunks have told."""
        ended: Any
        if len(self._reasons) == 1:
            (ended,) = self._reasons.values()
        else:
            ended = tuple([self._reasons[index] for index in sorted(self._reasons, key=_order)])
        counts = None if self._usage is None else chat_counts(self._usage)
        found = _NOTHING if self._answer is None else self._answer
        try:
            return (found["id"], counts, found["model"], found["service_tier"], found["system_fingerprint"], ended)
        except KeyError:
            get = found.get
            return (get("id"), counts, get("model"), get("service_tier"), get("system_fingerprint"), ended)


_NOTHING: Final[Mapping[str, Any]] = {}

# What need not be seen until the tier is known, and from then on.
_NEVER: Final = (NO_SKIPS, NO_SKIPS)
_PLAIN: Final[tuple[Skips, Skips]] = ((PIECES, "service_tier"), (PIECES, None))
_STRIPPED: Final[tuple[Skips, Skips]] = ((STRIPPED_PIECES, "service_tier"), (STRIPPED_PIECES, None))


def _order(index: Any) -> int:
    return index if type(index) is int else 0


_TELLING: Final = frozenset(("response.created", "response.completed", "response.incomplete", "response.failed"))
_EVENTS: Final[Skips] = (EVENTS, _TELLING | {"error"})


class ResponsesReading(Reading):
    """Reads a response from its events: the first holds its id, the last one all of it."""

    __slots__ = ("_answer", "_error", "_has_ended")

    _answer: Any
    _error: str | None
    _has_ended: bool

    @property
    def is_complete(self) -> bool:
        """Whether its last event has come."""
        return self._has_ended

    def take(self, event: Any, /) -> bool:
        """Keep the response that the event holds."""
        read: Any = event if type(event) is dict else event.__dict__  # pyright: ignore[reportUnknownVariableType]
        kind = read.get("type")
        if kind in _TELLING:
            self._answer = read.get("response")
            self._has_ended = kind != "response.created"
        elif kind == "error":
            self._error = text(read.get("code")) or "error"
        return False

    def facts(self) -> Facts:
        """What the events have told."""
        *told, reason, error = responses_facts(self._answer)
        return (*told, reason if self._has_ended else None, self._error or error)
