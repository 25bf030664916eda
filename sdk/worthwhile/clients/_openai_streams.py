"""Gathers what openai's streams tell: the counts, the reasons why they ended, and what their first chunks say."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from worthwhile._call import EVENTS, NO_SKIPS, PIECES, Facts, Skips
from worthwhile.clients._fields import fields, text
from worthwhile.clients.openai import chat_counts, responses_facts


class ChatCollector:
    """Gathers a chat or text completion from its chunks."""

    __slots__ = ("_answer", "_is_hiding", "_quiet", "_reasons", "_usage", "skips")

    def __init__(self, names: Sequence[str], values: Any, hides_usage: bool) -> None:
        self._answer: Mapping[str, Any] | None = None
        self._reasons: dict[Any, Any] = {}
        self._usage: Any = None
        self._is_hiding = hides_usage
        # Of several choices, each has to be seen to begin.
        is_only = "n" not in names or values[names.index("n")] in (None, 1)
        self._quiet: Skips = _PIECES if is_only and not hides_usage else NO_SKIPS
        self.skips: Skips = NO_SKIPS

    @property
    def is_complete(self) -> bool:
        """Whether every choice that began has ended."""
        return bool(self._reasons) and None not in self._reasons.values()

    def see(self, chunk: Any, /) -> bool:
        """Keep what the chunk tells beside its content."""
        try:  # nearly always: what the library makes of a chunk, in one of its later versions
            found = chunk.__dict__
            choices, usage, tier = found["choices"], found["usage"], found["service_tier"]
        except (AttributeError, KeyError):
            found = fields(chunk)
            choices, usage, tier = found.get("choices"), found.get("usage"), found.get("service_tier")
        if tier is not None:
            self._answer = found
            self.skips = self._quiet
        elif self._answer is None:
            self._answer = found
            self.skips = _UNTIL_TIER if self._quiet is _PIECES else NO_SKIPS
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
_PIECES: Final[Skips] = (PIECES, ())
_UNTIL_TIER: Final[Skips] = (PIECES, ("service_tier",))


def _order(index: Any) -> int:
    return index if type(index) is int else 0


class CompletionCollector(ChatCollector):
    """Gathers a text completion: several prompts make several choices, whatever `n` is."""

    __slots__ = ()

    def __init__(self, names: Sequence[str], values: Any, hides_usage: bool) -> None:
        super().__init__(names, values, hides_usage)
        self._quiet = NO_SKIPS


_TELLING: Final = frozenset(("response.created", "response.completed", "response.incomplete", "response.failed"))


class ResponsesCollector:
    """Gathers a response from its events: the first holds its id, the last one all of it."""

    __slots__ = ("_answer", "_error", "is_complete")

    skips: Skips = (EVENTS, _TELLING | {"error"})

    def __init__(self, names: Sequence[str], values: Any, hides_usage: bool) -> None:
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

    def facts(self) -> Facts:
        """What the events have told."""
        *told, reason, error = responses_facts(self._answer)
        return (*told, reason if self.is_complete else None, self._error or error)
