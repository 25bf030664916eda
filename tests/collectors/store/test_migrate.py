"""Bringing a database up to date."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from worthwhile_collectors.store import Store, StoreAltered, StoreNewer, open_store
from worthwhile_schemas import sql


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "data")
    try:
        yield opened
    finally:
        opened.close()


def ledger(store: Store, **row: object) -> None:
    store.insert_rows("schema_migrations", json.dumps(row).encode())


def tables(store: Store) -> set[object]:
    return {row["name"] for row in store.query("SELECT name FROM system.tables WHERE database = currentDatabase()")}


def test_a_dry_run_lists_and_changes_nothing(empty: Store) -> None:
    changes = empty.migrate(dry_run=True)
    scripts = (*sql.migrations(), *sql.dictionaries(), *sql.materialized_views(), *sql.views())
    assert [change.action for change in changes] == ["create"] * len(scripts)
    assert changes[0].name == "0001_otel"
    assert tables(empty) == set()

    assert empty.migrate() == changes
    assert {"calls", "calls_final", "outcomes", "schema_migrations"} <= tables(empty)
    assert empty.migrate(dry_run=True) == []
    assert empty.migrate() == []


def test_a_changed_view_is_replaced_and_a_dropped_one_comes_back(empty: Store) -> None:
    empty.migrate()
    ledger(empty, kind="view", number=0, name="tasks", sha256="0" * 64)
    ledger(empty, kind="materialized", number=0, name="calls_mv", sha256="0" * 64)
    empty.command("DROP VIEW label_lag")
    assert [(change.name, change.action) for change in empty.migrate()] == [
        ("calls_mv", "replace"),
        ("tasks", "replace"),
    ]
    assert "label_lag" in tables(empty)
    assert empty.migrate() == []


def test_a_newer_schema_is_refused(empty: Store) -> None:
    empty.migrate()
    ledger(empty, kind="migration", number=9999, name="from_the_future", sha256="0" * 64)
    for dry_run in (True, False):
        with pytest.raises(StoreNewer, match="migration `9999_from_the_future` was applied") as caught:
            empty.migrate(dry_run=dry_run)
    assert caught.value.hint is not None
    assert "upgrade worthwhile" in caught.value.hint


def test_a_migration_that_was_edited_is_refused(empty: Store) -> None:
    empty.migrate()
    ledger(empty, kind="migration", number=2, name="typed", sha256="0" * 64)
    with pytest.raises(StoreAltered, match="migration `0002_typed`"):
        empty.migrate()


def test_a_migration_that_broke_off_is_finished(empty: Store) -> None:
    first = sql.migrations()[0].statements
    empty.command(first[0])
    assert "otlp_logs_in" not in tables(empty)
    empty.migrate()
    assert "otlp_logs_in" in tables(empty)
