"""One migrated store for all tests of spans; each begins with empty tables."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from tests.spans.captured import empty

from worthwhile_collectors.store import Store


@pytest.fixture(scope="module")
def module_store(migrated_store: Callable[[], AbstractContextManager[Store]]) -> Iterator[Store]:
    with migrated_store() as opened:
        yield opened


@pytest.fixture
def store(module_store: Store) -> Store:
    empty(module_store)
    return module_store
