"""The store over HTTP, with the real clickhouse-connect, against server.py: chdb behind a ClickHouse-shaped interface.

No ClickHouse server takes part.
"""

import socket
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from tests.collectors.store.otlp import calls

from worthwhile_collectors.errors import UsageError
from worthwhile_collectors.store import (
    QueryFailed,
    Store,
    StoreDenied,
    StoreMissing,
    StoreUnreachable,
    framed,
    open_store,
)

PASSWORD = "open sesame"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`127.0.0.1:port` of a server. It works in its data folder: the engine keeps format schemas where it works."""
    folder = tmp_path_factory.mktemp("server")
    arguments = [sys.executable, str(Path(__file__).with_name("server.py")), str(folder), PASSWORD]
    process = subprocess.Popen(arguments, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield f"127.0.0.1:{process.stdout.readline().strip()}"
    process.communicate(timeout=60)


@pytest.fixture(scope="module")
def store(address: str) -> Iterator[Store]:
    opened = open_store(f"http://default:open%20sesame@{address}/shop")
    opened.migrate()
    yield opened
    opened.close()


def test_migrate_makes_the_database_of_the_url_and_is_done_once(address: str, store: Store) -> None:
    assert store.migrate() == []
    assert store.query(
        "SELECT currentDatabase() AS name, count() > 20 AS many FROM system.tables WHERE database = 'shop'"
    ) == [{"name": "shop", "many": 1}]
    other = open_store(f"http://default:open%20sesame@{address}")
    try:
        with pytest.raises(StoreMissing):
            other.query("SELECT * FROM calls")
        assert other.migrate(dry_run=True)[0].action == "create"
    finally:
        other.close()


def test_otlp_bytes_become_rows_once_and_poison_is_returned(store: Store) -> None:
    poison = b"\xff" * 40
    usage = {
        "gen_ai__usage__input_tokens": 100,
        "worthwhile__cost__amount": 0.000123456789,
        "worthwhile__task__key": "K",
    }
    batch = framed([calls(1, 2, **usage), poison, calls(3, worthwhile__workload="w", worthwhile__task__key="it's")])
    for _ in range(2):
        assert [refused.body for refused in store.insert_protobuf("traces", batch, "one")] == [poison]
    sql = "SELECT count() AS n, sum(input_tokens) AS input, sum(cost_usd) AS cost FROM calls_final"
    assert store.query(sql) == [{"n": 3, "input": 200, "cost": Decimal("0.000246913578")}]
    assert store.query("SELECT count() AS n FROM calls") == [{"n": 3}]
    assert store.query("SELECT workload FROM calls WHERE task_key = {key:String}", {"key": "it's"}) == [
        {"workload": "w"}
    ]
    assert store.query_bytes("SELECT 1 AS one", "JSONEachRow") == b'{"one":1}\n'


def test_a_wrong_statement_names_the_address(address: str, store: Store) -> None:
    with pytest.raises(QueryFailed, match=f"running `SELECT nothing` at `http://{address}`"):
        store.query("SELECT nothing")


def test_a_wrong_password_is_denied_and_not_shown(address: str) -> None:
    with pytest.raises(StoreDenied) as caught:
        open_store(f"http://default:hunter2@{address}/shop")
    assert "check user and password" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_nobody_at_the_address_is_unreachable() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    with pytest.raises(StoreUnreachable, match=f"no ClickHouse answers at `http://127.0.0.1:{port}`"):
        open_store(f"http://127.0.0.1:{port}")


def test_a_url_needs_a_host() -> None:
    with pytest.raises(UsageError, match="no host in the URL"):
        open_store("http:///shop")
