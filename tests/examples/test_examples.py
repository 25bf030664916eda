"""Every example runs as it stands, with the real clients, and leaves behind what its text promises."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

EVERY_CALL = """
SELECT workload, task_key, provider, request_model, operation, tier, is_stream, usage_basis, cost_basis, error_type,
  fallback_from, fallback_to, fallback_reason, resend_count, http_status, isNull(ttft_ns) AS has_no_ttft,
  input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
  toString(cost_usd) AS cost, toFloat64(cache_saving_usd) AS saving, length(task_ancestors) AS depth
FROM calls_final WHERE service = {service:String} ORDER BY ts
"""
TASKS = """
SELECT workload, task_key, status, depth, calls, priced_calls, toString(cost_usd) AS cost
FROM tasks WHERE service = {service:String} ORDER BY ts
"""
TRIES = """
SELECT number, http_status, wait_ns > 0 AS waited
FROM attempts_final WHERE service = {service:String} ORDER BY ts, number
"""
OUTCOMES = """
SELECT task_key, kind, verdict, source, value FROM outcomes
WHERE task_ref IN (SELECT task_ref FROM tasks WHERE service = {service:String}) ORDER BY task_key
"""
Row = dict[str, Any]


def column(rows: list[Row], name: str) -> list[Any]:
    return [row[name] for row in rows]


def tokens(rows: list[Row]) -> tuple[int, ...]:
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    return tuple(sum(int(row[name] or 0) for row in rows) for name in names)


def counted(entries: list[Row]) -> tuple[int, ...]:
    return tokens([entry["counted"] for entry in entries if entry["status"] == 200])


def test_decorator_three_lines_are_enough(ground):
    before = len(ground.requests("openai"))
    ground.run("decorator", "5")
    tasks = ground.rows(TASKS, service="decorator")
    calls = ground.rows(EVERY_CALL, service="decorator")
    assert [(t["workload"], t["task_key"], t["status"]) for t in tasks] == [
        ("ticket-reply", f"T-{1000 + n}", "completed") for n in range(5)
    ]
    assert tokens(calls) == counted(ground.requests("openai")[before:])
    assert set(column(calls, "cost_basis")) == {"list"}
    assert ground.rows(OUTCOMES, service="decorator") == [], "a bare return is no success"


def test_streaming_is_counted_and_judged_at_once(ground):
    before = len(ground.requests("openai"))
    printed = ground.run("streaming", "8")
    calls = ground.rows(EVERY_CALL, service="streaming")
    assert len(printed.splitlines()) == len(calls) == 8
    assert all(row["is_stream"] and not row["has_no_ttft"] and row["usage_basis"] == "reported" for row in calls)
    assert tokens(calls) == counted(ground.requests("openai")[before:])
    verdicts = column(ground.rows(OUTCOMES, service="streaming"), "verdict")
    assert {0, 1} == set(verdicts)
    assert len(verdicts) < 8, "some readers press no button"


def test_async_gateway_takes_the_gateway_at_its_word(ground):
    before = len(ground.requests("openrouter"))
    ground.run("async_gateway", "6")
    calls = ground.rows(EVERY_CALL, service="async_gateway")
    embedded = [row for row in calls if row["operation"] == "embeddings"]
    answered = [row for row in calls if row["provider"] == "openrouter"]
    assert [row["workload"] for row in embedded] == [""] * 7 + ["embed-search"] * 6
    assert {(row["tier"], row["cost_basis"], row["cost"]) for row in embedded} == {("local", "self_hosted", None)}
    entries = ground.requests("openrouter")[before:]
    assert {(row["tier"], row["cost_basis"]) for row in answered} == {("gateway", "provider")}
    assert sorted(float(row["cost"]) for row in answered) == sorted(float(entry["cost_usd"]) for entry in entries)
    assert tokens(answered) == counted(entries)


def test_fallback_shows_the_dead_endpoint_and_who_stood_in(ground):
    ground.run("fallback", "4")
    calls = ground.rows(EVERY_CALL, service="fallback")
    dead, spare = calls[0::2], calls[1::2]
    assert {(row["request_model"], row["error_type"], row["usage_basis"], row["cost"]) for row in dead} == {
        ("gpt-5", "openai.APIConnectionError", "missing", None)
    }
    assert {(row["fallback_from"], row["fallback_to"], row["fallback_reason"]) for row in spare} == {
        ("gpt-5", "gpt-5-mini", "openai.APIConnectionError")
    }
    assert [(t["status"], t["calls"], t["priced_calls"]) for t in ground.rows(TASKS, service="fallback")] == [
        ("completed", 2, 1)
    ] * 4


def test_retries_are_no_slow_model(ground):
    ground.run("retries", "4")
    calls = ground.rows(EVERY_CALL, service="retries")
    assert [(row["resend_count"], row["http_status"], row["error_type"]) for row in calls] == [(1, 200, "")] * 4
    tries = ground.rows(TRIES, service="retries")
    assert [(row["number"], row["http_status"], row["waited"]) for row in tries] == [(1, 429, 0), (2, 200, 1)] * 4


def test_anthropic_cache_reads_cost_less(ground):
    before = len(ground.requests("anthropic"))
    ground.run("anthropic_cache", "4")
    calls = ground.rows(EVERY_CALL, service="anthropic_cache")
    assert tokens(calls) == counted(ground.requests("anthropic")[before:])
    assert all(row["cache_read_tokens"] and row["cache_write_tokens"] and row["saving"] > 0 for row in calls)


def test_nested_tasks_add_up_outwards(ground):
    printed = ground.run("nested_tasks", "3")
    assert len(printed.splitlines()) == 12
    tasks = ground.rows(TASKS, service="nested_tasks")
    outer = [t for t in tasks if t["depth"] == 0]
    inner = [t for t in tasks if t["depth"] == 1]
    assert [(t["workload"], t["calls"], t["priced_calls"]) for t in outer] == [("weekly-review", 4, 1)] * 3
    assert [(t["workload"], t["calls"], t["cost"]) for t in inner] == [("name-cause", 1, None)] * 9
    calls = ground.rows(EVERY_CALL, service="nested_tasks")
    assert {(row["request_model"], row["cost_basis"], row["depth"]) for row in calls} == {
        ("house-model-7b", "unknown", 1),
        ("gpt-5", "list", 0),
    }
    outcomes = {row["task_key"]: row for row in ground.rows(OUTCOMES, service="nested_tasks") if row["task_key"]}
    assert [(row["verdict"], row["value"]) for row in outcomes.values()] == [(0, 2), (1, 3), (1, 4)]


def test_local_first_asks_the_hosted_model_only_where_the_check_fails(ground):
    printed = ground.run("local_first", "24")
    assert len(printed.splitlines()) >= 24
    calls = ground.rows(EVERY_CALL, service="local_first")
    local = [row for row in calls if row["provider"] == "llama_cpp"]
    hosted = [row for row in calls if row["provider"] == "openai"]
    assert len(local) == 24
    assert 0 < len(hosted) < 24
    assert {(row["tier"], row["cost_basis"], row["usage_basis"]) for row in local} == {
        ("local", "self_hosted", "reported")
    }
    judged = ground.rows(OUTCOMES, service="local_first")
    assert {(row["kind"], row["source"]) for row in judged} == {("accept", "automated")}
    assert len(judged) == 24


@pytest.fixture
def rated(ground, write_export) -> Callable[[Iterable[tuple[str, ...]]], dict[str, Row]]:
    """Runs the importer on an export and returns the outcomes by ticket."""

    def run(lines: Iterable[tuple[str, ...]]) -> dict[str, Row]:
        ground.run("outcomes_late", write_export(lines))
        return {row["task_key"]: row for row in ground.rows(OUTCOMES, service="decorator")}

    return run


def test_outcomes_late_by_key_revised_withdrawn_and_unmatched(ground, rated):
    ground.run("decorator", "5")
    lines = [
        ("r0", "ticket-reply", "T-1000", "good", ""),
        ("r1", "ticket-reply", "T-1001", "corrected", "0.25"),
        ("r2", "ticket-reply", "T-1002", "useless", ""),
        ("r3", "ticket-reply", "T-1003", "handed over", "6"),
        ("r9", "ticket-reply", "T-nobody", "good", ""),
    ]
    first = rated(lines)
    assert {key: (row["kind"], row["verdict"], row["value"]) for key, row in first.items()} == {
        "T-1000": ("accept", 1, None),
        "T-1001": ("edit", 1, 0.25),
        "T-1002": ("reject", 0, None),
        "T-1003": ("escalate", 0, 6),
    }
    assert rated(lines) == first, "the same export again changes nothing"
    lost = ground.rows("SELECT signal_id, task_key FROM unmatched_signals")
    assert lost == [{"signal_id": "r9", "task_key": "T-nobody"}]
    later = rated([("r2", "ticket-reply", "T-1002", "good", ""), ("r0", "ticket-reply", "T-1000", "withdrawn", "")])
    assert "T-1000" not in later
    assert later["T-1002"]["verdict"] == 1
    assert later["T-1001"] == first["T-1001"]
