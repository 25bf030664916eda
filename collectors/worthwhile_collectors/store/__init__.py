"""Where telemetry is kept: `open_store` gives a `Store` over an embedded ClickHouse (a folder) or a server (a URL)."""

from pathlib import Path

from worthwhile_collectors.errors import UsageError
from worthwhile_collectors.store.errors import (
    QueryFailed,
    StoreAltered,
    StoreBusy,
    StoreDenied,
    StoreFull,
    StoreMissing,
    StoreNewer,
    StoreOverloaded,
    StoreReadOnly,
    StoreUnreachable,
)
from worthwhile_collectors.store.frames import Quarantined, bodies, framed
from worthwhile_collectors.store.migrate import Change
from worthwhile_collectors.store.retention import Retention
from worthwhile_collectors.store.rollups import Backlog, backlog, settle, touch_all
from worthwhile_collectors.store.store import Store
from worthwhile_schemas.cluster import Cluster

__all__ = [
    "Backlog",
    "Change",
    "Quarantined",
    "QueryFailed",
    "Retention",
    "Store",
    "StoreAltered",
    "StoreBusy",
    "StoreDenied",
    "StoreFull",
    "StoreMissing",
    "StoreNewer",
    "StoreOverloaded",
    "StoreReadOnly",
    "StoreUnreachable",
    "backlog",
    "bodies",
    "framed",
    "open_store",
    "settle",
    "touch_all",
]


def open_store(target: str | Path, *, max_memory_bytes: int = 0, cluster: Cluster | None = None) -> Store:
    """Open a store; `Store.migrate` makes its tables.

    Args:
        target: `http://` or `https://` URL of a ClickHouse, database as path; anything else is a folder.
        max_memory_bytes: What one statement may allocate in the embedded engine; 0 leaves it to ClickHouse.
        cluster: The cluster that the server at the URL belongs to; None is the one server.

    Raises:
        StoreBusy: Another process has the folder open.
        StoreReadOnly: The folder takes no writes.
        StoreUnreachable: No ClickHouse answers at the URL.
        StoreDenied: User or password are wrong.
        UsageError: A cluster and no URL.
    """
    if str(target).startswith(("http://", "https://")):
        from worthwhile_collectors.store.server import ServerEngine

        return Store(ServerEngine(str(target)), cluster)
    if cluster is not None:
        raise UsageError(
            f"opening the store `{target}` as the cluster `{cluster.name}`: the embedded ClickHouse is one node",
            hint="name a server of the cluster with --clickhouse http://user:password@host:8123/database",
        )
    from worthwhile_collectors.store.embedded import EmbeddedEngine

    return Store(EmbeddedEngine(Path(target), "worthwhile", max_memory_bytes=max_memory_bytes))
