"""Dialects as data and the SQL that they become. What the SQL does with spans is tested in tests/golden."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from worthwhile_schemas import dialect_sql
from worthwhile_schemas.attributes import ATTRIBUTES, SPAN_TYPE
from worthwhile_schemas.canonical import CANONICAL, CONTENT
from worthwhile_schemas.dialect_files import FOLDER, dialect, load, shipped
from worthwhile_schemas.dialect_sql import calls_view

# Attributes of call spans that have no column: they stay in `attrs`.
TAIL = {
    "gen_ai.request.max_tokens",
    "gen_ai.request.temperature",
    "gen_ai.request.top_p",
    "gen_ai.request.seed",
    "gen_ai.request.frequency_penalty",
    "gen_ai.request.presence_penalty",
    "gen_ai.request.choice.count",
    "gen_ai.output.type",
    "gen_ai.embeddings.dimension.count",
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
    "worthwhile.content.",
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


def test_dialects_have_names_ranks_and_calls() -> None:
    names = [one.name for one in shipped().dialects]
    assert names[:2] == ["worthwhile", "anthropic_sdk_native"]
    assert names[-3:] == ["otel_genai", "otel_openai_v2", "gen_ai"]
    assert set(names[2:-3]) == {
        "agento11y", "openlit", "openinference", "langfuse", "logfire", "pydantic_ai", "mlflow", "litellm", "lmnr",
        "openllmetry", "vercel_ai", "vllm", "langsmith", "sentry", "strands", "google_adk", "agentops", "claude_code",
    }  # fmt: skip
    for one in shipped().dialects:
        assert one.calls, one.name
        assert one.scopes or one.markers or one.span_names, one.name
        assert {"input", "output", "zeros"} <= one.tokens.keys(), one.name
        assert one.about, one.name
        assert one.never or one.name in {"worthwhile", "anthropic_sdk_native", "otel_openai_v2", "gen_ai"}


def test_our_dialect_reads_every_attribute_that_the_sdk_writes() -> None:
    ours = next(one for one in shipped().dialects if one.name == "worthwhile")
    read = {source for sources in ours.columns.values() for source in sources}
    assert read - ATTRIBUTES.keys() == set()
    not_read = {key for key in ATTRIBUTES if not key.startswith(ELSEWHERE)} - read - set(ours.ignored) - set(CONTENT)
    assert not_read == TAIL
    assert ours.calls == ({SPAN_TYPE: ("call",)},)


def test_units_of_our_attributes_fit_their_columns() -> None:
    ours = next(one for one in shipped().dialects if one.name == "worthwhile")
    for column, sources in ours.columns.items():
        expected = UNIT_OF_KIND.get(CANONICAL[column])
        assert expected is None or {ATTRIBUTES[source].unit for source in sources} <= expected, column


def further(folder: Path, **tables: str) -> Path:
    for name, text in tables.items():
        (folder / f"{name}.toml").write_text(text)
    return folder


OWN = """
name = "{name}"
rank = {rank}
extends = "otel_genai"
scopes = ["acme."]

[columns]
{columns}
"""


def test_a_dialect_cannot_fill_an_unknown_column(tmp_path: Path) -> None:
    made = load(FOLDER, further(tmp_path, x=OWN.format(name="x", rank=77, columns='flavour = ["a"]')))
    with pytest.raises(ValueError, match="dialect `x` fills `flavour`, which is no canonical column"):
        calls_view(made)


def test_an_attribute_cannot_fill_two_columns(tmp_path: Path) -> None:
    columns = 'agent = ["acme.both"]\ntenant = ["acme.both"]'
    made = load(FOLDER, further(tmp_path, x=OWN.format(name="x", rank=77, columns=columns)))
    with pytest.raises(ValueError, match=r"attribute `acme\.both` fills `agent` and another column"):
        calls_view(made)


def test_dialects_do_not_share_a_name_or_a_rank(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="dialect `openlit` is there twice"):
        load(FOLDER, further(tmp_path, x=OWN.format(name="openlit", rank=77, columns="")))
    with pytest.raises(ValueError, match=r"dialects `.*` both have rank `22`"):
        load(FOLDER, further(tmp_path, x=OWN.format(name="acme", rank=22, columns="")))


def test_a_dialect_takes_what_it_extends_and_changes_it() -> None:
    parent = {
        "name": "p",
        "rank": 1,
        "calls": [{"kind": ["chat"]}],
        "tokens": {"input": "inclusive", "output": "inclusive"},
        "columns": {"provider": ["a"], "request_model": ["m"]},
        "ignored": ["i"],
    }
    child = {"name": "c", "rank": 2, "extends": "p", "tokens": {"input": "exclusive"}, "columns": {"provider": ["b"]}}
    made = dialect(child, {"p": parent, "c": child})
    assert made.columns == {"provider": ("b",), "request_model": ("m",)}
    assert made.calls == ({"kind": ("chat",)},)
    assert made.tokens["input"] == "exclusive"
    assert made.tokens["output"] == "inclusive"
    assert made.tokens["zeros"] == "unknown"
    assert made.ignored == ("i",)


def test_aliases_lead_to_names_that_are_no_alias() -> None:
    for column, pairs in shipped().aliases.items():
        assert column in CANONICAL
        for target in pairs.values():
            assert pairs.get(target, target) == target, (column, target)


def test_usage_objects_fill_canonical_columns() -> None:
    assert shipped().usage.columns.keys() <= CANONICAL.keys()


def test_text_becomes_a_literal_that_ends_where_it_should() -> None:
    assert dialect_sql._literal("it's \\ here") == "'it\\'s \\\\ here'"
