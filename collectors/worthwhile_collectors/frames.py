"""The frames of a spool segment: how one request is laid out on disk, and how requests are found again after damage.

A frame is

    magic (4 bytes) | payload length (u32) | crc32 of the payload (u32) | payload

and its payload is the request as ClickHouse's `Protobuf` format reads it: the length as a varint, then the bytes. So
the payloads of a segment, one after the other, are the body of an insert.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import Final

_MAGIC: Final = b"\xf5WW1"
_HEADER: Final = Struct("<4sII")
_MAX_PAYLOAD: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Contents:
    """What could be read of a segment.

    Attributes:
        payloads: Sound payloads in order.
        damaged: Runs of bytes that are not a sound frame, in order.
        torn_bytes: Length of an unfinished frame at the end. It was never acknowledged.
    """

    payloads: list[memoryview]
    damaged: list[memoryview]
    torn_bytes: int


def scan(data: bytes) -> Contents:
    """Finds the payloads in the bytes of a segment.

    A frame whose checksum is wrong, or bytes between frames, go to `damaged` and reading goes on at the next frame. An
    unfinished frame at the end was never acknowledged: it only counts as torn.
    """
    view = memoryview(data)
    payloads: list[memoryview] = []
    damaged: list[memoryview] = []
    at, end = 0, len(data)
    while at < end:
        payload_end = _frame_end(data, at)
        if payload_end is not None:
            payloads.append(view[at + _HEADER.size : payload_end])
            at = payload_end
            continue
        following = _next_frame(data, at + 1)
        if following is None:
            break
        damaged.append(view[at:following])
        at = following
    if at < end and not _is_unfinished(data, at):
        damaged.append(view[at:])
        at = end
    return Contents(payloads, damaged, torn_bytes=end - at)


def frame(body: bytes) -> list[bytes]:
    """The parts of the frame of one request, to be written one after the other."""
    length, _ = payload = delimited(body)
    crc = zlib.crc32(body, zlib.crc32(length))
    return [_HEADER.pack(_MAGIC, len(length) + len(body), crc), *payload]


def delimited(body: bytes) -> list[bytes]:
    """The parts of a payload: the length of a request, and the request."""
    return [varint(len(body)), body]


def varint(value: int) -> bytes:
    """The protobuf varint of a non-negative number."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def requests(data: bytes) -> Iterator[bytes]:
    """The requests in a run of payloads, without their lengths.

    Raises:
        ValueError: A length is unfinished or reaches beyond the end.
    """
    at = 0
    while at < len(data):
        size = shift = 0
        while True:
            if at == len(data) or shift > 28:
                msg = f"unfinished length at byte {at}"
                raise ValueError(msg)
            byte = data[at]
            at += 1
            size |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        if at + size > len(data):
            msg = f"request of {size} bytes at byte {at}, where {len(data) - at} are left"
            raise ValueError(msg)
        yield data[at : at + size]
        at += size


def _frame_end(data: bytes, at: int) -> int | None:
    """Where the whole, sound frame at this place ends; None if there is none."""
    if len(data) - at < _HEADER.size:
        return None
    magic, size, crc = _HEADER.unpack_from(data, at)
    start = at + _HEADER.size
    if magic != _MAGIC or size > _MAX_PAYLOAD or start + size > len(data):
        return None
    return start + size if zlib.crc32(memoryview(data)[start : start + size]) == crc else None


def _next_frame(data: bytes, at: int) -> int | None:
    while (found := data.find(_MAGIC, at)) != -1:
        if _frame_end(data, found) is not None:
            return found
        at = found + 1
    return None


def _is_unfinished(data: bytes, at: int) -> bool:
    """Whether the bytes from here on are the beginning of a frame that was cut off."""
    rest = len(data) - at
    if rest < _HEADER.size:
        return _MAGIC.startswith(data[at : at + len(_MAGIC)])
    magic, size, _ = _HEADER.unpack_from(data, at)
    return bool(magic == _MAGIC and size > rest - _HEADER.size)
