"""An embedded store with the shipped price list, and a running collector with one, for commands."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from worthwhile_collectors.database import Database, open_database
from worthwhile_collectors.settings import Settings
from worthwhile_collectors.store import Store
from worthwhile_schemas.prices import overrides


@pytest.fixture(scope="module")
def migrated(migrated_store: Callable[[], AbstractContextManager[Store]]) -> Iterator[Store]:
    with migrated_store() as opened:
        yield opened


@pytest.fixture
def store(migrated: Store) -> Store:
    """The module's store without calls, contracts and rates."""
    for table in ("calls", "price_overrides", "fx_rates", "price_revisions"):
        migrated.command(f"TRUNCATE TABLE {table}")
    return migrated


@pytest.fixture(scope="session")
def priced_data(start_shared_collectors: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of a running collector of these tests' own."""
    data = tmp_path_factory.mktemp("priced") / "data"
    start_shared_collectors(data, "--segment-seconds", "0.2")
    return data


@pytest.fixture
def database(priced_data: Path) -> Iterator[Database]:
    """What is behind that collector, without calls."""
    with open_database(Settings(data=priced_data)) as opened:
        for table in ("calls", "price_revisions", "touched_hours"):
            opened.execute(f"TRUNCATE TABLE {table}", {})
        yield opened


@pytest.fixture
def prices(worthwhile: Callable[..., Any], priced_data: Path) -> Callable[..., Any]:
    """`worthwhile prices` there: status, stdout, stderr."""
    return lambda *words: worthwhile("prices", *words, "--data", str(priced_data))


@pytest.fixture
def contract(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file of contract prices named `acme`."""

    def write(*rows: dict[str, Any], rates: list[dict[str, str]] | None = None) -> Path:
        path = tmp_path / "contract.json"
        path.write_text(json.dumps({"schema": overrides.SCHEMA, "name": "acme", "prices": rows, "rates": rates or []}))
        return path

    return write
