"""Length-prefixed OTLP requests, the form in which ClickHouse reads many of them in one insert."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from worthwhile_collectors.store.errors import QueryFailed

PARALLEL_INSERTS: Final = 2
"""Parts of a large batch that are inserted at the same time."""

PART_BYTES: Final = 60 * 2**20
"""A large batch is inserted in parts of at least about this size: an insert costs 0.2 s of CPU before its first row."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A request that ClickHouse could not read.

    Attributes:
        body: The OTLP request as it came.
        reason: What ClickHouse said.
    """

    body: bytes
    reason: str


def framed(requests: Iterable[bytes]) -> bytes:
    """Requests, each behind its length as a protobuf varint."""
    return b"".join(part for request in requests for part in (_varint(len(request)), request))


def bodies(frames: bytes) -> list[bytes]:
    """The requests in `frames`.

    Raises:
        ValueError: The last length reaches beyond the end.
    """
    return [frames[start:stop] for _, start, stop in _spans(frames)]


def parts(frames: bytes) -> list[bytes]:
    """The batch cut at requests into even parts of about `PART_BYTES`; always the same ones for the same bytes."""
    count = len(frames) // PART_BYTES
    if count < PARALLEL_INSERTS:
        return [frames]
    count -= count % PARALLEL_INSERTS
    cuts = [0]
    for prefix, _, _ in _spans(frames):
        if prefix * count >= len(cuts) * len(frames) and prefix - cuts[-1] >= PART_BYTES // 2:
            cuts.append(prefix)
    return [frames[start:stop] for start, stop in pairwise([*cuts, len(frames)])]


def insert_bisecting(
    insert: Callable[[bytes, str], None],
    requests: list[bytes],
    token: str,
    error: QueryFailed,
    is_poison: Callable[[QueryFailed], bool],
) -> tuple[Quarantined, ...]:
    """Insert what can be read of a batch that failed as a whole, and return the rest.

    The halves' tokens name their place, so that the same batch, tried again after a crash, changes nothing twice.

    Args:
        insert: Inserts framed requests under a token; raises `QueryFailed` if ClickHouse cannot read them.
        requests: The batch.
        token: Token of the whole batch.
        error: What the whole batch failed with.
        is_poison: Whether an error tells of what is inserted; any other ends the search, to be repeated later.
    """
    if len(requests) == 1:
        return (Quarantined(requests[0], error.message),)
    quarantined: list[Quarantined] = []
    middle = len(requests) // 2
    for half, name in ((requests[:middle], f"{token}/0"), (requests[middle:], f"{token}/1")):
        try:
            insert(framed(half), name)
        except QueryFailed as err:
            if not is_poison(err):
                raise
            quarantined += insert_bisecting(insert, half, name, err, is_poison)
    return tuple(quarantined)


def _spans(frames: bytes) -> Iterator[tuple[int, int, int]]:
    """Where each frame's prefix, body and end are."""
    at = 0
    while at < len(frames):
        size, start = _read_varint(frames, at)
        if start + size > len(frames):
            raise ValueError(f"frame of {size} bytes reaches beyond the end of {len(frames)} bytes")
        yield at, start, start + size
        at = start + size


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return number, at
        shift += 7
