"""Every capture becomes the rows of its table, whichever way its spans arrive. README.md argues the rows."""

from collections import defaultdict
from pathlib import Path

import pytest
from tests.spans.captured import CAPTURES, EXPECTED, insert, rows, spans

from worthwhile_collectors.store import Store
from worthwhile_schemas.dialect_files import FOLDER, load, shipped
from worthwhile_schemas.dialect_sql import calls_view

NAMES = sorted(path.stem for path in CAPTURES.glob("*.jsonl"))
OWN = """
# An emitter of tomorrow.
name = "acme"
rank = 77
extends = "otel_genai"
scopes = ["acme."]

[[calls]]
"acme.kind" = ["model"]

[columns]
request_model = ["acme.request#model.name"]
input_tokens = ["acme.tokens.in"]
ttft_ns = ["acme.first|ms"]
"""


@pytest.mark.parametrize("name", NAMES)
def test_rows_of_a_capture(name: str, store: Store) -> None:
    found = spans(name)
    insert(store, found, f"{name}-at-once")
    assert rows(store, found) == (EXPECTED / f"{name}.tsv").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_rows_do_not_depend_on_what_arrives_first(name: str, store: Store) -> None:
    found = spans(name)
    by_scenario = defaultdict(list)
    for one in found:
        by_scenario[one["scenario"]].append(one)
    longest = max(map(len, by_scenario.values()))
    for turn in range(longest):
        arriving = [one[-1 - turn] for one in by_scenario.values() if turn < len(one)]
        insert(store, arriving, f"{name}-reversed-{turn}")
    assert rows(store, found) == (EXPECTED / f"{name}.tsv").read_text()


def test_a_duplicate_can_be_found_and_what_it_was_folded_into(store: Store) -> None:
    found = spans("otel_genai_official")
    insert(store, found, "duplicates")
    names = {one["span"]: one["scope"] for one in found}
    pairs = store.query("SELECT span_id, duplicate_of_span_id FROM call_duplicates")
    assert {(names[str(row["span_id"])], names[str(row["duplicate_of_span_id"])]) for row in pairs} == {
        ("com.anthropic.sdk.python", "opentelemetry.instrumentation.genai.anthropic")
    }
    assert len(pairs) == 6


def test_every_dialect_of_others_has_a_captured_or_made_span() -> None:
    seen = {line.split("\t")[2] for name in NAMES for line in (EXPECTED / f"{name}.tsv").read_text().splitlines()[1:]}
    assert {one.name for one in shipped().dialects} - {"worthwhile"} <= seen


def test_a_further_dialect_is_one_file(store: Store, tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(OWN)
    attributes = {
        "acme.kind": "model",
        "acme.request": '{"model": {"name": "m-1"}}',
        "acme.tokens.in": 7,
        "acme.first": 1.5,
    }
    found = [{**spans("agento11y")[0], "scope": "acme.sdk", "attributes": attributes}]
    insert(store, found, "before")
    assert store.query("SELECT dialect FROM calls_final") == []
    try:
        store.command(calls_view(load(FOLDER, tmp_path)).partition("\n")[2].rstrip().rstrip(";"))
        insert(store, found, "after")
        (row,) = store.query("SELECT dialect, request_model, input_tokens, ttft_ns FROM calls_final")
        assert row == {"dialect": "acme", "request_model": "m-1", "input_tokens": 7, "ttft_ns": 1_500_000}
    finally:
        store.command(calls_view().partition("\n")[2].rstrip().rstrip(";"))
