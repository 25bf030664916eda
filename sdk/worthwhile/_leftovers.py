"""What lies in the spool and nobody delivers: for `worthwhile doctor`."""

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Final, NamedTuple

from worthwhile import _clock, _frames, _segment, _spool
from worthwhile._settings import Settings

_ENOUGH: Final = 1 << 20
"""Bytes that have a whole request in them."""


class Leftover(NamedTuple):
    """Requests of processes that have ended, in one folder of the spool.

    Attributes:
        folder: Where they are.
        segments: Files of them.
        size_bytes: What those take.
        age_s: Seconds since the oldest was begun.
        service: Service that recorded the first of them; `None` where it does not say.
    """

    folder: Path
    segments: int
    size_bytes: int
    age_s: float
    service: str | None


def root(settings: Settings) -> Path | None:
    """Where the spool is; `None` where it is off, or has no place."""
    if settings.spool is not None:
        return None if settings.spool == "off" else Path(settings.spool)
    try:
        return _spool.default_root()
    except OSError:
        return None


def left_behind(folder: Path) -> list[Leftover]:
    """What ended processes have left in the spool `folder`, the oldest first; nothing of it is touched."""
    try:
        folders = [each for each in folder.iterdir() if each.is_dir()]
    except OSError:
        return []
    found = [leftover for each in folders if (leftover := _left_in(each)) is not None]
    return sorted(found, key=lambda leftover: -leftover.age_s)


def _left_in(folder: Path) -> Leftover | None:
    segments = size_bytes = begun_ns = 0
    service: str | None = None
    for path in sorted(folder.glob(f"*{_segment.SUFFIX}")):
        with contextlib.suppress(OSError, ValueError), path.open("rb", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # refused while its process runs
            size = os.fstat(file.fileno()).st_size
            positions = _frames.positions(file.read(_frames.HEADER.size), size)
            if positions is not None and positions[0] < size:
                segments, size_bytes = segments + 1, size_bytes + size
                begun_ns = begun_ns or int(path.name.partition("-")[0])
                service = service or _service_of(os.pread(file.fileno(), _ENOUGH, positions[0]))
    if not segments:
        return None
    return Leftover(folder, segments, size_bytes, (_clock.time_ns() - begun_ns) / 1e9, service)


def _service_of(data: bytes) -> str | None:
    """The `service.name` of the first request: its first resource's attribute."""
    from worthwhile._request import fields

    with contextlib.suppress(ValueError, KeyError, UnicodeDecodeError):
        for frame in _frames.frames(data):
            resource = _first(_first(frame.body))
            for attribute in fields(resource):
                pair = {field.number: field.content for field in fields(attribute.content)}
                if attribute.number == 1 and pair[1] == b"service.name":
                    return _first(pair[2]).decode()
    return None


def _first(message: bytes) -> bytes:
    """Content of a message's field 1."""
    from worthwhile._request import fields

    return {field.number: field.content for field in reversed(list(fields(message)))}[1]
