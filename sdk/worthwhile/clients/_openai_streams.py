"""Gathers what openai's streams tell: the counts, the reasons why they ended, and what their first chunks say."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from worthwhile._call import Facts
from worthwhile.clients._fields import fields, text
from worthwhile.clients.openai import chat_counts, responses_facts


class ChatCollector:
    """Gathers a chat or text completion from its chunks."""

    __slots__ = ("_answer", "_is_hiding", "_reasons", "_usage", "sees_all")

    def __init__(self, request: Mapping[str, Any], hides_usage: bool) -> None:
        self._answer: Mapping[str, Any] | None = None
        self._reasons: dict[Any, Any] = {}
        self._usage: Any = None
        # The end of one of several choices may come long before the end of the stream.
        self.sees_all = request.get("n") not in (None, 1)
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

    def look_back(self, chunks: Sequence[Any]) -> None:
        """Look at the chunks from the last back to where usage, end of the only choice and service tier are told."""
        usage = tier = reason = None
        for chunk in reversed(chunks):
            if tier is not None and _tells_nothing(chunk):
                continue
            found = fields(chunk)
            if usage is None and (usage := found.get("usage")) is not None:
                self._usage = usage
            if tier is None and (tier := found.get("service_tier")) is not None:
                self._answer = found
            choices = found.get("choices")
            if reason is None and choices:
                of_choice = fields(choices[0])
                index, reason = of_choice.get("index"), of_choice.get("finish_reason")
                if reason is not None or index not in self._reasons:
                    self._reasons[index] = reason
            if usage is not None and reason is not None:
                return

    def facts(self) -> Facts:
        """What the chunks have told."""
        get = _NOTHING.get if self._answer is None else self._answer.get
        ended: Any
        if len(self._reasons) == 1:
            (ended,) = self._reasons.values()
        else:
            ended = tuple(self._reasons[index] for index in sorted(self._reasons, key=_order))
        counts = None if self._usage is None else chat_counts(self._usage)
        return (get("id"), counts, get("model"), get("service_tier"), get("system_fingerprint"), ended)


_NOTHING: Final[Mapping[str, Any]] = {}


def _order(index: Any) -> int:
    return index if type(index) is int else 0


def _tells_nothing(chunk: Any) -> bool:
    """Whether it is one of the many that hold a piece of the answer and no more, as the library makes them."""
    try:
        found = chunk.__dict__
        return found["usage"] is None and found["choices"][0].__dict__["finish_reason"] is None
    except (AttributeError, IndexError, KeyError, TypeError):
        return False


class CompletionCollector(ChatCollector):
    """Gathers a text completion: several prompts make several choices, whatever `n` is."""

    __slots__ = ()

    def __init__(self, request: Mapping[str, Any], hides_usage: bool) -> None:
        super().__init__(request, hides_usage)
        self.sees_all = True


class ResponsesCollector:
    """Gathers a response from its events: the first holds its id, the last one all of it."""

    __slots__ = ("_answer", "_error", "is_complete")

    sees_all = False
    hides = None

    def __init__(self, request: Mapping[str, Any], hides_usage: bool) -> None:
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

    def look_back(self, chunks: Sequence[Any]) -> None:
        """Look at the events from the last back to the one that holds the whole response."""
        for event in reversed(chunks):
            kind = fields(event).get("type")
            if kind == "error" or (kind in _TELLING and not (self.is_complete and kind == "response.created")):
                self.see(event)
                if self.is_complete:
                    return

    def facts(self) -> Facts:
        """What the events have told."""
        *told, reason, error = responses_facts(self._answer)
        return (*told, reason if self.is_complete else None, self._error or error)


_TELLING: Final = frozenset(("response.created", "response.completed", "response.incomplete", "response.failed"))
