"""Reports made by hand for the renderers, and a store with three weeks of telemetry for the figures."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.dashboards import samples
from tests.dashboards.telemetry import deliver

from worthwhile_collectors.store import Store, open_store
from worthwhile_dashboards.report import Report, build, to_json


@pytest.fixture
def report() -> Report:
    return samples.rich_report()


@pytest.fixture
def empty_report() -> Report:
    return samples.empty_report()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Embedded store with the three weeks in it; a process can have one such store open."""
    opened = open_store(tmp_path_factory.mktemp("report") / "data")
    try:
        opened.migrate()
        deliver(opened)
        yield opened
    finally:
        opened.close()


@pytest.fixture(scope="module")
def document(store: Store) -> dict[str, Any]:
    since, until = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)
    return to_json(build(store.query, since, until))
