"""A month of made-up calls, runs and outcomes, made inside ClickHouse in chunks of a bounded size (`scale/*.sql`)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from worthwhile_collectors.store import Store
from worthwhile_schemas.sql import Script

SCALE = Path(__file__).resolve().parent.parent / "scale"
CALLS_PER_EIGHT_TASKS = 20
CHUNK_TASKS = 800_000


@dataclass(frozen=True, slots=True)
class Month:
    """What to make: `calls` rounded to whole groups of eight runs, spread over `days` from `start`."""

    calls: int
    days: int = 30
    start: datetime = datetime(2026, 10, 1, tzinfo=UTC)

    @property
    def tasks(self) -> int:
        """Runs of tasks that make that many calls."""
        return self.calls // CALLS_PER_EIGHT_TASKS * 8


def statements(name: str) -> tuple[str, ...]:
    """The statements of `scale/<name>.sql`."""
    return Script("view", 0, name, (SCALE / f"{name}.sql").read_text("utf-8")).statements


def fill(store: Store, month: Month, *tables: str, chunk_tasks: int = CHUNK_TASKS) -> Iterator[tuple[str, int]]:
    """Fill `calls`, `task_runs` and `signals`, or those of them that are named; yields table and runs done so far."""
    [view] = statements("tasks")
    store.command(view)
    inserts = {table: statements(table)[0] for table in tables or ("calls", "task_runs", "signals")}
    for first in range(0, month.tasks, chunk_tasks):
        count = min(chunk_tasks, month.tasks - first)
        chunk = {"first": first, "count": count, "tasks": month.tasks, "days": month.days, "start": month.start}
        for table, insert in inserts.items():
            store.query_bytes(insert, "Null", chunk)
            yield table, first + count
