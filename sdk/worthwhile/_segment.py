"""One file of a spool: appended to and read by the one process that holds its lock."""

import contextlib
import errno
import fcntl
import os
import secrets
import time
from pathlib import Path
from typing import Final, NamedTuple

from worthwhile import _frames
from worthwhile._backlog import Limit

SUFFIX: Final = ".seg"

_SLACK: Final = 1 << 16
_COUNTED: Final = Limit(1 << 62, 1 << 20)


class Stretch(NamedTuple):
    """Frames of a segment that follow each other, from `start` to `end`."""

    start: int
    end: int
    frames: tuple[_frames.Frame, ...]


class Segment:
    """A segment file. Not thread-safe: the spool's lock guards it.

    Attributes:
        path: Where it is.
        size: Where the next frame goes; what is behind it on the disk is a torn write.
        acknowledged: Everything before this position is settled.
        items: Spans or signals behind that position, where this process wrote them; an adopted segment's are not known.
        is_held: Whether a request with its frames is under way.
        is_adopted: Whether a process that has ended wrote it.
        number: Counts this process's own segments.
    """

    __slots__ = ("_fd", "_intended", "acknowledged", "is_adopted", "is_held", "items", "number", "path", "size")

    def __init__(self, path: Path, fd: int, size: int, positions: tuple[int, int], *, is_adopted: bool) -> None:
        self.path = path
        self.size = size
        self.acknowledged, self._intended = positions
        self.items = 0
        self.is_held = False
        self.is_adopted = is_adopted
        self.number = 0
        self._fd = fd

    @property
    def is_settled(self) -> bool:
        """Whether nothing in it is left to send."""
        return self.acknowledged >= self.size

    def append(self, data: bytes, items: int) -> None:
        """Write a frame, whole or not at all."""
        written = 0
        try:
            written = os.pwrite(self._fd, data, self.size)
        finally:
            if written != len(data):
                self._cut()
        if written != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.size += len(data)
        self.items += items

    def next_stretch(self, limit: Limit) -> Stretch:
        """The frames of the next request, the same ones as before if that one was not answered."""
        start = self.acknowledged
        if self._intended > start:
            stretch = self._read(start, self._intended, Limit(1 << 62, 1 << 62))
        else:
            stretch = self._read(start, self.size, limit)
            if stretch.frames:
                self._note(start, stretch.end)
        return stretch

    def acknowledge(self, end: int, items: int) -> None:
        """Note that everything up to `end` is settled."""
        self.items -= items
        self._note(end, max(end, self._intended))

    def count(self) -> int:
        """Spans or signals that are not settled."""
        if not self.is_adopted:
            return self.items
        items, at = 0, self.acknowledged
        while at < self.size:
            stretch = self._read(at, self.size, _COUNTED)
            items += sum(each.items for each in stretch.frames)
            at = stretch.end
        return items

    def sync(self) -> None:
        """Put what was written on the disk itself."""
        _sync_file(self._fd)

    def remove(self) -> None:
        """Delete the file and give up its lock."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Give up the lock, in this process only: a forked child that closes its copy leaves the parent's alone."""
        os.close(self._fd)

    def _note(self, acknowledged: int, intended: int) -> None:
        self.acknowledged, self._intended = acknowledged, intended
        os.pwrite(self._fd, _frames.header(acknowledged, intended), 0)

    def _cut(self) -> None:
        # Where that fails the next frame goes over it, and whoever adopts the file passes over what is no frame.
        with contextlib.suppress(OSError):
            os.ftruncate(self._fd, self.size)

    def _read(self, start: int, end: int, limit: Limit) -> Stretch:
        data = os.pread(self._fd, min(end - start, limit.size_bytes + _SLACK), start)
        first = _frames.wanted(data)
        if len(data) < first <= end - start:
            data = os.pread(self._fd, first, start)
        taken: list[_frames.Frame] = []
        items = size = 0
        for each in _frames.frames(data):
            items += each.items
            size += len(each.body)
            if taken and (items > limit.items or size > limit.size_bytes):
                return Stretch(start, start + taken[-1].end, tuple(taken))
            taken.append(each)
        if start + len(data) >= end:  # what is behind the last sound frame is none, and nothing follows
            return Stretch(start, end, tuple(taken))
        behind = taken[-1].end if taken else max(1, len(data) - _frames.FRAME.size)
        return Stretch(start, start + behind, tuple(taken))


def create(folder: Path) -> Segment:
    """A new segment of this process.

    Raises:
        OSError: It cannot be written.
    """
    for _ in range(8):
        path = folder / f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if _lock(fd, path):
                os.pwrite(fd, _frames.header(_frames.HEADER.size, _frames.HEADER.size), 0)
                start = _frames.HEADER.size
                return Segment(path, fd, start, (start, start), is_adopted=False)
        except OSError:
            os.close(fd)
            path.unlink(missing_ok=True)
            raise
        os.close(fd)  # another process took it for an orphan before it was locked
    raise OSError(errno.EAGAIN, "new files of the spool are locked by others")


def adopt(path: Path) -> Segment | None:
    """The segment of a process that has ended; `None` while it runs, or where another has adopted it."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if _lock(fd, path):
            size = os.fstat(fd).st_size
            positions = _frames.positions(os.pread(fd, _frames.HEADER.size, 0), size)
            if positions is not None:
                return Segment(path, fd, size, positions, is_adopted=True)
            if size < _frames.HEADER.size:  # its process was killed before it had written anything
                path.unlink(missing_ok=True)
    except OSError:
        pass  # a file that cannot be read now is left for later
    os.close(fd)
    return None


def _lock(fd: int, path: Path) -> bool:
    """Whether this process now owns the file, and the file is still there."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        there = path.stat()
    except (BlockingIOError, FileNotFoundError):
        return False
    here = os.fstat(fd)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


_sync_file: Final = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync
