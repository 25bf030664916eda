"""OTLP requests in files: one protobuf request, many length-prefixed ones, or JSON lines, each plain or gzipped."""

import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from worthwhile_collectors.errors import RequestRejectedError, UsageError
from worthwhile_collectors.receive import otlp_json
from worthwhile_collectors.receive.protobuf import MESSAGES, check
from worthwhile_collectors.spool import Kind

FileFormat = Literal["auto", "protobuf", "delimited", "json"]

MAX_REQUEST_BYTES: Final = 64 << 20
MAX_ITEMS: Final = 1 << 20
_GZIP_MAGIC: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class FileRequest:
    """One request of a file: `place` says where, in words."""

    kind: Kind
    body: bytes
    items: int
    place: str


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Something in a file that is not a request of ours: what and where, in words."""

    place: str
    message: str


Found = FileRequest | FileProblem


Readable = io.BufferedReader | gzip.GzipFile
"""An open file of bytes that can be looked into without moving on."""


def read(file: io.BufferedReader, name: str, file_format: FileFormat = "auto") -> Iterator[Found]:
    """The requests in a file, in order; what cannot be read is told and passed over.

    Args:
        file: Plain or gzipped.
        name: Its name, for messages and, where `file_format` is "auto", its ending.
        file_format: How the requests lie in it.

    Raises:
        UsageError: It cannot be read at all.
    """
    try:
        plain = gzip.GzipFile(fileobj=file) if file.peek(2)[:2] == _GZIP_MAGIC else file
        yield from _READERS[_format(plain, name, file_format)](plain, name)
    except (OSError, EOFError, zlib.error) as err:
        raise UsageError(f"reading `{name}`: {err}, expected OTLP in protobuf or JSON lines, plain or gzipped") from err


def _format(file: Readable, name: str, file_format: FileFormat) -> Literal["protobuf", "delimited", "json"]:
    if file_format != "auto":
        return file_format
    if name.removesuffix(".gz").endswith(".pbs"):
        return "delimited"
    return "json" if file.peek(64).lstrip()[:1] == b"{" else "protobuf"


def _read_single(file: Readable, name: str) -> Iterator[Found]:
    yield _checked(file.read(MAX_REQUEST_BYTES + 1), name)


def _read_delimited(file: Readable, name: str) -> Iterator[Found]:
    number = 0
    while byte := file.read(1):
        number += 1
        size, shift = byte[0] & 127, 7
        while byte and byte[0] > 127 and shift < 35:
            byte = file.read(1)
            size |= (byte[0] & 127) << shift if byte else 0
            shift += 7
        place = f"{name}, request {number}"
        body = file.read(size) if byte and size <= MAX_REQUEST_BYTES else b""
        if not byte or len(body) < size:
            yield FileProblem(place, f"its length is `{size}` bytes, which is more than the file has or a request may")
            return
        yield _checked(body, place)


def _read_json(file: Readable, name: str) -> Iterator[Found]:
    """JSON lines; or, when the first line is not a whole object, one object that takes the whole file."""
    first = file.readline(MAX_REQUEST_BYTES + 1)
    if not _is_object(first):
        yield from _json_requests(first + file.read(MAX_REQUEST_BYTES + 1 - len(first)), name)
        return
    number, line = 1, first
    while line:
        if line.strip():
            yield from _json_requests(line, f"{name}, line {number}")
        number, line = number + 1, file.readline(MAX_REQUEST_BYTES + 1)


def _json_requests(text: bytes, place: str) -> Iterator[Found]:
    try:
        _check_size(text)
        found = otlp_json.parse(text)
        signals = [signal for key, signal in otlp_json.SIGNAL_KEYS.items() if key in found]
        if not signals:
            yield FileProblem(place, f"expected one of {', '.join(otlp_json.SIGNAL_KEYS)}")
        for signal in signals:
            body = otlp_json.message_bytes(signal, found)
            if signal == "metrics":
                yield FileProblem(place, "metrics are not stored")
            else:
                items = check(signal, body, max_items=MAX_ITEMS).items
                yield FileRequest("logs" if signal == "logs" else "traces", body, items, place)
    except RequestRejectedError as err:
        yield FileProblem(place, err.message)


def _checked(body: bytes, place: str) -> Found:
    try:
        _check_size(body)
        kind = _kind(body)
        return FileRequest(kind, body, check(kind, body, max_items=MAX_ITEMS).items, place)
    except RequestRejectedError as err:
        return FileProblem(place, err.message)


def _kind(body: bytes) -> Kind:
    """Traces or logs, which look the same from outside: field 1 of a span is its id, of a log record a time.

    Read as the wrong one, field 1 has the wrong wire type and is kept as an unknown field.
    """
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf ships no types

    request = MESSAGES["traces"]()
    try:
        request.ParseFromString(body)
    except DecodeError:
        return "logs"
    spans = [span for group in request.resource_spans for scope in group.scope_spans for span in scope.spans]
    return "traces" if not spans or any(span.trace_id for span in spans) else "logs"


def _check_size(body: bytes) -> None:
    if len(body) > MAX_REQUEST_BYTES:
        raise RequestRejectedError(413, f"a request is larger than {MAX_REQUEST_BYTES} bytes")


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


_READERS: Final[dict[str, Callable[[Readable, str], Iterator[Found]]]] = {
    "protobuf": _read_single,
    "delimited": _read_delimited,
    "json": _read_json,
}
