"""ClickHouse inside this process (chdb): one data folder per process, one process per folder, never across a fork."""

import errno
import fcntl
import hashlib
import os
import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Final

from worthwhile_collectors.errors import DataFolderError, MissingExtra
from worthwhile_collectors.store.engine import Parameters
from worthwhile_collectors.store.errors import StoreBusy, StoreFull, StoreReadOnly, from_clickhouse, quoted_sql
from worthwhile_collectors.store.rows import SESSION

if TYPE_CHECKING:
    from chdb.state.sqlitelike import Connection

CONNECTIONS: Final = 4
"""Statements that may run at the same time: two inserts beside one reader and the settling of roll-ups."""

_OPEN: Final[set[Path]] = set()
"""Folders that this process has open: their lock is its own."""


class EmbeddedEngine:
    """A pool of connections to one data folder.

    Attributes:
        folder: The data folder, made if it is not there.
        dictionary_login: See `Engine.dictionary_login`.
        database: Name of the database in it.
    """

    def __init__(self, folder: Path, database: str, *, max_memory_bytes: int = 0) -> None:
        """Open the folder.

        Args:
            folder: Where ClickHouse keeps its data.
            database: Database to work in; made if it is not there.
            max_memory_bytes: What one statement may allocate; 0 leaves it to ClickHouse.

        Raises:
            StoreBusy: Another process has the folder open.
            StoreReadOnly: The folder takes no writes.
        """
        self.folder = folder
        self.dictionary_login = ""
        self.database = database
        self._process = os.getpid()
        self._session = SESSION | ({"max_memory_usage": str(max_memory_bytes)} if max_memory_bytes else {})
        self._closing = threading.Lock()
        self._pool: queue.LifoQueue[Connection] = queue.LifoQueue()
        _check_writable(folder)
        _check_free(folder)
        first = _connect(folder)
        _OPEN.add(folder.resolve())
        self._pool.put(first)
        self._opened = [first]
        self.create_database()
        self._use(first)
        for _ in range(CONNECTIONS - 1):
            connection = _connect(folder)
            self._use(connection)
            self._opened.append(connection)
            self._pool.put(connection)

    def run(self, sql: str, output_format: str, parameters: Parameters) -> bytes:
        """See `Engine.run`."""
        with self._connection() as connection:
            try:
                result = connection.query(
                    sql, output_format, params={name: _text(value) for name, value in parameters.items()}
                )
            except RuntimeError as err:
                raise from_clickhouse(f"running `{quoted_sql(sql)}`", str(err)) from err
            return bytes(result.bytes()) if result is not None else b""

    def insert(self, table: str, input_format: str, data: bytes, settings: Mapping[str, str]) -> None:
        """See `Engine.insert`.

        The bytes go in as a file, because chdb's streaming insert keeps silent when a materialised view fails.
        """
        listed = ", ".join(f"{name} = {_quoted(value)}" for name, value in self._with_schema_file(settings).items())
        with self._connection() as connection, _as_file(data, self.folder) as path:
            try:
                connection.query(
                    f"INSERT INTO {table} FROM INFILE {_quoted(path)} SETTINGS {listed} FORMAT {input_format}"
                )
            except RuntimeError as err:
                raise from_clickhouse(f"inserting into `{table}`", str(err)) from err

    def _with_schema_file(self, settings: Mapping[str, str]) -> Mapping[str, str]:
        """The settings with the format schema in a file of the data folder.

        A schema that comes as text, as a server takes it, would be kept under the working directory, which is the
        user's and may be read-only.
        """
        if settings.get("format_schema_source") != "string":
            return settings
        text = settings["format_schema"].encode()
        file = self.folder / "format_schemas" / f"{hashlib.sha256(text).hexdigest()[:16]}.proto"
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(text)
        message = settings["format_schema_message_name"]
        given = {name: value for name, value in settings.items() if not name.startswith("format_schema")}
        return given | {"format_schema": f"{file.resolve()}:{message}"}

    def create_database(self, on_cluster: str | None = None) -> None:
        """See `Engine.create_database`."""
        del on_cluster  # `open_store` refuses one
        self.run(f"CREATE DATABASE IF NOT EXISTS {self.database}", "Null", {})

    def close(self) -> None:
        """See `Engine.close`."""
        with self._closing:
            opened, self._opened = self._opened, []
            for connection in opened:
                connection.close()
            _OPEN.discard(self.folder.resolve())

    def _use(self, connection: "Connection") -> None:
        for statement in (
            f"USE {self.database}",
            *(f"SET {name} = '{value}'" for name, value in self._session.items()),
        ):
            connection.query(statement)

    @contextmanager
    def _connection(self) -> "Iterator[Connection]":
        if os.getpid() != self._process:
            raise DataFolderError(
                f"using the data folder `{self.folder}` in a forked process, which the embedded ClickHouse cannot do",
                hint="open the store after forking, in one process only",
            )
        connection = self._pool.get()
        try:
            yield connection
        finally:
            self._pool.put(connection)


@contextmanager
def _as_file(data: bytes, folder: Path) -> Iterator[str]:
    """A file with `data` for as long as the block runs: in memory where the system has such files, else in `folder`."""
    if hasattr(os, "memfd_create"):
        with FileIO(os.memfd_create("worthwhile-insert"), "wb") as file:
            _write_all(file, data)
            yield f"/proc/self/fd/{file.fileno()}"
    else:
        with NamedTemporaryFile(dir=folder, prefix="insert-") as file:
            file.write(data)
            file.flush()
            yield file.name


def _write_all(file: FileIO, data: bytes) -> None:
    """Write all of `data`, which a single write of a raw file need not do."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def _connect(folder: Path) -> "Connection":
    try:
        import chdb
    except ImportError as err:
        raise MissingExtra("the embedded ClickHouse", extra="server", module="chdb") from err
    try:
        connection: Connection = chdb.connect(str(folder))  # type: ignore[no-untyped-call]  # chdb has none
    except RuntimeError as err:
        raise _open_error(folder, str(err)) from err
    return connection


def _check_free(folder: Path) -> None:
    """ClickHouse locks `status` in its folder, and says only on standard error that another process did so."""
    status = folder / "status"
    if folder.resolve() in _OPEN or not status.exists():
        return
    with status.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            raise _busy(folder) from err


def _busy(folder: Path) -> StoreBusy:
    return StoreBusy(
        f"opening the data folder `{folder}`: another process has it open",
        hint="stop that process, give this one another folder with --data, or ask the running one",
    )


def _open_error(folder: Path, said: str) -> Exception:
    if "already initialized" in said:
        return StoreBusy(
            f"opening the data folder `{folder}`: this process has another one open, and can have one only",
            hint="close the other store first, or use one folder",
        )
    if "EmbeddedServer: ." in said:
        return DataFolderError(
            f"opening the data folder `{folder}`: ClickHouse did not start there",
            hint="it says why on standard error, just above",
        )
    return from_clickhouse(f"opening the data folder `{folder}`", said)


def _check_writable(folder: Path) -> None:
    probe = folder / f".write-test-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as err:
        raise _folder_error(folder, err) from err


def _folder_error(folder: Path, err: OSError) -> Exception:
    doing = f"opening the data folder `{folder}`"
    if err.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StoreFull(
            f"{doing}: no room left on the disk", hint="free some disk space, or choose another folder with --data"
        )
    if err.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return StoreReadOnly(
            f"{doing}: it takes no writes ({err.strerror})", hint="choose a writable folder with --data"
        )
    return DataFolderError(f"{doing}: {err.strerror}; expected a folder", hint="choose another folder with --data")


def _text(value: Any) -> str:
    """A parameter's value as ClickHouse reads it: escaped like a field of a tab-separated file."""
    if value is None:
        return "\\N"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_quoted(item) for item in value) + "]"
    return _escaped(str(value))


def _quoted(value: object) -> str:
    escaped = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'" if isinstance(value, str) else str(value)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
