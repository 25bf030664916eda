# ruff: noqa: SLF001 - a reading is filled in here
# pyright: reportPrivateUsage=false
"""Gathers what anthropic's streams tell: `message_start` has the head, the last `message_delta` the final counts."""

from typing import TYPE_CHECKING, Any, Final

from worthwhile._call import EVENTS, Facts, Skips
from worthwhile._streams import Reading
from worthwhile.clients._fields import fields, text
from worthwhile.clients.anthropic import facts_of

if TYPE_CHECKING:
    from worthwhile.clients._base import Call

_EVENTS: Final[Skips] = (EVENTS, frozenset(("message_start", "message_delta")))


def message(call: "Call") -> "MessageReading":
    """Reads a message."""
    reading = MessageReading()
    reading.skips = _EVENTS
    reading._message = reading._last_usage = reading._stop_reason = None
    return reading


class MessageReading(Reading):
    """Reads a message from its events."""

    __slots__ = ("_last_usage", "_message", "_stop_reason")

    _last_usage: Any
    _message: Any
    _stop_reason: str | None

    @property
    def is_complete(self) -> bool:
        """Whether the reason why it stopped has come."""
        return self._stop_reason is not None

    def take(self, event: Any, /) -> bool:
        """Keep what the event tells beside content."""
        read: Any = event if type(event) is dict else event.__dict__  # pyright: ignore[reportUnknownVariableType]
        kind = read.get("type")
        if kind == "message_start":
            self._message = read.get("message")
        elif kind == "message_delta":
            self._last_usage = read.get("usage")
            self._stop_reason = text(fields(read.get("delta")).get("stop_reason"))
        return False

    def facts(self) -> Facts:
        """What the events have told."""
        get = fields(self._message).get
        return facts_of(get("id"), get("model"), self._stop_reason, get("usage"), self._last_usage)
