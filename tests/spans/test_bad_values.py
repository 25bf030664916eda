"""Whatever stands in a span, an insert succeeds, the call is stored, and `quality` names what could not be used."""

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.spans.captured import empty, insert, spans

from worthwhile_collectors.store import Store
from worthwhile_schemas.dialect_files import shipped

KEYS = sorted(
    {
        source.partition("|")[0].partition("#")[0]
        for one in shipped().dialects
        for sources in one.columns.values()
        for source in sources
        if not source.startswith("event:")
    }
)
BAD = st.one_of(
    st.text(max_size=40).filter(lambda text: "\0" not in text),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=True, allow_infinity=True),
    st.booleans(),
    st.sampled_from(
        ["-1", "1e400", "nan", "{", "[", '{"a":', "{'a': None}", '{"total": {"total": []}}', "9" * 30, '"', "null"]
    ),
    st.lists(st.text(max_size=5), max_size=3),
)
NAMED = ("worthwhile", "vllm", "claude_code")
"""Dialects whose calls are told by something else than `IS_CALL`."""
SCOPES = [scope for one in shipped().dialects for scope in one.scopes[:1] if one.name not in NAMED]
NUMBER = count()
IS_CALL = {
    "gen_ai.operation.name": "chat",
    "openinference.span.kind": "LLM",
    "langfuse.observation.type": "generation",
    "mlflow.spanType": "LLM",
    "lmnr.span.type": "LLM",
}


def one_span(scope: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {**spans("hand_made")[0], "scope": scope, "attributes": attributes}


SPANS = st.tuples(
    st.sampled_from(SCOPES), st.dictionaries(st.sampled_from(KEYS), BAD, max_size=12), st.integers(0, 2**64 - 1)
)


@given(st.lists(SPANS, min_size=30, max_size=30))
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_value_breaks_an_insert(store: Store, found: list[tuple[str, dict[str, Any], int]]) -> None:
    empty(store)
    arriving = [
        {**one_span(scope, attributes | IS_CALL), "span": f"{number:016x}", "start": start, "end": start}
        for number, (scope, attributes, start) in enumerate(found, 1)
    ]
    insert(store, arriving, f"bad-{next(NUMBER)}")
    assert store.query("SELECT count() AS calls FROM calls FINAL") == [{"calls": 30}]
    assert store.query("SELECT count() > 0 AS some FROM calls_counted") == [{"some": 1}]
    assert store.query("SELECT countIf(cost_usd < 0) AS wrong FROM calls") == [{"wrong": 0}]


@pytest.mark.parametrize(
    ("attributes", "flag"),
    [
        ({"gen_ai.usage.input_tokens": "many"}, "input_tokens"),
        ({"gen_ai.usage.output_tokens": -5}, "output_tokens"),
        ({"gen_ai.usage.cost": float("nan")}, "cost_reported_usd"),
        ({"gen_ai.usage.cost": -1.0}, "cost_reported_usd"),
        ({"gen_ai.response.time_to_first_chunk": "soon"}, "ttft_ns"),
        ({"http.response.status_code": 99999999}, "http_status"),
        ({"acme.notes": "x" * 10_000_000}, "attrs"),
    ],
)
def test_what_could_not_be_used_is_named(attributes: dict[str, Any], flag: str, store: Store) -> None:
    insert(store, [one_span("my.framework", {"gen_ai.operation.name": "chat"} | attributes)], f"named-{flag}")
    (row,) = store.query("SELECT quality, usage_basis, cost_usd FROM calls_final")
    assert row == {"quality": [flag], "usage_basis": "missing", "cost_usd": None}


def test_json_that_is_none_is_named(store: Store) -> None:
    attributes = IS_CALL | {
        "metadata.usage_object": "{'prompt_tokens': 10, 'note': 'it's'}",
        "gen_ai.usage.output_tokens": 3,
    }
    insert(store, [one_span("litellm", attributes)], "json")
    (row,) = store.query("SELECT quality, output_tokens FROM calls_final")
    assert row == {"quality": ["metadata.usage_object"], "output_tokens": 3}


@pytest.mark.parametrize("start", [0, 1, 7_258_118_400_000_000_000, 2**64 - 1])
def test_a_moment_that_cannot_be_is_stored_as_unknown(start: int, store: Store) -> None:
    insert(
        store, [{**one_span("my.framework", {"gen_ai.operation.name": "chat"}), "start": start, "end": start}], "when"
    )
    (row,) = store.query("SELECT quality, toUnixTimestamp(ts) AS second FROM calls_final")
    assert row == {"quality": ["ts"], "second": 0}
