"""Keeps encoded requests on disk until the receiver has them, through kill -9, restarts and hours without a receiver.

A spool is a folder of segments (`_segment.py`). Each process appends to segments of its own, whose locks it holds
as long as it lives, so a segment that can be locked is an orphan: whoever gets its lock adopts it and delivers the
rest. What is settled is deleted. Nothing but encoded requests is ever written: no header, no token, no address of the
receiver.

A folder is for one receiver, service, user and credential. What is left in one whose name nobody has any more, after a
service was renamed or a token exchanged, is nobody else's to send: it stays, and `worthwhile doctor` tells of it.
"""

import contextlib
import errno
import hashlib
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, NamedTuple

from worthwhile import _frames, _segment
from worthwhile._backlog import Batch, Limit, Mark
from worthwhile._losses import Cause
from worthwhile._segment import Segment
from worthwhile._wire import Wire

Durability = Literal["process", "interval", "always"]

SYNC_INTERVAL_NS: Final = 500_000_000

_MAX_QUARANTINED: Final = 64
_MAX_ADOPTED: Final = 16
_DOUBLED_EACH: Final = 8
_LEAST_FREE: Final = 0.02
"""Part of the disk that is left to others."""


class SpoolLimits(NamedTuple):
    """How large a spool may grow, and what it survives.

    Attributes:
        quota_bytes: What all segments of the folder, those of other processes included, may take. A small file counts
            as much as a thirty-second of a full segment, so that many short-lived processes do not make endless files.
        durability: `process` survives the end of the process, however it comes; `interval` loses at most the last half
            second when the machine loses power, `always` nothing that was drained.
        segment_bytes: A segment is full once it holds this much; of many, the later ones may hold more, because each
            takes a file descriptor of the host as long as it waits.
    """

    quota_bytes: int = 1 << 30
    durability: Durability = "process"
    segment_bytes: int = 8 << 20


class Spool:
    """The part of a spool folder that belongs to this process. All methods may be called from any thread.

    Args:
        folder: Made when first written to; must be this user's alone.
        limits: Sizes and durability.
        on_loss: Told how many items were lost, by cause.
        clock_ns: Clock that never steps back.
    """

    def __init__(
        self,
        folder: Path,
        limits: SpoolLimits,
        on_loss: Callable[[Cause, int], None],
        *,
        clock_ns: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self.folder = folder
        self._clock_ns = clock_ns
        self._synced_ns = 0
        self._limits = limits
        self._on_loss = on_loss
        self._reset()

    def append(self, body: bytes, items: int) -> None:
        """Keep a request. When this returns, it survives the end of the process.

        Raises:
            OSError: It could not be kept; nothing of it was.
        """
        with self._lock:
            data = _frames.frame(body, items, is_packed=len(self._own) > 1)
            segment = self._own[-1] if self._own else None
            if segment is None or segment.size + len(data) > self._full_at:
                segment = self._begin(len(data))
            segment.append(data, items)
            self._is_dirty = True
        self.sync(is_due=self._limits.durability == "always")

    def sync(self, *, is_due: bool = False) -> None:
        """Put what was appended on the disk itself, if durability asks for it and it is time."""
        if not self._is_dirty or self._limits.durability == "process":
            return
        with self._lock:
            now = self._clock_ns()
            if self._own and (is_due or now - self._synced_ns >= SYNC_INTERVAL_NS):
                self._own[-1].sync()
                self._synced_ns = now
                self._is_dirty = False

    def take(self, limit: Limit) -> "Batch[bytes] | None":
        """The next request of this process, else of an adopted segment; the same again until it is settled."""
        with self._lock:
            for segments in (self._own, self._adopted):
                while segments:
                    segment = segments[0]
                    try:
                        stretch = segment.next_stretch(limit)
                    except OSError:  # the disk does not give back what was written
                        self._forget(segment, "earlier" if segment.is_adopted else "disk")
                        continue
                    if stretch.frames:
                        segment.is_held = True
                        is_own = not segment.is_adopted
                        return Batch(stretch.frames, is_own=is_own, source=segment, stop=stretch.end)
                    self._acknowledge(segment, max(stretch.end, segment.acknowledged), 0)
        return None

    def settle(self, batch: "Batch[bytes]") -> None:
        """Forget what was sent, or given up."""
        segment = batch.source
        if isinstance(segment, Segment):
            with self._lock:
                segment.is_held = False
                self._acknowledge(segment, batch.stop, batch.items if batch.is_own else 0)

    def release(self, batch: "Batch[bytes]") -> None:
        """Leave a batch for later."""
        if isinstance(batch.source, Segment):
            batch.source.is_held = False

    def mark(self) -> Mark:
        """The end of what was appended so far."""
        with self._lock:
            return (self._begun, self._own[-1].size) if self._own else (self._begun + 1, 0)

    def has_settled(self, mark: Mark) -> bool:
        """Whether everything before `mark` is settled."""
        with self._lock:
            if not self._own:
                return True
            first = self._own[0]
            return (first.number, first.acknowledged) >= mark

    def items(self) -> int:
        """Items of this process that are not settled."""
        with self._lock:
            return sum(segment.items for segment in self._own)

    def is_empty(self) -> bool:
        """Whether nothing of this process is in it."""
        return not self._own

    def has_orphans(self) -> bool:
        """Whether there are segments of other processes; they may still be running."""
        with self._lock:
            return any(path not in self._known() for path in self._paths())

    def adopt(self) -> bool:
        """Take over some segments of processes that have ended; whether there were any."""
        with self._lock:
            known = self._known()
            for path in self._paths():
                if len(self._adopted) >= _MAX_ADOPTED:
                    break
                if path not in known:
                    segment = _segment.adopt(path)
                    if segment is not None and segment.is_settled:
                        with contextlib.suppress(OSError):
                            segment.remove()
                    elif segment is not None:
                        self._adopted.append(segment)
            return bool(self._adopted)

    def quarantine(self, body: bytes, reason: str) -> bool:
        """Put a request aside that the receiver will never take, with the reason; whether there was room."""
        folder = self.folder / "quarantine"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            if len(os.listdir(folder)) >= 2 * _MAX_QUARANTINED:  # noqa: PTH208 - a plain count
                return False
            stem = folder / f"{time.time_ns():020d}-{os.getpid()}"
            _write_new(stem.with_suffix(".otlp"), body)
            _write_new(stem.with_suffix(".txt"), f"{reason}\n".encode(errors="replace"))
        except OSError:
            return False
        return True

    def after_fork(self) -> None:
        """Let go, in a child process, of the parent's segments; they stay the parent's."""
        for segment in (*self._own, *self._adopted):
            with contextlib.suppress(OSError):
                segment.close()
        self._reset()

    def close(self) -> None:
        """Leave what is not settled to another process."""
        with self._lock:
            for segment in (*self._own, *self._adopted):
                segment.close()
            self._own.clear()
            self._adopted.clear()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._own: deque[Segment] = deque()
        self._adopted: deque[Segment] = deque()
        self._begun = 0
        self._full_at = 0
        self._synced_ns = 0
        self._is_dirty = False

    def _begin(self, needed: int) -> Segment:
        _make_private(self.folder)
        self._full_at = self._room_of_next()
        self._make_room(max(needed, self._full_at))
        if self._own and self._limits.durability != "process":
            self._own[-1].sync()
        segment = _segment.create(self.folder)
        if self._limits.durability != "process":
            _sync_folder(self.folder)
        self._begun += 1
        segment.number = self._begun
        self._own.append(segment)
        return segment

    def _room_of_next(self) -> int:
        """How much the next segment may hold: twice as much for every eight that wait, a part of the quota at most."""
        least = self._limits.segment_bytes
        return min(least << min(len(self._own) // _DOUBLED_EACH, 8), max(least, self._limits.quota_bytes // 16))

    def _acknowledge(self, segment: Segment, end: int, items: int) -> None:
        with contextlib.suppress(OSError):  # then it may be sent again after a crash, which the store tells by the ids
            segment.acknowledge(end, items)
        if segment.is_settled:
            self._forget(segment, None)

    def _forget(self, segment: Segment, cause: Cause | None) -> None:
        """Delete a segment; what was left in it is lost by `cause`."""
        (self._adopted if segment.is_adopted else self._own).remove(segment)
        if cause is not None:
            with contextlib.suppress(OSError):
                self._on_loss(cause, segment.count())
        with contextlib.suppress(OSError):
            segment.remove()

    def _make_room(self, needed: int) -> None:
        """Drop the oldest segments until a new one fits into the quota.

        Raises:
            OSError: It does not, or hardly anything of the disk is free.
        """
        disk = os.statvfs(self.folder)
        if disk.f_bavail < disk.f_blocks * _LEAST_FREE:
            raise OSError(errno.ENOSPC, f"less than {_LEAST_FREE:.0%} of the disk is free")
        sizes = {path: self._weight(path) for path in self._paths()}
        total = sum(sizes.values()) + needed
        for path, size in sizes.items():
            if total <= self._limits.quota_bytes:
                return
            if self._drop(path):
                total -= size
        if total > self._limits.quota_bytes:
            raise OSError(errno.EDQUOT, "its quota is used up by requests that are under way or of other processes")

    def _drop(self, path: Path) -> bool:
        segment = self._known().get(path)
        if segment is None:
            segment = _segment.adopt(path)
            if segment is None:
                return False
            self._adopted.append(segment)
        if segment.is_held:
            return False
        self._forget(segment, "earlier" if segment.is_adopted else "quota")
        return True

    def _known(self) -> dict[Path, Segment]:
        return {segment.path: segment for segment in (*self._own, *self._adopted)}

    def _paths(self) -> list[Path]:
        """Every segment of the folder, oldest first."""
        try:
            names = os.listdir(self.folder)  # noqa: PTH208 - names sort by age
        except FileNotFoundError:
            return []
        return [self.folder / name for name in sorted(names) if name.endswith(_segment.SUFFIX)]

    def _weight(self, path: Path) -> int:
        try:
            return max(path.stat().st_size, self._limits.segment_bytes // 32)
        except OSError:
            return 0


def folder_for(root: Path, wire: Wire, service: str | None) -> Path:
    """Folder for what is sent by `wire`: another receiver, service, user or credential never gets it.

    What lets a request in is part of the name by its checksum only.
    """
    credentials = (*sorted(wire.headers.items()), wire.client_certificate, wire.client_key)
    identity = repr((wire.url, service or "", os.geteuid(), credentials))
    return root / hashlib.sha256(identity.encode(errors="surrogatepass")).hexdigest()[:24]


def default_root() -> Path:
    """Where the spool is unless set: under the user's state folder.

    Raises:
        OSError: This user has no home.
    """
    state = os.environ.get("XDG_STATE_HOME", "")
    base = state if state.startswith("/") else os.path.expanduser("~/.local/state")  # noqa: PTH111 - never raises
    if not base.startswith("/"):
        raise OSError(errno.ENOENT, "this user has no home folder")
    return Path(base) / "worthwhile" / "spool"


def _make_private(folder: Path) -> None:
    """Make the folder, for this user only.

    Raises:
        OSError: It cannot be made, or others may write to it.
    """
    missing = [folder]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for each in reversed(missing):
        with contextlib.suppress(FileExistsError):
            each.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise OSError(errno.EPERM, f"`{folder}` must be a folder that belongs to this user alone")


def _write_new(path: Path, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
