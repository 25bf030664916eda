"""Layout of a spool segment: a header that says what was sent, then frames, each an encoded request with its checksum.

header   magic (8 bytes) | acknowledged up to (u64) | being sent up to (u64)
frame    magic (4 bytes) | flags (u16) | items (u16) | length of the body (u32) | crc32 (u32) | body
"""

import zlib
from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

HEADER: Final = Struct("<8sQQ")
FRAME: Final = Struct("<4sHHII")
MAX_ITEMS: Final = 0xFFFF

_SEGMENT_MAGIC: Final = b"WWSPOOL1"
_FRAME_MAGIC: Final = b"\xf5WS1"
_FIELDS: Final = Struct("<HHI")
_PACKED: Final = 1


class Frame(NamedTuple):
    """A sound frame.

    Attributes:
        body: The encoded request.
        items: Spans or signals in it.
        end: Where it ends in the bytes that were searched.
    """

    body: bytes
    items: int
    end: int


def header(acknowledged: int, intended: int) -> bytes:
    """The header of a segment with these positions."""
    return HEADER.pack(_SEGMENT_MAGIC, acknowledged, intended)


def positions(data: bytes, size: int) -> tuple[int, int] | None:
    """What the header of a segment of `size` bytes says; `None` where it is not one of this version.

    Positions that cannot be are taken as the beginning: sending again loses nothing.
    """
    if len(data) < HEADER.size:
        return None
    magic, acknowledged, intended = HEADER.unpack_from(data)
    if magic != _SEGMENT_MAGIC:
        return None
    if not HEADER.size <= acknowledged <= size:
        return HEADER.size, HEADER.size
    return acknowledged, intended if acknowledged <= intended <= size else acknowledged


def frame(body: bytes, items: int, *, is_packed: bool) -> bytes:
    """A frame; `is_packed` compresses its body."""
    if is_packed:
        body = zlib.compress(body, 1)
    flags = _PACKED if is_packed else 0
    crc = zlib.crc32(body, zlib.crc32(_FIELDS.pack(flags, items, len(body))))
    return FRAME.pack(_FRAME_MAGIC, flags, items, len(body), crc) + body


def frames(data: bytes) -> Iterator[Frame]:
    """The sound frames of a stretch of a segment, in order; bytes that are none are passed over."""
    at = 0
    while at != -1:
        found = _frame_at(data, at)
        if found is not None:
            yield found
            at = found.end
        else:
            at = data.find(_FRAME_MAGIC, at + 1)


def wanted(data: bytes) -> int:
    """Bytes that the frame at the start of `data` says it needs; 0 where none begins there."""
    if len(data) < FRAME.size:
        return 0
    magic, _, _, length, _ = FRAME.unpack_from(data)
    return FRAME.size + length if magic == _FRAME_MAGIC else 0


def _frame_at(data: bytes, at: int) -> Frame | None:
    if len(data) - at < FRAME.size:
        return None
    magic, flags, items, length, crc = FRAME.unpack_from(data, at)
    start = at + FRAME.size
    if magic != _FRAME_MAGIC or length > len(data) - start:
        return None
    body = data[start : start + length]
    if zlib.crc32(body, zlib.crc32(_FIELDS.pack(flags, items, length))) != crc:
        return None
    return Frame(zlib.decompress(body) if flags & _PACKED else body, items, start + length)
