"""The store on a cluster: every statement rendered, and the rows of a task, with all their versions, on one shard."""

import re

import pytest

from worthwhile_schemas import sql
from worthwhile_schemas.cluster import Cluster, rendered

SCRIPTS = sql.scripts()
MAIN = Cluster("main", "shop")


def made(text: str, *before: str) -> tuple[str, ...]:
    """What the last of these statements becomes."""
    scripts = [sql.Script("migration", number, "x", each) for number, each in enumerate((*before, text))]
    return rendered(scripts, MAIN)[-1].statements


TABLE = """CREATE TABLE IF NOT EXISTS facts
(
  {}
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY day
ORDER BY (a, b)"""


def test_every_script_is_rendered_under_its_own_fingerprint() -> None:
    made_scripts = rendered(SCRIPTS, MAIN)
    assert [(s.kind, s.number, s.name, s.sha256) for s in made_scripts] == [
        (s.kind, s.number, s.name, s.sha256) for s in SCRIPTS
    ]
    for script in made_scripts:
        for statement in script.statements:
            assert " ON CLUSTER 'main'" in statement.split("\n", 1)[0] or statement.startswith("INSERT"), statement[:90]


def test_no_table_stays_unreplicated() -> None:
    texts = "\n".join(statement for script in rendered(SCRIPTS, MAIN) for statement in script.statements)
    engines = set(re.findall(r"\bENGINE = (\w+)", texts))
    assert engines <= {"Null", "Distributed", "Merge"} | {e for e in engines if e.startswith("Replicated")}
    views = {script.name for script in SCRIPTS if script.kind == "view"}
    merged = re.findall(r"\bENGINE = Merge\(currentDatabase\(\), '\^\(([\w|]+)\)\$'\)", texts)
    assert len(merged) == texts.count("ENGINE = Merge(")
    assert {name for names in merged for name in names.split("|")} <= views, "reads tables of its own node"
    assert "non_replicated" not in texts
    assert texts.count("ENGINE = Replicated") >= 7


def test_a_table_of_days_is_sharded_and_keeps_its_name() -> None:
    local, distributed = made(TABLE.format("task_ref UInt128,\n  a String,\n  b String"))
    assert local.startswith("CREATE TABLE IF NOT EXISTS facts_local ON CLUSTER 'main'\n(")
    assert (
        "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/shop/facts', '{replica}', version)" in local
    )
    assert distributed == (
        "CREATE TABLE IF NOT EXISTS facts ON CLUSTER 'main' AS facts_local\n"
        "ENGINE = Distributed('main', 'shop', 'facts_local', sipHash64(toString(task_ref)))"
    )


def test_a_table_without_days_is_on_every_node() -> None:
    (one,) = made("CREATE TABLE IF NOT EXISTS rates\n(\n  a String\n)\nENGINE = ReplacingMergeTree(v)\nORDER BY a")
    assert "CREATE TABLE IF NOT EXISTS rates ON CLUSTER 'main'" in one
    assert "ReplicatedReplacingMergeTree('/clickhouse/tables/all/shop/rates', '{shard}-{replica}', v)" in one


def test_a_copied_table_copies_what_is_on_the_shard() -> None:
    base = TABLE.format("task_ref UInt128")
    local, _ = made("CREATE TABLE IF NOT EXISTS more AS facts\nENGINE = MergeTree\nPARTITION BY day\nORDER BY a", base)
    assert local.startswith("CREATE TABLE IF NOT EXISTS more_local ON CLUSTER 'main' AS facts_local")
    (null,) = made("CREATE TABLE IF NOT EXISTS facts_in AS facts\nENGINE = Null", base)
    assert null.startswith("CREATE TABLE IF NOT EXISTS facts_in ON CLUSTER 'main' AS facts_local")


def test_views_fire_where_the_row_is() -> None:
    """From outside through the Distributed table, once; behind it everything stays on its shard, Null tables too."""
    chain = (
        "CREATE TABLE IF NOT EXISTS entry\n(\n  a String\n)\nENGINE = Null",
        TABLE.format("task_ref UInt128"),
        "CREATE TABLE IF NOT EXISTS inner_in AS facts\nENGINE = Null",
        TABLE.format("task_ref UInt128").replace("facts", "priced"),
        "CREATE OR REPLACE MATERIALIZED VIEW m1 TO facts AS\nSELECT a FROM entry",
        "CREATE OR REPLACE MATERIALIZED VIEW m2 TO inner_in AS\nSELECT facts.a FROM facts JOIN rates ON 1",
    )
    (last,) = made("CREATE OR REPLACE MATERIALIZED VIEW m3 TO priced AS\nSELECT a FROM inner_in", *chain)
    assert last == "CREATE OR REPLACE MATERIALIZED VIEW m3 ON CLUSTER 'main' TO priced_local AS\nSELECT a FROM inner_in"
    (second,) = made(chain[-1], *chain[:-1])
    assert second.startswith("CREATE OR REPLACE MATERIALIZED VIEW m2 ON CLUSTER 'main' TO inner_in AS\n")
    assert second.endswith("SELECT facts.a FROM facts_local AS facts JOIN rates ON 1")
    assert made(chain[-2], *chain[:-2])[0].endswith("m1 ON CLUSTER 'main' TO facts AS\nSELECT a FROM entry")


def test_a_new_column_reaches_both_tables() -> None:
    change = "ALTER TABLE facts ADD COLUMN c UInt8 CODEC(Delta(8), ZSTD(1)) COMMENT 'x'"
    assert made(change, TABLE.format("task_ref UInt128")) == (
        "ALTER TABLE facts_local ON CLUSTER 'main' ADD COLUMN c UInt8 CODEC(Delta(8), ZSTD(1)) COMMENT 'x'",
        "ALTER TABLE facts ON CLUSTER 'main' ADD COLUMN c UInt8 COMMENT 'x'",
    )
    assert len(made("ALTER TABLE facts MODIFY TTL day + INTERVAL 1 DAY", TABLE.format("task_ref UInt128"))) == 1


def test_what_has_no_form_on_a_cluster_is_refused() -> None:
    for text in ("GRANT SELECT ON x TO y", "CREATE TABLE IF NOT EXISTS x\n(\n  a String\n)\nENGINE = Log"):
        with pytest.raises(ValueError, match="rendering `"):
            made(text)
    with pytest.raises(ValueError, match="naming a cluster: found `a'b`"):
        Cluster("a'b")
