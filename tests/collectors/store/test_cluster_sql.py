"""What the engine says to the SQL for a cluster. There is no second server, no Keeper and no network here:

* every statement is parsed as it stands, `ON CLUSTER` included;
* every statement but for `ON CLUSTER` is executed, with the Replicated and Distributed engines, against a cluster that
  exists in the configuration only and the in-memory stand-in for Keeper that ClickHouse brings; nothing is inserted;
* the chain of materialised views and the views are run over two shards that are two databases of one engine, with plain
  engines for the replicated ones and `Merge` for Distributed, and compared with one node.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from tests.collectors.exactness.traffic import Traffic, spans_of
from tests.collectors.exactness.truth import PAIRS

from worthwhile_collectors.store import Store, framed
from worthwhile_schemas import sql
from worthwhile_schemas.cluster import Cluster, places_of, rendered, sharding_key

MAIN = Cluster("main")
SHARDS = ("shard_0", "shard_1")
STATEMENTS = [
    pytest.param(statement.replace("{login}", ""), id=f"{script.kind}-{script.name}-{number}")
    for script in rendered(sql.scripts(), MAIN)
    for number, statement in enumerate(script.statements)
]
CONFIGURATION = """
<clickhouse>
  <zookeeper><implementation>testkeeper</implementation></zookeeper>
  <macros><shard>01</shard><replica>r1</replica></macros>
  <remote_servers><main>
    <shard><internal_replication>true</internal_replication><replica><host>127.0.0.1</host><port>9</port></replica></shard>
    <shard><internal_replication>true</internal_replication><replica><host>127.0.0.2</host><port>9</port></replica></shard>
  </main></remote_servers>
</clickhouse>
"""
EXECUTE = """
import json, os, sys
import chdb
connection = chdb.connect(sys.argv[1])
connection.query("CREATE DATABASE worthwhile")
connection.query("USE worthwhile")
failed = []
for statement in json.load(sys.stdin):
    try:
        connection.query(statement)
    except RuntimeError as err:
        failed.append([statement[:80], str(err)[:600]])
columns = '''SELECT table, groupArray((name, type, comment)) FROM
(SELECT * FROM system.columns WHERE database = 'worthwhile' ORDER BY table, position) GROUP BY table'''
print(json.dumps([failed, json.loads(str(connection.query(columns, "JSONCompact")))["data"]]), flush=True)
os._exit(0)  # the replicas of the stand-in never come up, and closing would wait for them
"""


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_engine_parses_it(migrated: Store, statement: str) -> None:
    migrated.query("SELECT formatQuery({statement:String})", {"statement": statement})
    assert b"ON CLUSTER" in migrated.query_bytes("SELECT formatQuery({s:String})", "LineAsString", {"s": statement})
    assert migrated.query_bytes(f"EXPLAIN AST {statement}", "LineAsString")


def test_the_engine_makes_it_with_the_columns_of_one_node(migrated: Store, tmp_path: Path) -> None:
    (tmp_path / "config.xml").write_text(CONFIGURATION)
    statements = [
        statement.replace(" ON CLUSTER 'main'", "").replace("{login}", "")
        for script in rendered(sql.scripts(), MAIN)
        for statement in script.statements
    ]
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, f"{tmp_path}/data?config-file={tmp_path}/config.xml"],
        input=json.dumps(statements),
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.stdout, done.stderr[-2000:]
    failed, made = json.loads(done.stdout.splitlines()[-1])
    assert failed == []
    columns = {table: [tuple(column) for column in listed] for table, listed in made}
    ours = columns_of(migrated)
    places = places_of(sql.scripts())
    for name, listed in ours.items():
        if name != "schema_migrations" and not name.endswith("_mv"):
            assert columns[name] == listed, name
        if places.get(name) == "sharded":
            assert columns[f"{name}_local"] == listed, name


def columns_of(store: Store) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    asked = "SELECT table, name, type, comment FROM system.columns WHERE database = currentDatabase()"
    for row in store.query(f"{asked} ORDER BY table, position"):
        found.setdefault(str(row["table"]), []).append((row["name"], row["type"], row["comment"]))
    return found


def plain(statement: str, names: Iterator[str] | None = None) -> str:
    """A statement of the cluster as one engine can run it: the same tables, views and names, no Keeper, no network."""
    statement = statement.replace(" ON CLUSTER 'main'", "").replace("{login}", "")
    statement = re.sub(r"ENGINE = Replicated(\w+)\('[^']*', '[^']*'(?:, )?", r"ENGINE = \1(", statement)
    statement = re.sub(r"replicated_deduplication_window_seconds = \d+", "", statement)
    statement = re.sub(r",\s*$", "", statement.rstrip())
    statement = statement.replace("replicated_deduplication_window", "non_replicated_deduplication_window")
    return re.sub(
        r"ENGINE = Distributed\('main', '\w+', '(\w+)'.*", r"ENGINE = Merge(REGEXP('^shard_\\d$'), '^\1$')", statement
    )


def shared(statement: str, shard: str) -> str:
    """The statement with the tables that a cluster has on every node alike standing in the first shard only."""
    if shard == SHARDS[0]:
        return statement
    names = "|".join(name for name, place in places_of(sql.scripts()).items() if place == "everywhere")
    if re.match(rf"(CREATE TABLE IF NOT EXISTS|ALTER TABLE) ({names})\b", statement):
        return ""
    statement = re.sub(rf"\bTO ({names})\b", rf"TO {SHARDS[0]}.\1", statement)
    statement = re.sub(rf"\b(FROM|JOIN) ({names})\b(?=\s+AS\b)", rf"\1 {SHARDS[0]}.\2", statement)
    return re.sub(rf"\b(FROM|JOIN) ({names})\b(?!\s+AS\b)", rf"\1 {SHARDS[0]}.\2 AS \2", statement)


@pytest.fixture
def two_shards(migrated: Store) -> Iterator[Store]:
    """Two databases, each with what a node has; `migrated` beside them is the single node."""
    own = str(migrated.query("SELECT currentDatabase() AS name")[0]["name"])
    for shard in SHARDS:
        migrated.command(f"CREATE DATABASE {shard}")
    try:
        for script in rendered(sql.scripts(), MAIN):
            for shard in SHARDS:
                migrated.command(f"USE {shard}")
                for statement in script.statements:
                    if made := shared(plain(statement), shard):
                        migrated.command(made)
        yield migrated
    finally:
        migrated.command(f"USE {own}")
        for shard in SHARDS:
            migrated.command(f"DROP DATABASE {shard}")


def key_of(table: str) -> str:
    statements = [statement for script in sql.migrations() for statement in script.statements]
    return sharding_key(next(each for each in statements if each.startswith(f"CREATE TABLE IF NOT EXISTS {table}\n")))


def filled(store: Store, own: str) -> None:
    """The same requests on the single node and, as their spans and records, on the shards that own them; some twice."""
    bodies: dict[str, list[bytes]] = {"traces": [], "logs": []}
    for kind, body in islice(Traffic(seed=3).requests(), 60):
        bodies[kind].append(body)
    store.insert_protobuf("traces", framed(bodies["traces"]), "cluster-traces")
    store.insert_protobuf("traces", framed(spans_of(bodies["traces"])[::3]), "cluster-again")
    store.insert_protobuf("logs", framed(bodies["logs"]), "cluster-logs")
    for table in ("otel_traces", "otel_logs"):
        for number, shard in enumerate(SHARDS):
            store.command(
                f"INSERT INTO {shard}.{table}_local SELECT * FROM {own}.{table} WHERE {key_of(table)} % 2 = {number} "
                "SETTINGS max_partitions_per_insert_block = 0"
            )


def test_two_shards_say_what_one_node_says(two_shards: Store) -> None:
    store = two_shards
    store.command("USE worthwhile")
    filled(store, "worthwhile")
    one = {pair.name: store.query(pair.view) for pair in PAIRS}
    for shard in SHARDS:
        store.command(f"USE {shard}")
        assert {pair.name: store.query(pair.view) for pair in PAIRS} == one
    assert all(one.values())
    for table in ("calls", "attempts", "task_runs", "signals"):
        for number, shard in enumerate(SHARDS):
            rows = store.query(
                f"SELECT count() AS rows, countIf({key_of(table)} % 2 != {number}) AS astray FROM {shard}.{table}_local"
            )[0]
            assert int(str(rows["rows"])) > 0, f"{shard} has nothing: the test shows nothing"
            assert rows["astray"] == 0, f"`{table}` and the raw table disagree on the shard of a row"
