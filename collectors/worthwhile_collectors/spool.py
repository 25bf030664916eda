"""Keeps acknowledged requests on disk until ClickHouse has them, through crashes of this process.

A spool is a folder of *segments*, each holding requests of one kind as frames (`frames.py`). A segment is appended to
while its name ends in `.open` and never changes after it was *sealed* (renamed to `.seg`). Its token, which becomes the
deduplication token of its insert, is fixed when it is made. So a token always goes with the same rows, and replaying a
segment after a crash changes nothing.
"""

import contextlib
import errno
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from worthwhile_collectors.errors import SpoolError, SpoolFullError
from worthwhile_collectors.frames import Contents, frame, scan

Kind = Literal["traces", "logs"]
Durability = Literal["process", "interval", "always"]

KINDS: Final[tuple[Kind, ...]] = ("traces", "logs")
SYNC_INTERVAL_NS: Final = 50_000_000


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """How large the spool may grow and when a segment is full.

    Attributes:
        quota_bytes: What all segments together may take on disk.
        segment_bytes: A segment is sealed once it holds this much.
        durability: `process` survives a crash of the process, `interval` loses at most the last 50 ms when the machine
            loses power, `always` loses nothing (one disk flush per request).
    """

    quota_bytes: int
    segment_bytes: int = 64 << 20
    durability: Durability = "interval"


@dataclass(frozen=True, slots=True)
class Segment:
    """A sealed segment: `token` is its id and the deduplication token of its insert."""

    kind: Kind
    token: str
    path: Path
    size_bytes: int


class Spool:
    """An append-only spool that one process owns. All methods may be called from any thread.

    Segments left by a process that died are sealed and adopted when the spool is opened.

    Args:
        folder: Made when missing.
        limits: Sizes and durability.
        clock_ns: Monotonic clock, for the age of the open segments.

    Raises:
        SpoolError: The folder cannot be used.
    """

    def __init__(
        self, folder: Path, limits: SpoolLimits, *, clock_ns: Callable[[], int] = time.perf_counter_ns
    ) -> None:
        self._folder = folder
        self._limits = limits
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._open: dict[Kind, _OpenSegment] = {}
        self._sealed: dict[str, Segment] = {}
        self._made = 0
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._adopt()
        except OSError as err:
            raise SpoolError(
                f"opening the spool `{folder}`: {err.strerror}", hint="check that the folder may be written to"
            ) from err

    def append(self, kind: Kind, body: bytes) -> None:
        """Keeps one request. When this returns, the request survives a crash of the process.

        Raises:
            SpoolFullError: Quota or disk exhausted, or the folder is gone; nothing was kept.
        """
        parts = frame(body)
        with self._lock:
            self._reserve(sum(map(len, parts)))
            segment = self._open.get(kind) or self._begin(kind)
            try:
                segment.write(parts)
                self._sync_if_due(segment)
            except OSError as err:
                if segment.is_broken:
                    self._seal(kind)
                raise _full(err) from err
            if segment.size_bytes >= self._limits.segment_bytes:
                with contextlib.suppress(SpoolError):  # the request is kept either way; sealing is tried again later
                    self._seal(kind)

    def seal(self, *, min_age_ns: int = 0) -> None:
        """Seals every open segment whose first request is at least this old.

        Raises:
            SpoolError: A segment could not be renamed; it stays open and its requests stay in it.
        """
        with self._lock:
            for kind, segment in list(self._open.items()):
                if self._clock_ns() - segment.began_ns >= min_age_ns:
                    self._seal(kind)

    def sync(self) -> None:
        """Puts what was appended on the disk itself, unless durability is `process`."""
        if self._limits.durability == "process":
            return
        with self._lock:
            for segment in self._open.values():
                segment.sync(self._clock_ns())

    def sealed(self) -> list[Segment]:
        """The sealed segments that are still here, oldest first."""
        with self._lock:
            return list(self._sealed.values())

    def read(self, segment: Segment) -> Contents:
        """Reads a sealed segment.

        Raises:
            SpoolError: The file is gone or unreadable.
        """
        try:
            return scan(segment.path.read_bytes())
        except OSError as err:
            raise SpoolError(
                f"reading the spool segment `{segment.path}`: {err.strerror}",
                hint="nothing but the collector may touch its spool folder",
            ) from err

    def remove(self, segment: Segment) -> None:
        """Forgets a segment that is stored elsewhere now. A missing file is fine."""
        with self._lock:
            segment.path.unlink(missing_ok=True)
            self._sealed.pop(segment.path.name, None)

    def size_bytes(self) -> int:
        """What all segments take on disk."""
        with self._lock:
            return self._size_bytes()

    def _size_bytes(self) -> int:
        sealed = sum(segment.size_bytes for segment in self._sealed.values())
        return sealed + sum(segment.size_bytes for segment in self._open.values())

    def _reserve(self, size_bytes: int) -> None:
        used, quota = self._size_bytes(), self._limits.quota_bytes
        if used + size_bytes > quota:
            raise SpoolFullError(
                f"keeping a request of `{size_bytes}` bytes: the spool holds `{used}` of the `{quota}` bytes it may",
                hint="ClickHouse does not keep up or cannot be reached; see `worthwhile doctor`",
            )

    def _adopt(self) -> None:
        for path in self._folder.glob("*.open"):
            if path.stat().st_size == 0:
                path.unlink()
            else:
                path.rename(path.with_suffix(".seg"))
        for path in sorted(self._folder.glob("*.seg"), key=lambda p: (p.stat().st_mtime_ns, p.name)):
            name, _, token = path.stem.partition("-")
            for kind in KINDS:
                if kind == name:
                    self._sealed[path.name] = Segment(kind, token, path, path.stat().st_size)

    def _begin(self, kind: Kind) -> "_OpenSegment":
        self._made += 1
        token = f"{time.time_ns():020d}-{os.getpid()}-{self._made}"
        try:
            segment = _OpenSegment(self._folder / f"{kind}-{token}.open", token, self._clock_ns())
            if self._limits.durability != "process":
                _sync_folder(self._folder)
        except OSError as err:
            raise _full(err) from err
        self._open[kind] = segment
        return segment

    def _sync_if_due(self, segment: "_OpenSegment") -> None:
        now = self._clock_ns()
        durability = self._limits.durability
        if durability == "always" or (durability == "interval" and now - segment.synced_ns >= SYNC_INTERVAL_NS):
            segment.sync(now)

    def _seal(self, kind: Kind) -> None:
        segment = self._open[kind]
        try:
            if self._limits.durability != "process":
                segment.sync(self._clock_ns())
            path = segment.close()
        except OSError as err:
            raise _full(err) from err
        del self._open[kind]
        self._sealed[path.name] = Segment(kind, segment.token, path, segment.size_bytes)


class _OpenSegment:
    """The file of one kind that is being appended to. Not thread-safe: the spool's lock guards it."""

    def __init__(self, path: Path, token: str, now_ns: int) -> None:
        self.token = token
        self.size_bytes = 0
        self.began_ns = now_ns
        self.synced_ns = now_ns
        self.is_broken = False
        self._is_dirty = False
        self._path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def write(self, parts: list[bytes]) -> None:
        """Appends all parts or nothing."""
        wanted = sum(map(len, parts))
        try:
            written = os.writev(self._fd, parts)
            if written < wanted:
                _write_all(self._fd, b"".join(parts)[written:])
        except OSError:
            self._undo()
            raise
        self.size_bytes += wanted
        self._is_dirty = True

    def sync(self, now_ns: int) -> None:
        if self._is_dirty:
            _sync_file(self._fd)
            self._is_dirty = False
        self.synced_ns = now_ns

    def close(self) -> Path:
        sealed = self._path.with_suffix(".seg")
        try:
            self._path.rename(sealed)
        except FileNotFoundError:
            self._rescue(sealed)
        os.close(self._fd)
        return sealed

    def _undo(self) -> None:
        try:
            os.ftruncate(self._fd, self.size_bytes)
        except OSError:
            self.is_broken = True  # the torn tail stays and readers skip it; nothing may be appended after it

    def _rescue(self, sealed: Path) -> None:
        """Writes the segment again when somebody removed its file; the descriptor still has every byte."""
        sealed.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        sealed.write_bytes(os.pread(self._fd, self.size_bytes, 0))


_sync_file: Final = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _full(err: OSError) -> SpoolFullError:
    if err.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        hint = "make room on the disk of the data folder"
    else:
        hint = "check that the data folder still exists and may be written to"
    return SpoolFullError(f"keeping a request in the spool: {err.strerror}", hint=hint)
