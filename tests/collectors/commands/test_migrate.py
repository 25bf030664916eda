"""`worthwhile migrate` for a cluster: what it prints, what it refuses, and what reaches a server."""

import pytest

from worthwhile_collectors.store import Store
from worthwhile_schemas import sql
from worthwhile_schemas.cluster import Cluster


def test_the_sql_of_a_cluster_is_printed_without_a_database(worthwhile, tmp_path) -> None:
    address = ("--clickhouse", "http://127.0.0.1:9/shop")  # nobody is there
    done = worthwhile("migrate", "--print", "--cluster", "{cluster}", *address)
    assert done.returncode == 0, done.stderr
    statements = done.stdout.split(";\n\n")
    assert statements[:2] == ["CREATE DATABASE IF NOT EXISTS shop ON CLUSTER '{cluster}'", "USE shop"]
    assert "'/clickhouse/tables/{shard}/shop/calls', '{replica}'" in done.stdout
    assert "Distributed('{cluster}', 'shop', 'calls_local'" in done.stdout
    alone = worthwhile("migrate", "--print")
    assert "CLUSTER" not in alone.stdout
    assert "{login}" not in alone.stdout
    assert len(alone.stdout.split(";\n\n")) < len(statements)


def test_a_cluster_needs_a_server(worthwhile, tmp_path) -> None:
    for command in ("migrate", "up"):
        done = worthwhile(command, "--cluster", "main", "--data", str(tmp_path / "data"))
        assert done.returncode == 2
        assert "on the cluster `main`: no server is named" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_name_that_ends_a_string_is_refused(worthwhile) -> None:
    done = worthwhile("migrate", "--print", "--cluster", "a' --")
    assert done.returncode == 2
    assert "found `a' --`" in done.stderr


class Recorder:
    """An engine that notes what it is told, and has applied nothing."""

    dictionary_login = ""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.rows: list[bytes] = []

    def run(self, text: str, output_format: str, parameters: object) -> bytes:
        self.said.append(text)
        if "price_lists" in text and text.startswith("SELECT"):
            return b'["newest","times"]\n["String","UInt64"]\n["2026-11-01",1]\n'  # the list is loaded
        return b"[]\n[]\n" if text.startswith("SELECT") else b""

    def insert(self, table: str, input_format: str, data: bytes, settings: object) -> None:
        self.rows.append(data)

    def create_database(self, on_cluster: str | None = None) -> None:
        self.said.append(f"CREATE DATABASE on {on_cluster}")

    def close(self) -> None:
        pass


@pytest.mark.parametrize("cluster", [Cluster("main", "shop"), None])
def test_every_statement_reaches_the_server_and_the_ledger(cluster: Cluster | None) -> None:
    engine = Recorder()
    changes = Store(engine, cluster).migrate()
    assert len(changes) == len(sql.scripts())
    made = [text for text in engine.said if text.startswith("CREATE ")]
    assert made[0] == f"CREATE DATABASE on {cluster.name if cluster else None}"
    assert all(("ON CLUSTER 'main'" in text) == (cluster is not None) for text in made[1:])
    fingerprints = {script.sha256.encode() for script in sql.scripts()}
    assert all(any(one in row for one in fingerprints) for row in engine.rows), "the ledger holds the files' own texts"
    assert len(engine.rows) >= len(sql.scripts())
