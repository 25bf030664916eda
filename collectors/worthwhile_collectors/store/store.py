"""The store: where telemetry goes and what reports read, the same over an embedded and a served ClickHouse."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import chain, repeat

from worthwhile_collectors.store.engine import Engine
from worthwhile_collectors.store.errors import QueryFailed
from worthwhile_collectors.store.frames import PARALLEL_INSERTS, Quarantined, bodies, framed, insert_bisecting, parts
from worthwhile_collectors.store.migrate import Change, migrate
from worthwhile_collectors.store.retention import Retention, keep
from worthwhile_collectors.store.rows import ROW_FORMAT, rows
from worthwhile_collectors.store.settle_tasks import QUIET_S, SettledTasks, settle_tasks
from worthwhile_schemas.cluster import Cluster
from worthwhile_schemas.sql import LANDING, Signal, insert_settings


class Store:
    """A database of worthwhile. Safe to use from several threads; close it once, use it no more afterwards."""

    def __init__(self, engine: Engine, cluster: Cluster | None = None) -> None:
        self._engine = engine
        self._settling = threading.Lock()
        self._cluster = cluster

    @property
    def dictionary_login(self) -> str:
        """What a dictionary must say to read a table of its own database; see `Engine.dictionary_login`."""
        return self._engine.dictionary_login

    def query(self, sql: str, params: Mapping[str, object] | None = None) -> list[dict[str, object]]:
        """Rows of a SELECT.

        Args:
            sql: The statement, without FORMAT; parameters as `{name:Type}`.
            params: Values of the parameters; aware datetimes are given to ClickHouse in UTC.

        Returns:
            One dict a row: Decimal columns as `Decimal`, times as aware `datetime`, NULL as None.

        Raises:
            StoreError: ClickHouse refused or could not be reached.
        """
        return rows(self._engine.run(sql, ROW_FORMAT, _parameters(params)))

    def query_bytes(self, sql: str, output_format: str, params: Mapping[str, object] | None = None) -> bytes:
        """The result of a SELECT in a ClickHouse format, such as `JSON` or `PrettyCompact`."""
        return self._engine.run(sql, output_format, _parameters(params))

    def command(self, sql: str) -> None:
        """Run one statement that returns nothing."""
        self._engine.run(sql, "Null", {})

    def insert_protobuf(
        self, kind: Signal, frames: bytes, token: str, *, is_suspect: bool = False
    ) -> tuple[Quarantined, ...]:
        """Insert length-prefixed OTLP requests; ClickHouse parses them.

        Args:
            kind: Which OTLP signal the requests carry.
            frames: Requests, each behind its length as a varint (`frames.framed`).
            token: Names the batch: the same batch under the same token again changes nothing, views included.
            is_suspect: Whether an error of unknown fault (`codes.fault`) is taken for the batch's.

        Returns:
            The requests that ClickHouse cannot read; everything else is inserted.

        Raises:
            StoreError: Nothing can be inserted now; the same call may be repeated later.
        """
        batches = parts(frames)
        if len(batches) == 1:
            return self._insert_part(kind, frames, token, is_suspect) if frames else ()
        with ThreadPoolExecutor(PARALLEL_INSERTS, thread_name_prefix="worthwhile-insert") as pool:
            tokens = (f"{token}/part{number}" for number in range(len(batches)))
            quarantined = list(pool.map(self._insert_part, repeat(kind), batches, tokens, repeat(is_suspect)))
        return tuple(chain.from_iterable(quarantined))

    def _insert_part(self, kind: Signal, frames: bytes, token: str, is_suspect: bool) -> tuple[Quarantined, ...]:
        def is_poison(err: QueryFailed) -> bool:
            return err.fault == "data" or (is_suspect and err.fault == "unknown")

        def insert(batch: bytes, name: str) -> None:
            self._engine.insert(LANDING[kind][0], "Protobuf", batch, insert_settings(kind, name))

        try:
            insert(frames, token)
        except QueryFailed as err:
            if not is_poison(err):
                raise
            # An empty request that fails as well tells that the database is at fault, not the batch.
            insert(framed([b""]), f"{token}/empty")
            return insert_bisecting(insert, bodies(frames), token, err, is_poison)
        return ()

    def execute(self, sql: str, params: Mapping[str, object]) -> None:
        """Run one statement with parameters that returns nothing."""
        self._engine.run(sql, "Null", _parameters(params))

    def insert_rows(self, table: str, data: bytes, *, input_format: str = "JSONEachRow", token: str = "") -> None:
        """Insert rows in a ClickHouse format, as another collector would."""
        settings = {"async_insert": "0", "optimize_on_insert": "0"} | (
            {"insert_deduplication_token": token} if token else {}
        )
        self._engine.insert(table, input_format, data, settings)

    def migrate(self, *, dry_run: bool = False) -> list[Change]:
        """Create or update tables and views, on all nodes where the store is a cluster.

        Args:
            dry_run: Only say what would be done.

        Returns:
            What was done, or would be, in order. Empty when the schema is up to date.

        Raises:
            StoreNewer: The schema was made by a newer worthwhile.
            StoreAltered: A migration was applied with another text.
        """
        return migrate(self, dry_run=dry_run, cluster=self._cluster)

    def keep(self, retention: Retention, *, dry_run: bool = False) -> list[Change]:
        """Make the tables keep their rows for so long.

        Args:
            retention: Days by kind of table.
            dry_run: Only say what would be done.

        Returns:
            The tables that kept them for another time before.
        """
        return keep(self, retention, dry_run=dry_run)

    def settle_tasks(self, *, quiet_s: float = QUIET_S) -> SettledTasks:
        """Compute the tasks that were touched since the last time; see `settle_tasks`. One thread at a time.

        Args:
            quiet_s: For how long nothing of theirs must have come in to be done with; 0 when nothing else inserts.
        """
        with self._settling:
            return settle_tasks(self, datetime.now(UTC), quiet_s=quiet_s)

    def create_database(self) -> None:
        """Create the database if it is not there; `migrate` does this."""
        self._engine.create_database(self._cluster.name if self._cluster else None)

    def close(self) -> None:
        """Let go of connections and of the data folder. May be called twice."""
        self._engine.close()


def _parameters(params: Mapping[str, object] | None) -> dict[str, object]:
    return {name: _utc_text(value) if isinstance(value, datetime) else value for name, value in (params or {}).items()}


def _utc_text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
