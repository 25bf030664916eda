"""Ids of tasks and signals: UUIDv7, so that an id tells the day of its task and ids sort by time."""

import os
from collections.abc import Callable

from worthwhile import _clock


def _uuid7() -> str:
    """A new UUIDv7 (RFC 9562, section 5.7) as lower-case text; random bits come from the system, so a fork is safe."""
    milliseconds = _clock.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    head = (milliseconds << 16) | 0x7000 | (random >> 68 & 0x0FFF)
    tail = 0x8000_0000_0000_0000 | (random & 0x3FFF_FFFF_FFFF_FFFF)
    text = f"{head:016x}{tail:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


new_id: Callable[[], str] = _uuid7
"""A new id. Call it as `_identity.new_id()`, so that `testing.capture` can fix the ids."""
