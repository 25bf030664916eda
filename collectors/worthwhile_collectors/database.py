"""How a command reaches the data: through the collector that has the folder open, or by opening it itself."""

import contextlib
import http.client
import json
import socket
import time
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from worthwhile_collectors import answers
from worthwhile_collectors.answers import WAITING_HEADER, ReportRequest, request_to_json
from worthwhile_collectors.errors import (
    CollectorUnreachableError,
    DataFolderBusyError,
    DataFolderError,
    WorthwhileError,
)
from worthwhile_collectors.folder import Announcement, DataFolder
from worthwhile_collectors.frames import delimited
from worthwhile_collectors.pipeline import Pipeline
from worthwhile_collectors.quarantine import Quarantine
from worthwhile_collectors.settings import Settings
from worthwhile_collectors.spool import Kind, Spool, SpoolLimits
from worthwhile_collectors.store import Retention, Store, open_store, settle, touch_all
from worthwhile_collectors.store.rows import ROW_FORMAT, rows
from worthwhile_collectors.terminal import say

START_SECONDS: Final = 15.0
ANSWER_SECONDS: Final = 600.0
LEFT_OVER_SECONDS: Final = 600.0
SETTLE_SECONDS: Final = 86_400.0


class Database(Protocol):
    """What commands ask. Not for use after the `with` block of `open_database`."""

    def query_bytes(self, sql: str, output_format: str, params: dict[str, object]) -> bytes:
        """Rows in a ClickHouse format."""

    def report(self, request: ReportRequest) -> str:
        """A report."""

    def insert(self, kind: Kind, token: str, bodies: Sequence[bytes]) -> list[str]:
        """Stores requests; the same token again changes nothing. Returns the reasons of those that were refused."""

    def migrate(self, *, dry_run: bool) -> list[dict[str, str]]:
        """Changes of the schema, made or only listed: kind, name, action."""

    def settle(self, *, everything: bool) -> int:
        """Settles the roll-ups of hours that were written to, or of all; how many hours that were."""

    def query(self, sql: str, params: Mapping[str, object] | None = None) -> list[dict[str, object]]:
        """See `Tables.query`."""

    def execute(self, sql: str, params: Mapping[str, object]) -> None:
        """See `Tables.execute`."""

    def insert_rows(self, table: str, data: bytes, *, token: str = "") -> None:
        """See `Tables.insert_rows`."""


@contextlib.contextmanager
def open_database(settings: Settings, *, may_create: bool = False, may_migrate: bool = True) -> Iterator[Database]:
    """The data that the settings name, wherever it is now.

    Args:
        settings: Where the data is.
        may_create: Whether to make the data folder when there is none.
        may_migrate: Whether to bring the schema of a data folder up to date on opening it. A server's is left alone.

    Raises:
        WorthwhileError: There is no data, or it cannot be opened.
    """
    cluster = settings.served()
    if settings.clickhouse is not None:
        with contextlib.closing(open_store(settings.clickhouse, cluster=cluster)) as store:
            yield _Opened(store, settings.retention())
        return
    folder = DataFolder(settings.data)
    if not may_create and not folder.path.is_dir():
        raise DataFolderError(
            f"opening the data folder `{settings.data}`: there is none",
            hint="`worthwhile up` makes it and fills it; --data or WORTHWHILE_DATA names another one",
            code="no_data",
        )
    with contextlib.ExitStack() as stack:
        announcement = _announced_or_taken(folder, stack)
        if announcement is not None:
            yield _Running(announcement)
            return
        store = stack.enter_context(contextlib.closing(open_store(folder.clickhouse)))
        if may_migrate:
            store.migrate()
            _store_what_is_left(folder, settings, store)
        yield _Opened(store, settings.retention())


def running_collector(folder: DataFolder) -> Announcement | None:
    """The collector that has a folder open, waited for while it starts; None if the folder is free.

    Raises:
        DataFolderBusyError: A process that is no collector has it open, for longer than a start takes.
    """
    deadline = time.perf_counter() + START_SECONDS
    while folder.is_open():
        announcement = folder.announcement()
        if announcement is not None:
            return announcement
        if time.perf_counter() > deadline:
            raise DataFolderBusyError(
                f"opening the data folder `{folder.path}`: a process has it open and answers nothing",
                hint="wait for that command to end, or stop it",
            )
        time.sleep(0.05)
    return None


def _announced_or_taken(folder: DataFolder, stack: contextlib.ExitStack) -> Announcement | None:
    """The collector that has a folder open; or None, and this process has it open until the stack ends."""
    deadline = time.perf_counter() + START_SECONDS
    while True:
        announcement = running_collector(folder)
        if announcement is not None:
            return announcement
        try:
            stack.enter_context(folder.opened())
        except DataFolderBusyError:  # another command was quicker
            if time.perf_counter() > deadline:
                raise
        else:
            return None


def ask(control: str, path: str, body: bytes, *, timeout_seconds: float = ANSWER_SECONDS) -> bytes:
    """Asks a running collector through its control socket.

    Raises:
        CollectorUnreachableError: It does not answer.
        WorthwhileError: What went wrong while it answered.
    """
    connection = _UnixConnection(control, timeout_seconds)
    try:
        connection.request("POST", path, body, {"Host": "localhost"})
        response = connection.getresponse()
        answer = response.read()
    except (OSError, http.client.HTTPException) as err:
        raise CollectorUnreachableError(
            f"asking the running collector at `{control}`: {err}", hint="is it still up? Try again, or restart it"
        ) from err
    finally:
        connection.close()
    waiting = response.headers.get(WAITING_HEADER)
    if waiting is not None:
        say(f"warning: {waiting} acknowledged bytes are not in the database yet; the answer is without them")
    if response.status == 422:
        raise _retold(json.loads(answer))
    if response.status != 200:
        raise CollectorUnreachableError(
            f"asking the running collector at `{control}`: it answered `{response.status}`, expected 200",
            hint="does it run the same version of worthwhile? `worthwhile doctor` tells",
        )
    return answer


def _store_what_is_left(folder: DataFolder, settings: Settings, store: Store) -> None:
    """Stores what a collector acknowledged and had no time to store."""
    spool = Spool(folder.spool, SpoolLimits(settings.spool_quota, settings.segment_bytes, settings.durability))
    if spool.sealed():
        pipeline = Pipeline(spool, store, Quarantine(folder.quarantine))
        pipeline.start()
        pipeline.stop(LEFT_OVER_SECONDS)


class _Opened:
    """A store that this process has open."""

    def __init__(self, store: Store, retention: Retention) -> None:
        self._store = store
        self._retention = retention

    def query_bytes(self, sql: str, output_format: str, params: dict[str, object]) -> bytes:
        return self._store.query_bytes(sql, output_format, params)

    def report(self, request: ReportRequest) -> str:
        answers.settle(self._store)
        return answers.report(self._store.query, request)

    def insert(self, kind: Kind, token: str, bodies: Sequence[bytes]) -> list[str]:
        return [
            refused.reason for refused in self._store.insert_protobuf(kind, _payloads(bodies), token, is_suspect=True)
        ]

    def migrate(self, *, dry_run: bool) -> list[dict[str, str]]:
        changes = self._store.migrate(dry_run=dry_run) + self._store.keep(self._retention, dry_run=dry_run)
        return [{"kind": change.kind, "name": change.name, "action": change.action} for change in changes]

    def settle(self, *, everything: bool) -> int:
        if everything:
            touch_all(self._store)
        hours = settle(self._store)
        self._store.settle_tasks()
        return hours

    def query(self, sql: str, params: Mapping[str, object] | None = None) -> list[dict[str, object]]:
        return self._store.query(sql, params)

    def execute(self, sql: str, params: Mapping[str, object]) -> None:
        self._store.execute(sql, params)

    def insert_rows(self, table: str, data: bytes, *, token: str = "") -> None:
        self._store.insert_rows(table, data, token=token)


class _Running:
    """A store that a running collector has open."""

    def __init__(self, announcement: Announcement) -> None:
        self._control = announcement.control

    def query_bytes(self, sql: str, output_format: str, params: dict[str, object]) -> bytes:
        asked = {"sql": sql, "output_format": output_format, "params": params}
        return ask(self._control, "/query", json.dumps(asked).encode("utf-8"))

    def report(self, request: ReportRequest) -> str:
        return ask(self._control, "/report", request_to_json(request).encode("utf-8")).decode("utf-8")

    def insert(self, kind: Kind, token: str, bodies: Sequence[bytes]) -> list[str]:
        query = urllib.parse.urlencode({"kind": kind, "token": token})
        return [str(reason) for reason in json.loads(ask(self._control, f"/insert?{query}", _payloads(bodies)))]

    def migrate(self, *, dry_run: bool) -> list[dict[str, str]]:
        return list(json.loads(ask(self._control, "/migrate", json.dumps({"dry_run": dry_run}).encode("utf-8"))))

    def settle(self, *, everything: bool) -> int:
        asked = json.dumps({"everything": everything}).encode("utf-8")
        return int(json.loads(ask(self._control, "/settle", asked, timeout_seconds=SETTLE_SECONDS))["hours"])

    def query(self, sql: str, params: Mapping[str, object] | None = None) -> list[dict[str, object]]:
        return rows(self.query_bytes(sql, ROW_FORMAT, dict(params or {})))

    def execute(self, sql: str, params: Mapping[str, object]) -> None:
        self.query_bytes(sql, "Null", dict(params))

    def insert_rows(self, table: str, data: bytes, *, token: str = "") -> None:
        query = urllib.parse.urlencode({"table": table, "token": token})
        ask(self._control, f"/rows?{query}", data)


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path: str, timeout_seconds: float) -> None:
        super().__init__("localhost", timeout=timeout_seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _payloads(bodies: Iterable[bytes]) -> bytes:
    return b"".join(part for body in bodies for part in delimited(body))


def _retold(told: dict[str, Any]) -> WorthwhileError:
    error = WorthwhileError(told["message"], hint=told["hint"], code=told["code"])
    error.exit_status = told["exit_status"]
    return error
