# ruff: noqa: SLF001 - a stream's inner iterator is replaced
"""Calls whose answers come after the client's method has returned: streams, and responses that the host decodes."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from worthwhile import _sse, _streams, _taps
from worthwhile._call import NO_SKIPS, Facts

if TYPE_CHECKING:
    from worthwhile.clients._base import Call


def follow_stream(call: "Call", stream: Any, *, is_async: bool) -> None:
    """Watch how the host reads `stream`, a stream object of the client; the call ends with it."""
    reading = _streams.Reading(call, call.collector() or _Document(call.api.take))
    tap: Any = _taps.AsyncStreamTap if is_async else _taps.stream_tap
    # Private in both libraries since their first versions, and the only place that sees chunks without delay.
    stream._iterator = tap(stream._iterator, reading)
    stream.response.stream = _taps.BodyTap(stream.response.stream, reading)


def follow_raw(call: "Call", response: Any) -> None:
    """Watch how the host reads `response`, of which the client leaves the decoding to it; the call ends with it."""
    if response.is_closed:
        document = _document(response)
        call.shown(_unseen)(document)
        call.finish(call.api.take(document))
        return
    headers = response.headers
    content_type = headers.get("content-type", "")
    is_stream = content_type.startswith("text/event-stream")
    document = _Document(call.api.take)
    reading = _streams.Reading(call, (call.collector() or document) if is_stream else document)
    see = reading.see if is_stream else document.see
    encoding = headers.get("content-encoding", "")
    found = _sse.scanner(content_type, encoding, call.shown(see), may_hide=call.hides_usage)
    body = response.stream
    response.stream = _taps.BodyTap(body, reading) if found is None else _taps.RawBodyTap(body, reading, found)


class _Document:
    """Collects an answer that comes as one JSON document."""

    skips = NO_SKIPS

    def __init__(self, take_facts: Callable[[Any], Facts]) -> None:
        self._take_facts = take_facts
        self._document: Any = None

    @property
    def is_complete(self) -> bool:
        """Whether the document has arrived."""
        return self._document is not None

    def see(self, chunk: Any, /) -> bool:
        """Keep the document; there is nothing to hide."""
        self._document = chunk
        return False

    def facts(self) -> Facts:
        """What the document tells."""
        return self._take_facts(self._document)


def _unseen(document: Any) -> None:
    """Nobody looks."""


def _document(response: Any) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:  # an answer that is not JSON tells nothing
        return None
