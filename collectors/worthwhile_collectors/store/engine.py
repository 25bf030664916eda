"""The seam between the store and a ClickHouse, embedded or served."""

from collections.abc import Mapping
from typing import Protocol

Parameters = Mapping[str, object]


class Engine(Protocol):
    """Runs statements. Safe to use from several threads at once; `close` may be called twice, nothing after it."""

    @property
    def dictionary_login(self) -> str:
        """User and password as a dictionary's source has them, with a blank behind; empty where none are needed."""
        ...

    def run(self, sql: str, output_format: str, parameters: Parameters) -> bytes:
        """Run one statement and return its result in a ClickHouse format.

        Args:
            sql: The statement, without FORMAT; parameters as `{name:Type}`.
            output_format: Name of a ClickHouse format.
            parameters: Values by name; text, numbers, None, or lists of these.

        Raises:
            StoreError: ClickHouse refused or could not be reached.
        """
        ...

    def insert(self, table: str, input_format: str, data: bytes, settings: Mapping[str, str]) -> None:
        """Insert bytes in a ClickHouse format.

        Raises:
            StoreError: ClickHouse refused or could not be reached.
        """
        ...

    def create_database(self, on_cluster: str | None = None) -> None:
        """Create the database that this engine works in, if it is not there; with a name, on all nodes of a cluster."""
        ...

    def close(self) -> None:
        """Let go of connections and locks."""
        ...
