"""Keeps what the database refused, each piece with the reason, so that one bad request never blocks the good ones."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from worthwhile_collectors.spool import Kind

QUOTA_BYTES: Final = 256 << 20
_NOTE_SUFFIX: Final = ".json"


@dataclass(frozen=True, slots=True)
class Piece:
    """One refused piece: `what` is "request" (an OTLP request that can be replayed) or "bytes" (a damaged part)."""

    kind: Kind
    token: str
    what: str
    reason: str
    path: str
    size_bytes: int
    ts_ns: int


class Quarantine:
    """A folder of refused pieces, bounded: what comes after the quota is counted and dropped.

    Attributes:
        kept: Pieces kept since this process started.
        dropped: Pieces dropped since this process started.
    """

    def __init__(self, folder: Path, *, quota_bytes: int = QUOTA_BYTES) -> None:
        self._folder = folder
        self._quota_bytes = quota_bytes
        self.kept = 0
        self.dropped = 0

    def keep(self, piece: bytes | memoryview, *, kind: Kind, token: str, what: str, reason: str) -> None:
        """Keeps one piece. The same piece kept twice, as after a crash, is one piece."""
        number = 0
        while (path := self._folder / f"{kind}-{token}-{number}.pb").exists() and path.read_bytes() != piece:
            number += 1
        if not path.exists() and self.size_bytes() + len(piece) > self._quota_bytes:
            self.dropped += 1
            return
        note = {"kind": kind, "token": token, "what": what, "reason": reason, "ts_ns": time.time_ns()}
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_bytes(piece)
            path.with_suffix(_NOTE_SUFFIX).write_text(json.dumps(note), "utf-8")
        except OSError:
            self.dropped += 1
        else:
            self.kept += 1

    def pieces(self) -> Iterator[Piece]:
        """Everything in the folder, oldest name first, whichever process kept it."""
        for note in sorted(self._folder.glob(f"*{_NOTE_SUFFIX}")):
            path = note.with_suffix(".pb")
            if path.exists():
                yield Piece(**json.loads(note.read_text("utf-8")), path=str(path), size_bytes=path.stat().st_size)

    def size_bytes(self) -> int:
        """What the pieces take on disk."""
        return sum(path.stat().st_size for path in self._folder.glob("*.pb"))
