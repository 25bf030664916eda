"""One real call seen by several spans is one row, and two real calls stay two. Rules: docs/decisions/0007."""

from typing import Any

import pytest
from tests.spans.captured import SECOND, empty, insert

from worthwhile_collectors.store import Store

HOUR = 1_795_219_200_000_000_000
CALL = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-5-mini"}
USAGE = {"gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 300}
OPENAI, OPENLIT, LITELLM = "opentelemetry.instrumentation.genai.openai", "openlit.instrumentation.openai", "litellm"

TRACES_OF_A_CASE = 16


def span(
    number: int, scope: str, start_s: float, end_s: float, *, parent: int = 0, trace: int = 1, **attributes: object
) -> dict[str, Any]:
    """A call span, unless `attributes` say otherwise; names are spelled with `__` for a dot."""
    given = {key.replace("__", "."): value for key, value in attributes.items()}
    return {
        "scope": scope,
        "name": "chat gpt-5-mini",
        "trace": f"{trace:032x}",
        "span": f"{number:016x}",
        "parent": f"{parent:016x}" if parent else "",
        "start": HOUR + int(start_s * SECOND),
        "end": HOUR + int(end_s * SECOND),
        "status": "OK",
        "attributes": CALL | USAGE | given,
        "events": [],
    }


def other(number: int, start_s: float, end_s: float, parent: int, **attributes: object) -> dict[str, Any]:
    """A span that is no call."""
    given = {key.replace("__", "."): value for key, value in attributes.items()}
    return span(number, "opentelemetry.instrumentation.httpx", start_s, end_s, parent=parent) | {"attributes": given}


CASES = {
    "direct child": ([span(1, OPENLIT, 0, 2), span(2, OPENAI, 0.1, 1.9, parent=1)], {1}),
    "through a span that is no call": (
        [span(1, OPENLIT, 0, 2), other(2, 0.1, 1.9, 1), span(3, OPENAI, 0.2, 1.8, parent=2)],
        {1},
    ),
    "three layers": (
        [span(1, LITELLM, 0, 3), span(2, OPENLIT, 0.1, 2.9, parent=1), span(3, OPENAI, 0.2, 2.8, parent=2)],
        {1},
    ),
    "a gateway makes up its id": (
        [
            span(1, LITELLM, 0, 2, gen_ai__response__id="chatcmpl-made-up"),
            other(2, 0.1, 1.9, 1),
            span(3, OPENAI, 0.2, 1.8, parent=2, gen_ai__response__id="msg_1"),
        ],
        {1},
    ),
    "two wrappers side by side": (
        [
            span(1, OPENLIT, 0, 2, parent=9, gen_ai__response__id="r"),
            span(2, OPENAI, 0.1, 1.9, parent=9, gen_ai__response__id="r"),
        ],
        {1},
    ),
    "one response in two traces": (
        [
            span(1, OPENLIT, 0, 2, gen_ai__response__id="r"),
            span(2, OPENAI, 0.1, 2.5, trace=2, gen_ai__response__id="r"),
        ],
        {1},
    ),
    "across the hour": ([span(1, OPENLIT, -0.5, 2), other(2, -0.4, 1.9, 1), span(3, OPENAI, 0.2, 1.8, parent=2)], {1}),
    "a server's end of the call": (
        [
            span(1, OPENAI, 0, 2, gen_ai__response__id="chatcmpl-1"),
            other(2, 0.1, 1.9, 1),
            span(3, "vllm.llm_engine", 0.2, 1.8, parent=2, gen_ai__request__id="chatcmpl-1-0")
            | {"name": "llm_request"},
        ],
        {1},
    ),
    "a call by a tool inside a call": (
        [
            span(1, OPENLIT, 0, 5, gen_ai__response__id="r1"),
            other(2, 1, 4, 1, gen_ai__operation__name="execute_tool"),
            span(3, OPENAI, 1.1, 3.9, parent=2, gen_ai__response__id="r2"),
        ],
        {1, 3},
    ),
    "one after the other": ([span(1, OPENLIT, 0, 1), span(2, OPENAI, 1.5, 2.5)], {1, 2}),
    "side by side without an id": ([span(1, OPENLIT, 0, 3, parent=9), span(2, OPENAI, 1, 2, parent=9)], {1, 2}),
    "one scope at the same time": (
        [span(1, OPENAI, 0, 3, gen_ai__response__id="r"), span(2, OPENAI, 1, 2, gen_ai__response__id="r")],
        {1, 2},
    ),
    "another model inside": (
        [
            span(1, OPENLIT, 0, 3),
            span(2, OPENAI, 1, 2, parent=8, gen_ai__request__model="gpt-5", gen_ai__usage__output_tokens=7),
        ],
        {1, 2},
    ),
    "one id much later": (
        [
            span(1, OPENLIT, 0, 1, gen_ai__response__id="r"),
            span(2, OPENAI, 600, 601, trace=2, gen_ai__response__id="r"),
        ],
        {1, 2},
    ),
    "usage of an agent": (
        [other(1, 0, 3, 0, gen_ai__operation__name="invoke_agent", **USAGE), span(2, OPENAI, 1, 2, parent=1)],
        {2},
    ),
}


@pytest.fixture(scope="module", params=[1, -1], ids=["outer first", "inner first"])
def counted(request: pytest.FixtureRequest, module_store: Store) -> dict[str, set[int]]:
    """The spans that count, by case. All cases are in one store; the spans of each arrive one after the other."""
    empty(module_store)
    arriving = [placed(case)[:: request.param] for case in CASES]
    for turn in range(max(map(len, arriving))):
        insert(module_store, [case[turn] for case in arriving if turn < len(case)], f"cases-{request.param}-{turn}")
    found: dict[str, set[int]] = {case: set() for case in CASES}
    for row in module_store.query("SELECT trace_id, span_id FROM calls_final"):
        found[list(CASES)[int(str(row["trace_id"]), 16) // TRACES_OF_A_CASE]].add(int(str(row["span_id"]), 16))
    return found


def placed(case: str) -> list[dict[str, Any]]:
    """The spans of a case in traces of its own, two hours before the case before it: farther than any rule reaches."""
    number = list(CASES).index(case)
    return [
        one
        | {"trace": f"{number * TRACES_OF_A_CASE + int(one['trace'], 16):032x}"}
        | {moment: one[moment] - number * 7200 * SECOND for moment in ("start", "end")}
        for one in CASES[case][0]
    ]


@pytest.mark.parametrize("case", CASES)
def test_calls_that_count(case: str, counted: dict[str, set[int]]) -> None:
    assert counted[case] == CASES[case][1]


def test_gaps_are_filled_and_tokens_go_with_cost(store: Store) -> None:
    outer = span(1, "opentelemetry.instrumentation.openai_v2", 0, 2, gen_ai__response__id="r")
    read, cost = {"gen_ai__usage__cache_read__input_tokens": 640}, {"litellm__cost__total": 0.0004}
    inner = span(2, LITELLM, 0.1, 1.9, parent=1, openai__response__service_tier="flex", **read, **cost)
    insert(store, [inner], "gaps-1")
    insert(store, [outer], "gaps-2")
    (row,) = store.query(
        "SELECT dialect, input_tokens, cache_read_tokens, toString(cost_usd) AS cost, service_tier FROM calls_final"
    )
    assert row == {
        "dialect": "otel_openai_v2",
        "input_tokens": 1000,
        "cache_read_tokens": 640,
        "cost": "0.000353",
        "service_tier": "flex",
    }


def test_a_store_with_one_emitter_compares_nothing(store: Store) -> None:
    insert(store, [span(number, OPENAI, number, number + 5) for number in range(1, 20)], "one-emitter")
    assert store.query("SELECT hour FROM call_mixed_hours") == []
    assert store.query("SELECT count() AS calls FROM calls_counted") == [{"calls": 19}]


def test_bounds_find_partners_beyond_them(store: Store) -> None:
    insert(store, CASES["across the hour"][0], "bounds")
    sql = "SELECT count() AS calls FROM calls_counted_between(since = '{}', until = '{}')"
    assert store.query(sql.format("2026-11-21 00:00:00", "2026-11-21 01:00:00")) == [{"calls": 0}]
    before, hour = store.query("SELECT min(ts) AS first, max(ts) AS last FROM calls")[0].values()
    assert store.query(sql.format(f"{before:%Y-%m-%d %H}:00:00", f"{hour:%Y-%m-%d %H}:00:00")) == [{"calls": 1}]
    assert store.query(sql.format(f"{hour:%Y-%m-%d %H}:00:00", f"{hour:%Y-%m-%d %H}:59:59")) == [{"calls": 0}]


def test_a_range_reads_only_its_part_of_the_calls(store: Store) -> None:
    insert(store, [span(day, OPENAI, day * 86_400, day * 86_400 + 1) for day in range(1, 11)], "ten-days")
    start = "toDateTime64('2026-11-23 00:00:00', 9, 'UTC')"
    plan = store.query_bytes(
        f"EXPLAIN indexes = 1 SELECT count() FROM calls_counted WHERE ts >= {start} AND ts < {start} + INTERVAL 1 DAY",
        "TSVRaw",
    ).decode()
    assert "Parts: 1/10" in plan
