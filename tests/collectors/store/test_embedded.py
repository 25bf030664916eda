"""The embedded ClickHouse: what it does when the folder cannot be used, and with several threads and processes."""

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.collectors.store.otlp import calls

from worthwhile_collectors.errors import DataFolderError, WorthwhileError
from worthwhile_collectors.store import Store, StoreBusy, StoreFull, StoreReadOnly, embedded, framed, open_store
from worthwhile_collectors.store.errors import StoreOverloaded, from_clickhouse

HOLD = """
import sys
from worthwhile_collectors.store import open_store
store = open_store(sys.argv[1])
print("open", flush=True)
input()
store.close()
"""
FORK = """
import os, sys
from worthwhile_collectors.store import open_store
store = open_store(sys.argv[1])
if os.fork() == 0:
    try:
        store.query("SELECT 1")
    except Exception as err:
        print(type(err).__name__, str(err).splitlines()[0], flush=True)
    os._exit(0)
os.wait()
"""


def python(code: str, folder: Path) -> "subprocess.Popen[str]":
    pipe = subprocess.PIPE
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONWARNINGS": "ignore"}
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=pipe, stdout=pipe, text=True, env=environment
    )


def test_a_folder_that_another_process_has_open_is_busy(tmp_path: Path) -> None:
    holder = python(HOLD, tmp_path / "data")
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreBusy, match="another process has it open") as caught:
            open_store(tmp_path / "data")
    finally:
        holder.communicate("done\n", timeout=60)
    assert caught.value.hint is not None
    open_store(tmp_path / "data").close()


def test_a_second_folder_in_one_process_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreBusy, match="this process has another one open"):
        open_store(tmp_path / "other")
    assert store.query("SELECT 1 AS one") == [{"one": 1}]


def test_a_forked_process_is_told(tmp_path: Path) -> None:
    answer, _ = python(FORK, tmp_path / "data").communicate(timeout=60)
    assert answer.startswith("DataFolderError using the data folder")


def test_a_folder_that_takes_no_writes_is_read_only(tmp_path: Path) -> None:
    folder = Path("/sys") if os.geteuid() == 0 else tmp_path
    folder.chmod(0o555)
    with pytest.raises(StoreReadOnly, match="takes no writes") as caught:
        open_store(folder / "data")
    assert caught.value.hint == "choose a writable folder with --data"


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(DataFolderError, match="expected a folder"):
        open_store(tmp_path / "data")


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (embedded._folder_error(Path("data"), OSError(errno.ENOSPC, "No space left on device")), StoreFull),
        (embedded._folder_error(Path("data"), OSError(errno.EROFS, "Read-only file system")), StoreReadOnly),
        (
            from_clickhouse("inserting", "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space"),
            StoreFull,
        ),
        (from_clickhouse("inserting", "std::exception ... No space left on device"), StoreFull),
        (from_clickhouse("inserting", "Code: 241. DB::Exception: Memory limit exceeded"), StoreOverloaded),
        (
            from_clickhouse("inserting", "Code: 164. DB::Exception: Cannot execute query in readonly mode"),
            StoreReadOnly,
        ),
    ],
)
def test_causes_have_their_own_errors(made: WorthwhileError, kind: type[WorthwhileError]) -> None:
    assert type(made) is kind
    assert made.hint is not None


def test_threads_insert_and_read_at_the_same_time(store: Store) -> None:
    failures: list[Exception] = []

    def work(thread: int) -> None:
        try:
            for number in range(4):
                store.insert_protobuf("traces", framed([calls(thread * 10 + number)]), f"thread-{thread}-{number}")
                store.query("SELECT count() AS n FROM calls_final")
        except Exception as err:
            failures.append(err)

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.query("SELECT count() AS n FROM calls_final") == [{"n": 16}]


def test_a_store_closes_twice_and_opens_again(migrated: Store, tmp_path: Path) -> None:
    migrated.close()
    migrated.close()
    for _ in range(2):
        again = open_store(tmp_path / "again")
        assert again.query("SELECT currentDatabase() AS name") == [{"name": "worthwhile"}]
        again.close()
