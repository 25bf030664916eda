"""Every capture becomes the rows of its table, whichever way its spans arrive. README.md argues the rows."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from tests.spans.captured import CAPTURES, EXPECTED, earlier, empty, insert, rows, spans

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


@pytest.fixture(scope="module")
def captures() -> dict[str, list[dict[str, Any]]]:
    """The spans of every capture, each a day before the one before it, so that all can be in one store.

    Langfuse's stay where they are, which is on two days: one of their attributes is a moment.
    """
    in_order = sorted(NAMES, key=lambda name: not name.startswith("langfuse"))
    return {
        name: earlier(spans(name), 0 if name.startswith("langfuse") else days) for days, name in enumerate(in_order)
    }


@pytest.fixture(scope="module")
def at_once(module_store: Store, captures: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The calls of all captures, which came in one insert."""
    empty(module_store)
    insert(module_store, [one for found in captures.values() for one in found], "at-once")
    return module_store.query("SELECT * FROM calls_final")


@pytest.fixture(scope="module")
def last_first(module_store: Store, captures: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The calls of all captures; of each scenario the last span came first, every other in an insert of its own."""
    empty(module_store)
    by_scenario = defaultdict(list)
    for name, found in captures.items():
        for one in found:
            by_scenario[name, one["scenario"]].append(one)
    for turn in range(max(map(len, by_scenario.values()))):
        arriving = [one[-1 - turn] for one in by_scenario.values() if turn < len(one)]
        insert(module_store, arriving, f"reversed-{turn}")
    return module_store.query("SELECT * FROM calls_final")


@pytest.mark.parametrize("name", NAMES)
def test_rows_of_a_capture(name: str, at_once: list[dict[str, Any]], captures: dict[str, list[dict[str, Any]]]) -> None:
    assert rows(at_once, captures[name]) == (EXPECTED / f"{name}.tsv").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_rows_do_not_depend_on_what_arrives_first(
    name: str, last_first: list[dict[str, Any]], captures: dict[str, list[dict[str, Any]]]
) -> None:
    assert rows(last_first, captures[name]) == (EXPECTED / f"{name}.tsv").read_text()


def test_a_call_of_no_capture_is_not_there(
    at_once: list[dict[str, Any]], last_first: list[dict[str, Any]], captures: dict[str, list[dict[str, Any]]]
) -> None:
    spans_of = [(one["trace"], one["span"]) for found in captures.values() for one in found]
    assert len(set(spans_of)) == len(spans_of), "two captures share a span"
    for stored in (at_once, last_first):
        assert {(row["trace_id"], row["span_id"]) for row in stored} <= set(spans_of)


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
