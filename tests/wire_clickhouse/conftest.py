"""`server.py` in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

SERVER = Path(__file__).with_name("server.py")


@dataclass(frozen=True)
class Fault:
    """An error of the engine that inserts with `marker` in them meet, so many times."""

    code: int
    name: str
    marker: str = ""
    left: int = 1_000_000


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, and the folder that it works in."""

    address: str
    folder: Path

    @contextmanager
    def failing(self, *faults: Fault) -> Iterator[None]:
        """Inserts fail with the first of the faults that they meet."""
        file = self.folder / "faults.json"
        file.write_text(json.dumps([asdict(fault) for fault in faults]))
        try:
            yield
        finally:
            file.unlink()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without a password. It works in its folder: the engine keeps format schemas where it works."""
    folder = tmp_path_factory.mktemp("server")
    arguments = [sys.executable, str(SERVER), str(folder)]
    process = subprocess.Popen(arguments, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield Server(f"127.0.0.1:{process.stdout.readline().strip()}", folder)
    process.communicate(timeout=60)
