"""What reads and fills tables: an open store, or a running collector that has it open."""

from collections.abc import Mapping
from typing import Protocol


class Tables(Protocol):
    """The part of a store that commands work with. Parameters are text, numbers, booleans or lists of these."""

    def query(self, sql: str, params: Mapping[str, object] | None = None) -> list[dict[str, object]]:
        """Rows of a SELECT, as `Store.query` gives them."""

    def execute(self, sql: str, params: Mapping[str, object]) -> None:
        """Run one statement that returns nothing."""

    def insert_rows(self, table: str, data: bytes, *, token: str = "") -> None:
        """Insert JSON objects, one a line; the same under the same token again changes nothing."""
