"""Dialects as data and the SQL that they become. What the SQL does with spans is tested in tests/golden."""

import re
from importlib.resources import files

import pytest

from worthwhile_schemas import dialect_sql
from worthwhile_schemas.attributes import ATTRIBUTES, SPAN_TYPE
from worthwhile_schemas.dialect_sql import CANONICAL, aliases, calls_view, dialects

# Attributes of call spans that have no column: they stay in `attrs`.
TAIL = {
    "gen_ai.request.max_tokens",
    "gen_ai.request.temperature",
    "gen_ai.request.top_p",
    "gen_ai.request.seed",
    "gen_ai.request.frequency_penalty",
    "gen_ai.request.presence_penalty",
    "gen_ai.request.choice.count",
    "gen_ai.request.reasoning.level",
    "gen_ai.output.type",
    "gen_ai.embeddings.dimension.count",
    "openai.request.service_tier",
    "openai.api.type",
    "server.port",
    "worthwhile.cache.miss",
    "worthwhile.route.locality_basis",
}
# Attributes that are on no call span: other views and readers take them.
ELSEWHERE = (
    "worthwhile.signal.",
    "gen_ai.evaluation.",
    "worthwhile.attempt.",
    "worthwhile.task.status",
    "worthwhile.sdk.",
)
UNIT_OF_KIND = {
    "count": {"{token}", "1", ""},
    "status": {""},
    "usd": {"USD"},
    "usd_part": {"USD"},
    "joules": {"J"},
    "seconds": {"s"},
    "weight": {"1"},
}


def test_the_committed_view_is_what_the_dialects_become() -> None:
    committed = files("worthwhile_schemas") / "clickhouse" / "materialized" / "30_calls_mv.sql"
    assert committed.read_text("utf-8") == calls_view(), "make gen"


def test_every_word_of_the_normaliser_is_filled() -> None:
    assert re.findall(r"\{\w+\}", calls_view()) == []


def test_dialects_have_names_and_ranks_of_their_own() -> None:
    assert [d.name for d in dialects()] == [
        "worthwhile",
        "anthropic_sdk_native",
        "otel_genai",
        "otel_openai_v2",
        "gen_ai",
    ]
    assert len({d.rank for d in dialects()}) == len(dialects())
    for dialect in dialects():
        assert dialect.calls, dialect.name
        assert dialect.scopes or dialect.markers, dialect.name
        assert dialect.tokens.keys() == {"input", "output", "zeros"}, dialect.name


def test_our_dialect_reads_every_attribute_that_the_sdk_writes() -> None:
    ours = next(d for d in dialects() if d.name == "worthwhile")
    read = {source for sources in ours.columns.values() for source in sources}
    assert read - ATTRIBUTES.keys() == set()
    not_read = {key for key in ATTRIBUTES if not key.startswith(ELSEWHERE)} - read - set(ours.ignored)
    assert not_read == TAIL
    assert ours.calls == {SPAN_TYPE: ("call",)}


def test_units_of_our_attributes_fit_their_columns() -> None:
    ours = next(d for d in dialects() if d.name == "worthwhile")
    for column, sources in ours.columns.items():
        expected = UNIT_OF_KIND.get(CANONICAL[column])
        assert expected is None or {ATTRIBUTES[source].unit for source in sources} <= expected, column


def test_a_dialect_cannot_fill_an_unknown_column() -> None:
    with pytest.raises(ValueError, match="dialect `x` fills `flavour`, which is no canonical column"):
        dialect_sql._dialect({"name": "x", "rank": 1, "columns": {"flavour": ["a"]}}, {})


def test_a_dialect_takes_what_it_extends_and_changes_it() -> None:
    parent = {
        "name": "p",
        "rank": 1,
        "calls": {"kind": ["chat"]},
        "tokens": {"input": "inclusive", "output": "inclusive"},
        "columns": {"provider": ["a"], "request_model": ["m"]},
        "ignored": ["i"],
    }
    child = {"name": "c", "rank": 2, "extends": "p", "tokens": {"input": "exclusive"}, "columns": {"provider": ["b"]}}
    made = dialect_sql._dialect(child, {"p": parent, "c": child})
    assert made.columns == {"provider": ("b",), "request_model": ("m",)}
    assert made.calls == {"kind": ("chat",)}
    assert made.tokens == {"input": "exclusive", "output": "inclusive", "zeros": "unknown"}
    assert made.ignored == ("i",)


def test_aliases_lead_to_names_that_are_no_alias() -> None:
    for column, pairs in aliases().items():
        assert column in CANONICAL
        for target in pairs.values():
            assert pairs.get(target, target) == target, (column, target)


def test_text_becomes_a_literal_that_ends_where_it_should() -> None:
    assert dialect_sql._literal("it's \\ here") == "'it\\'s \\\\ here'"
