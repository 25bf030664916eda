"""One migrated store for all tests of spans; each begins with empty tables."""

from collections.abc import Iterator

import pytest
from tests.spans.captured import empty

from worthwhile_collectors.store import Store, open_store


@pytest.fixture(scope="module")
def module_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = open_store(tmp_path_factory.mktemp("spans") / "data")
    try:
        opened.migrate()
        yield opened
    finally:
        opened.close()


@pytest.fixture
def store(module_store: Store) -> Store:
    empty(module_store)
    return module_store
