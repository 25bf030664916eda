"""How long tables keep their rows, as the settings say. On a cluster that is left to whoever runs it."""

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from worthwhile_collectors.store.errors import StoreMissing
from worthwhile_collectors.store.migrate import Change
from worthwhile_schemas.sql import retention_statements

if TYPE_CHECKING:
    from worthwhile_collectors.store.store import Store

_KEPT: Final = re.compile(r"\bTTL .*toIntervalDay\((\d+)\)")
_ALTERED: Final = re.compile(r"ALTER TABLE (\w+) MODIFY TTL .*toIntervalDay\((\d+)\)$")


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that rows are kept.

    Attributes:
        keep_spans_days: Spans and log records as they came.
        keep_calls_days: Calls, attempts, runs of tasks and signals, counted from their arrival.
        keep_rollups_days: Roll-ups by hour and day.
        keep_content_days: What was said to models and by them, counted from its arrival.
    """

    keep_spans_days: int
    keep_calls_days: int
    keep_rollups_days: int
    keep_content_days: int


def keep(store: "Store", retention: Retention, *, dry_run: bool) -> list[Change]:
    """Make the tables keep their rows for so long; see `Store.keep`."""
    say_so, *alterations = retention_statements(asdict(retention))
    kept = _kept(store)
    changes = []
    for statement in alterations:
        found = _ALTERED.match(statement)
        if found is None or kept.get(found[1]) in {None, int(found[2])}:
            continue
        if found[1] == "calls" and not dry_run:
            store.command(say_so)
        if not dry_run:
            store.command(statement)
        changes.append(Change("retention", f"{found[1]} {found[2]} days", "replace"))
    return changes


def _kept(store: "Store") -> dict[str, int]:
    """Days by table, as the database has them."""
    try:
        tables = store.query("SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()")
    except StoreMissing:
        return {}
    found = {str(row["name"]): _KEPT.search(str(row["engine_full"])) for row in tables}
    return {name: int(match[1]) for name, match in found.items() if match}
