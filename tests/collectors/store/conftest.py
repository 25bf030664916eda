"""An embedded store of each test module's own: a process can have one data folder open at a time."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from worthwhile_collectors.store import Store

TABLES = (
    "otel_traces",
    "otel_logs",
    "otel_traces_trace_id_ts",
    "calls",
    "attempts",
    "task_runs",
    "signals",
    "touched_hours",
    "settle_plan",
    "settled",
    "calls_1m",
    "calls_1h",
    "calls_1d",
    "touched_tasks",
    "task_links",
    "task_facts",
    "waiting_signals",
    "cost_per_success_days",
    "task_settlings",
)


@pytest.fixture(scope="module")
def migrated(migrated_store: Callable[[], AbstractContextManager[Store]]) -> Iterator[Store]:
    with migrated_store() as opened:
        yield opened


@pytest.fixture
def store(migrated: Store) -> Store:
    """The module's store, with empty tables."""
    for table in TABLES:
        migrated.command(f"TRUNCATE TABLE {table}")
    return migrated
