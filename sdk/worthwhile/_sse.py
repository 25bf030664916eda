"""Reads the bytes of an answer that the host, not the client, decodes: server-sent events, or one JSON document."""

import json
import re
import zlib
from collections.abc import Callable
from typing import Any, Final

from worthwhile._taps import Scanner

_MAX_DOCUMENT: Final = 32 * 1024 * 1024
"""Longest JSON body that is kept until its end, in bytes; of a longer one the usage stays unknown."""

_BOUNDARY: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LINE_END: Final = re.compile(rb"\r\n|\n|\r")

See = Callable[[Any], bool]


def scanner(content_type: str, content_encoding: str, see: See, *, may_hide: bool) -> Scanner | None:
    """What reads a body of this type; None when its compression is not one that the standard library can read.

    Args:
        content_type: The response header.
        content_encoding: The response header; empty for none.
        see: Called with each decoded JSON value; True hides the event that held it.
        may_hide: Whether an event may be taken out. Never done inside a compressed body.
    """
    encoding = content_encoding.strip().lower()
    if encoding not in ("", "identity", "gzip", "deflate"):
        return None
    is_plain = encoding in ("", "identity")
    inner: Scanner
    if content_type.partition(";")[0].strip().lower() == "text/event-stream":
        inner = EventScanner(see, may_hide=may_hide and is_plain)
    else:
        inner = DocumentScanner(see)
    return inner if is_plain else _Inflating(inner)


class EventScanner:
    """Finds the JSON in server-sent events.

    It holds bytes back only when it may hide an event, and then never more than the event that is still arriving.
    """

    def __init__(self, see: See, *, may_hide: bool) -> None:
        self._see = see
        self._may_hide = may_hide
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """Look at every event that `data` completes."""
        self._rest += data
        kept: list[bytes] = []
        start = 0
        for boundary in _BOUNDARY.finditer(self._rest):
            event = self._rest[start : boundary.end()]
            start = boundary.end()
            value = _json_of(event)
            is_hidden = value is not None and self._see(value)
            if not (is_hidden and self._may_hide):
                kept.append(event)
        self._rest = self._rest[start:]
        return b"".join(kept) if self._may_hide else data

    def flush(self) -> bytes:
        """Give back an event that was cut off."""
        return self._rest if self._may_hide else b""


class DocumentScanner:
    """Reads one JSON document when its body has ended."""

    def __init__(self, see: See) -> None:
        self._see = see
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        """Keep `data`, unless the document is too long."""
        self._size += len(data)
        if self._size <= _MAX_DOCUMENT:
            self._parts.append(data)
        else:
            self._parts.clear()
        return data

    def flush(self) -> bytes:
        """Look at the whole document."""
        value = _decoded(b"".join(self._parts))
        if value is not None:
            self._see(value)
        return b""


class _Inflating:
    """Shows a compressed body to another scanner; the host still gets the compressed bytes."""

    def __init__(self, inner: Scanner) -> None:
        self._inner = inner
        # 47: a zlib or gzip header, whichever is there.
        self._inflater = zlib.decompressobj(47)

    def feed(self, data: bytes) -> bytes:
        self._inner.feed(self._inflater.decompress(data))
        return data

    def flush(self) -> bytes:
        self._inner.feed(self._inflater.flush())
        self._inner.flush()
        return b""


def _json_of(event: bytes) -> Any:
    lines = [line[5:].strip() for line in _LINE_END.split(event) if line.startswith(b"data:")]
    return _decoded(b"\n".join(lines)) if lines else None


def _decoded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:  # not JSON, such as `[DONE]` or the rest of a body that was cut off
        return None
