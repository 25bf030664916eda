"""What holds for every test: no telemetry variable of the shell leaks in, Ctrl-C works, a store is migrated once."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from worthwhile_collectors.store import Store

OURS = ("OTEL_", "WORTHWHILE_", "ANTHROPIC_", "OPENAI_")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it puts into the background with Ctrl-C ignored, and every child inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


LENGTHY = ("collectors/store", "collectors", "spans", "examples", "golden", "wire_clickhouse", "dashboards")
"""Folders of which the modules come first, so that the workers of a run have short ones left to share at its end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folders = [Path(__file__).parent / name for name in LENGTHY]

    def place(item: pytest.Item) -> int:
        return next((place for place, folder in enumerate(folders) if folder in item.path.parents), len(folders))

    items.sort(key=place)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def migrated_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with every migration applied, made once for all workers of a run. To be copied, never opened."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    made, unfinished = shared / "migrated", shared / "migrating"
    with (shared / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            command = [sys.executable, "-m", "worthwhile_collectors.cli", "migrate", "--data", str(unfinished)]
            clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
            done = subprocess.run(command, env=clean, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            unfinished.rename(made)
    return made


@pytest.fixture(scope="session")
def migrated_copy(migrated_data: Path) -> Callable[[Path], Path]:
    """Makes a data folder with every migration applied: a quarter of a second, where migrating takes three."""
    return lambda folder: Path(shutil.copytree(migrated_data, folder, symlinks=True))


@pytest.fixture(scope="session")
def migrated_store(
    migrated_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> "Callable[[], AbstractContextManager[Store]]":
    """Opens an embedded store with every migration applied, of the caller's own; a process can have one at a time."""
    from worthwhile_collectors.store import open_store

    @contextmanager
    def opened() -> "Iterator[Store]":
        folder = tmp_path_factory.mktemp("store") / "data"
        shutil.copytree(migrated_data / "clickhouse", folder, symlinks=True)
        store = open_store(folder)
        try:
            yield store
        finally:
            store.close()

    return opened
