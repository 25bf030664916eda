"""A ClickHouse server or cluster, over HTTP with clickhouse-connect."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from worthwhile_collectors.errors import MissingExtra, StoreError, UsageError
from worthwhile_collectors.store.engine import Parameters
from worthwhile_collectors.store.errors import StoreUnreachable, from_clickhouse, quoted_sql
from worthwhile_collectors.store.rows import SESSION

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

CONNECT_TIMEOUT_S: Final = 5
ANSWER_TIMEOUT_S: Final = 300


class ServerEngine:
    """One ClickHouse address and database.

    Attributes:
        address: The URL without user and password, for messages.
        database: Name of the database there; made by `create_database`.
        dictionary_login: See `Engine.dictionary_login`.
    """

    def __init__(self, url: str) -> None:
        """Connect.

        Args:
            url: `http[s]://[user[:password]@]host[:port][/database]`; ports 8123 and 8443, database `worthwhile`.

        Raises:
            StoreUnreachable: Nothing answers there, or something that is no ClickHouse.
            StoreDenied: User or password are wrong.
        """
        parts = urlsplit(url)
        if not parts.hostname:
            raise UsageError(
                f"opening the store `{url}`: no host in the URL", hint="http://user:password@host:8123/worthwhile"
            )
        is_secure = parts.scheme == "https"
        port = parts.port or (8443 if is_secure else 8123)
        self.address = f"{parts.scheme}://{parts.hostname}:{port}"
        self.database = unquote(parts.path.strip("/")) or "worthwhile"
        self.dictionary_login = _login(unquote(parts.username or ""), unquote(parts.password or ""))
        self._client = self._connected(
            host=parts.hostname,
            port=port,
            secure=is_secure,
            username=unquote(parts.username or "default"),
            password=unquote(parts.password or ""),
        )
        self._client.database = self.database

    def run(self, sql: str, output_format: str, parameters: Parameters) -> bytes:
        """See `Engine.run`."""
        try:
            if output_format == "Null":
                self._client.command(sql, parameters=dict(parameters))
                return b""
            return self._client.raw_query(sql, parameters=dict(parameters), fmt=output_format)
        except Exception as err:
            raise self._error(f"running `{quoted_sql(sql)}`", err) from err

    def insert(self, table: str, input_format: str, data: bytes, settings: Mapping[str, str]) -> None:
        """See `Engine.insert`."""
        try:
            self._client.raw_insert(table, insert_block=data, settings=dict(settings), fmt=input_format)
        except Exception as err:
            raise self._error(f"inserting into `{table}`", err) from err

    def create_database(self, on_cluster: str | None = None) -> None:
        """See `Engine.create_database`."""
        on = f" ON CLUSTER '{on_cluster}'" if on_cluster else ""
        try:
            self._client.command(f"CREATE DATABASE IF NOT EXISTS `{self.database}`{on}", use_database=False)
        except Exception as err:
            raise self._error(f"creating the database `{self.database}`", err) from err

    def close(self) -> None:
        """See `Engine.close`."""
        self._client.close()

    def _connected(self, **arguments: Any) -> "Client":
        try:
            import clickhouse_connect
        except ImportError as err:
            raise MissingExtra("a ClickHouse server", extra="clickhouse", module="clickhouse_connect") from err
        try:
            return clickhouse_connect.get_client(
                connect_timeout=CONNECT_TIMEOUT_S,
                send_receive_timeout=ANSWER_TIMEOUT_S,
                autogenerate_session_id=False,
                settings=SESSION,
                **arguments,
            )
        except Exception as err:
            raise self._error("opening the store", err) from err

    def _error(self, doing: str, err: Exception) -> StoreError:
        """Map an error of clickhouse-connect, or raise it again when it is none."""
        from clickhouse_connect.driver.exceptions import ClickHouseError

        if not isinstance(err, ClickHouseError):
            raise err
        said = str(err)
        if getattr(err, "code", None) is None and "Code:" not in said:
            return StoreUnreachable(
                f"{doing}: no ClickHouse answers at `{self.address}` ({' '.join(said.split())[:300]})",
                hint="check host, port and scheme (HTTP interface: 8123, HTTPS: 8443), and that the server runs",
            )
        return from_clickhouse(f"{doing} at `{self.address}`", said)


def _login(user: str, password: str) -> str:
    quoted = (text.replace("\\", "\\\\").replace("'", "\\'") for text in (user, password))
    return "USER '{}' PASSWORD '{}' ".format(*quoted) if user or password else ""
