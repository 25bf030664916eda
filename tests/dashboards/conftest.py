"""Reports made by hand for the renderers, and a store with three weeks of telemetry for the figures."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.dashboards import samples
from tests.dashboards.telemetry import deliver

from worthwhile_collectors.store import Store
from worthwhile_dashboards.report import Report, build, to_json


@pytest.fixture
def report() -> Report:
    return samples.rich_report()


@pytest.fixture
def empty_report() -> Report:
    return samples.empty_report()


@pytest.fixture(scope="module")
def store(migrated_store: Callable[[], AbstractContextManager[Store]]) -> Iterator[Store]:
    """Embedded store with the three weeks in it; a process can have one such store open."""
    with migrated_store() as opened:
        deliver(opened)
        yield opened


@pytest.fixture(scope="module")
def document(store: Store) -> dict[str, Any]:
    since, until = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)
    return to_json(build(store.query, since, until))
