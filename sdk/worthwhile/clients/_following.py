# ruff: noqa: SLF001 - a stream's inner iterator is replaced
"""Calls whose answers come after the client's method has returned: streams, and responses that the host decodes."""

import json
from typing import TYPE_CHECKING, Any

from worthwhile import _sse, _streams, _taps
from worthwhile._call import NO_SKIPS, Facts

if TYPE_CHECKING:
    from worthwhile.clients._base import Call


def follow_stream(call: "Call", stream: Any, *, is_async: bool) -> None:
    """Watch how the host reads `stream`, a stream object of the client; the call ends with it."""
    make = call.api.reading
    reading = _Document(call) if make is None else make(call)
    reading.begin(call)
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
    make = call.api.reading if is_stream else None
    reading = _Document(call) if make is None else make(call)
    reading.begin(call)
    see = call.shown(reading.see if is_stream else reading.take)
    found = _sse.scanner(content_type, headers.get("content-encoding", ""), see, may_hide=call.hides_usage)
    body = response.stream
    response.stream = _taps.BodyTap(body, reading) if found is None else _taps.RawBodyTap(body, reading, found)


class _Document(_streams.Reading):
    """An answer that comes as one JSON document."""

    __slots__ = ("_document", "_take_facts")

    def __init__(self, call: "Call") -> None:
        self._take_facts = call.api.take
        self._document: Any = None
        self.skips = NO_SKIPS

    @property
    def is_complete(self) -> bool:
        """Whether the document has arrived."""
        return self._document is not None

    def take(self, chunk: Any, /) -> bool:
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
