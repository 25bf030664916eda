"""Where telemetry is kept: `open_store` gives a `Store` over an embedded ClickHouse (a folder) or a server (a URL)."""

from pathlib import Path

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
from worthwhile_collectors.store.settle import Backlog, backlog, settle, touch_all
from worthwhile_collectors.store.store import Store

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


def open_store(target: str | Path, *, max_memory_bytes: int = 0) -> Store:
    """Open a store; `Store.migrate` makes its tables.

    Args:
        target: `http://` or `https://` URL of a ClickHouse, database as path; anything else is a folder.
        max_memory_bytes: What one statement may allocate in the embedded engine; 0 leaves it to ClickHouse.

    Raises:
        StoreBusy: Another process has the folder open.
        StoreReadOnly: The folder takes no writes.
        StoreUnreachable: No ClickHouse answers at the URL.
        StoreDenied: User or password are wrong.
    """
    if str(target).startswith(("http://", "https://")):
        from worthwhile_collectors.store.server import ServerEngine

        return Store(ServerEngine(str(target)))
    from worthwhile_collectors.store.embedded import EmbeddedEngine

    return Store(EmbeddedEngine(Path(target), "worthwhile", max_memory_bytes=max_memory_bytes))
