"""The SQL files: their order, their statements, and that released migrations stay as they are."""

import re
from importlib.resources import files

from worthwhile_schemas import sql

# A migration gets its line here when it is released; a line never changes afterwards.
RELEASED: dict[str, str] = {}


def test_migrations_are_numbered_without_gaps() -> None:
    assert [script.number for script in sql.migrations()] == list(range(1, len(sql.migrations()) + 1))


def test_released_migrations_are_as_they_were() -> None:
    texts = {f"{script.number:04}_{script.name}": script.sha256 for script in sql.migrations()}
    assert {name: texts.get(name) for name in RELEASED} == RELEASED


def test_statements_are_cut_at_semicolons_that_end_a_line() -> None:
    text = "-- a comment; with one\nSELECT ';' AS x,\n  -- another\n  1;\n\nSELECT 2;\n"
    assert sql.Script("view", 0, "x", text).statements == ("SELECT ';' AS x,\n  1", "SELECT 2")


def test_views_come_in_an_order_in_which_they_can_be_made() -> None:
    """A view reads tables, and views before it."""
    names = [script.name for script in sql.views()]
    assert len(set(names)) == len(names)
    for position, script in enumerate(sql.views()):
        assert script.reads & set(names) <= set(names[:position]), script.name
    assert sql.Script("view", 0, "x", "SELECT 1 FROM a JOIN b ON FROM\n(SELECT 2 FROM c)").reads == {"a", "b", "c"}
    merge = "CREATE OR REPLACE TABLE x AS a\nENGINE = Merge(currentDatabase(), '^(a|b)$')"
    assert sql.Script("view", 0, "x", merge).reads == {"a", "b"}


def test_each_view_file_makes_the_object_of_its_name() -> None:
    for script in sql.views():
        [statement] = script.statements
        kind = "TABLE" if "\nENGINE = Merge(currentDatabase()," in statement else "VIEW"
        assert statement.split(" AS", 1)[0] == f"CREATE OR REPLACE {kind} {script.name}"
    for script in sql.materialized_views():
        start = f"CREATE OR REPLACE MATERIALIZED VIEW {script.name} TO "
        assert len(script.statements) == 1
        assert script.statements[0].startswith(start), script.name


def test_tables_can_be_made_again() -> None:
    for script in sql.migrations():
        for statement in script.statements:
            again = r"CREATE TABLE IF NOT EXISTS |ALTER TABLE \w+ ADD COLUMN IF NOT EXISTS "
            assert re.match(again, statement), statement[:60]


def test_every_target_of_a_view_ignores_a_batch_that_it_has_seen() -> None:
    """Or retries would count twice there, although the batch's own table ignores them."""
    tables = {
        match.group(1): statement
        for script in sql.migrations()
        for statement in script.statements
        if (match := re.match(r"CREATE TABLE IF NOT EXISTS (\w+)", statement))
    }
    for script in sql.materialized_views():
        target = re.search(r" TO (\w+)", script.statements[0])
        assert target is not None
        made = tables[target.group(1)]
        assert "ENGINE = Null" in made or "non_replicated_deduplication_window = 10000" in made, target.group(1)


def test_the_unit_of_account_is_computed_in_one_way() -> None:
    """hash of (workload, key), or the run's id without a key: the same expression wherever it is needed."""
    folder = files("worthwhile_schemas") / "clickhouse" / "materialized"
    shapes = set()
    for file in folder.iterdir():
        text = " ".join(file.read_text("utf-8").split())
        for arguments in re.findall(r"reinterpretAsUInt128\(sipHash128\(([^()]+)\)\)", text):
            names = re.sub(r"SpanAttributes\['worthwhile\.(?:task\.)?(\w+)'\]", r"\1", arguments)
            shapes.add(re.sub(r"_text|task_", "", names))
    assert shapes == {"workload, key"}


def test_the_schema_of_otlp_is_one_line_that_a_setting_can_carry() -> None:
    schema = sql.otlp_schema()
    assert "\n" not in schema
    assert "'" not in schema
    assert "//" not in schema
    assert schema.startswith('syntax = "proto3"; message KeyValue')
