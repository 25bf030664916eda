"""An embedded store with the shipped price list."""

from collections.abc import Iterator

import pytest

from worthwhile_collectors.store import Store, open_store


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = open_store(tmp_path_factory.mktemp("store") / "data")
    try:
        opened.migrate()
        yield opened
    finally:
        opened.close()


@pytest.fixture
def store(migrated: Store) -> Store:
    """The module's store without calls, contracts and rates."""
    for table in ("calls", "price_overrides", "fx_rates", "price_revisions"):
        migrated.command(f"TRUNCATE TABLE {table}")
    return migrated
