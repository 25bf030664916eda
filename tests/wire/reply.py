"""What the server answers: one body, or the events of a stream, each with the tokens that it tells the client."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from tests.wire.ledger import KINDS, NOTHING, Tokens

JSON = "application/json"
EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes that go out together, and what a client that reads them has been told."""

    data: bytes
    tells: Tokens = NOTHING


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer."""

    parts: list[Part]
    content_type: str


def whole(payload: dict[str, Any], tells: Tokens = NOTHING) -> Reply:
    """An answer in one JSON body."""
    return Reply([Part(json.dumps(payload).encode(), tells)], JSON)


def event(payload: dict[str, Any] | str, name: str | None = None, *, tells: Tokens = NOTHING) -> Part:
    """One server-sent event."""
    data = payload if isinstance(payload, str) else json.dumps(payload)
    return Part((f"event: {name}\n" if name else "").encode() + b"data: " + data.encode() + b"\n\n", tells)


def merged(told: Tokens, more: Tokens) -> Tokens:
    """What a client knows that was told `told` and then `more`."""
    newer = {kind: value for kind in KINDS if (value := getattr(more, kind)) is not None}
    return dataclasses.replace(told, **newer)
