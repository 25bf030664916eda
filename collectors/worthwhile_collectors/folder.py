"""The data folder: what lies where in it, who has it open, and how to reach the collector that has.

collector.lock    held (flock) by the one process that has the folder open
collector.json    the running collector's addresses; there while it accepts requests
clickhouse/       the embedded database
spool/            acknowledged requests that are not in the database yet
quarantine/       requests that the database refused, each with the reason
"""

import contextlib
import errno
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from worthwhile_collectors.errors import DataFolderBusyError, DataFolderError

MIN_FREE_BYTES: Final = 64 << 20
_SOCKET_PATH_BYTES: Final = 100  # the kernel takes 104 to 108, depending on the system


@dataclass(frozen=True, slots=True)
class Announcement:
    """How to reach a running collector.

    Attributes:
        pid: Its process id.
        url: Where it takes OTLP and serves the page.
        control: Path of its control socket, which only the owner of the folder may open.
        version: Version of its code.
        started_ns: When it began to accept requests.
    """

    pid: int
    url: str
    control: str
    version: str
    started_ns: int


class DataFolder:
    """The places in a data folder. Making an instance touches nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.clickhouse = self.path / "clickhouse"
        self.spool = self.path / "spool"
        self.quarantine = self.path / "quarantine"
        self._lock = self.path / "collector.lock"
        self._announcement = self.path / "collector.json"

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Makes the folder if needed and holds it for this process alone.

        Raises:
            DataFolderBusyError: Another process holds it.
            DataFolderError: It cannot be written to, or its disk is full.
        """
        doing = f"opening the data folder `{self.path}`"
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            fd = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as err:
            raise _unusable(doing, err) from err
        try:
            self._take(fd, doing)
            self._check_room(doing)
            self._announcement.unlink(missing_ok=True)
            yield
        finally:
            os.close(fd)

    def announce(self, announcement: Announcement) -> None:
        """Tells other processes how to reach this collector."""
        unfinished = self._announcement.with_suffix(".tmp")
        unfinished.write_text(json.dumps(asdict(announcement)), "utf-8")
        unfinished.rename(self._announcement)

    def withdraw(self) -> None:
        """Takes the announcement back."""
        self._announcement.unlink(missing_ok=True)

    def announcement(self) -> Announcement | None:
        """How to reach the collector that has the folder open; None if none has, or it is still starting."""
        if not self.is_open():
            return None
        try:
            return Announcement(**json.loads(self._announcement.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def is_open(self) -> bool:
        """Whether a process holds the folder now."""
        try:
            fd = os.open(self._lock, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(fd)

    @contextlib.contextmanager
    def control_path(self) -> Iterator[Path]:
        """A place for the control socket: in the folder, or in a private one when the path is too long for a socket."""
        path = self.path / "control.sock"
        shelter = None
        if len(os.fsencode(path)) > _SOCKET_PATH_BYTES:
            shelter = Path(tempfile.mkdtemp(prefix="worthwhile-"))
            path = shelter / "control.sock"
        try:
            path.unlink(missing_ok=True)
            yield path
        finally:
            path.unlink(missing_ok=True)
            if shelter is not None:
                shelter.rmdir()

    def free_bytes(self) -> int:
        """Free space on the folder's disk."""
        return shutil.disk_usage(self.path).free

    def _take(self, fd: int, doing: str) -> None:
        try:
            _lock_exclusively(fd)
        except BlockingIOError as err:
            holder = os.pread(fd, 64, 0).decode("ascii", "replace").strip() or "unknown"
            raise DataFolderBusyError(
                f"{doing}: the process `{holder}` has it open, expected to be the only one",
                hint="stop that process, or choose another folder with --data",
            ) from err
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode("ascii"), 0)

    def _check_room(self, doing: str) -> None:
        free = self.free_bytes()
        if free < MIN_FREE_BYTES:
            raise DataFolderError(
                f"{doing}: `{free}` bytes are free on its disk, expected at least {MIN_FREE_BYTES}",
                hint="make room, or choose a folder on another disk with --data",
                code="disk_full",
            )


def _lock_exclusively(fd: int) -> None:
    """Takes the lock; tries again for a moment, because `is_open` of another process takes it to look."""
    for _ in range(5):
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(0.02)
    return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _unusable(doing: str, err: OSError) -> DataFolderError:
    if err.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return DataFolderError(
            f"{doing}: {err.strerror}, expected a folder that may be written to",
            hint="choose another folder with --data, or change the permissions",
            code="read_only",
        )
    if err.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DataFolderError(
            f"{doing}: {err.strerror}",
            hint="make room, or choose a folder on another disk with --data",
            code="disk_full",
        )
    return DataFolderError(f"{doing}: {err.strerror}, expected a folder", hint="choose another folder with --data")
