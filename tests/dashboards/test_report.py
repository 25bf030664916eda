"""OTLP in, figures out: every figure of `telemetry.py`, computed by hand beside it."""

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.dashboards.telemetry import SECOND

from worthwhile_collectors.store import Store

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
UNTIL = datetime(2026, 11, 21, tzinfo=UTC)


def workload(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (w for w in document["workloads"] if w["workload"] == name)
    return found


def priced(calls: int, cost: str | None) -> dict[str, Any]:
    return {"calls": calls, "cost_usd": cost}


def test_whole_document(document: dict[str, Any]) -> None:
    """Nothing in the document changes unnoticed; the tests below say why the figures are what they are."""
    path = Path(__file__).parent / "snapshots" / "report.json"
    text = json.dumps(document, indent=1) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_tickets(document: dict[str, Any]) -> None:
    # task  cost                       outcome
    # 1     0.010 + 0.001 nested       accepted after 1 day
    # 2     0.002 + 0.008, two runs    rejected, then the same signal revised to accepted, 6 days after the first run
    # 3     0.030                      rejected by a human; the later automated accept does not count
    # 4     0.020 + refused: unknown   escalated
    # 5     0.012                      none yet, 1 hour old
    # 6     self-hosted: unknown       accepted
    # 7     no price: unknown          accepted, then withdrawn
    ticket = workload(document, "ticket")
    assert (ticket["tasks"], ticket["runs"], ticket["failed_runs"], ticket["open_runs"]) == (7, 8, 1, 0)
    assert (ticket["labelled"], ticket["successes"], ticket["escalations"]) == (5, 3, 1)
    assert ticket["label_coverage"] == 5 / 7
    assert ticket["success_rate"] == 3 / 5
    # 0.011 + 0.010 + 0.030 + 0.020 = 0.071 over 3 successes, cut to the picodollar
    assert ticket["labelled_cost_usd"] == "0.071"
    assert ticket["cost_per_successful_task_usd"] == "0.023666666666"
    # all tasks: 0.071 + 0.012 = 0.083; over 3 + 2 unlabelled, and over 3
    assert ticket["cost_usd"] == "0.083"
    assert ticket["bound_all_succeeded_usd"] == "0.0166"
    assert ticket["bound_all_failed_usd"] == "0.027666666666"


def test_interval_without_upper_end(document: dict[str, Any]) -> None:
    # n = 5, a = 0.071/5 = 0.0142, b = 0.6, sum c^2 = 0.000121 + 0.0001 + 0.0009 + 0.0004 = 0.001521, sum cs = 0.021
    # vc = (0.001521 - 5 x 0.00020164)/4 = 0.0001282, vs = (3 - 1.8)/4 = 0.3, vcs = (0.021 - 0.0426)/4 = -0.0054
    # t(0.975, 4) = 2.776445105, k = 7.7086474/5 = 1.5417295
    # square = 0.36 - 0.4625188 = -0.1025188: success may be nil, no upper end
    # half = 0.00852 + 0.0083253 = 0.0168453, constant = 0.00020164 - 0.0001976497 = 0.0000039903
    # low = (0.0168453 - sqrt(0.0168453^2 + 0.1025188 x 0.0000039903)) / -0.1025188 = 0.0001184
    ticket = workload(document, "ticket")
    assert float(ticket["cpst_low_usd"]) == pytest.approx(0.0001184, abs=5e-7)
    assert ticket["cpst_high_usd"] is None


def test_bounded_interval(document: dict[str, Any]) -> None:
    # a hundredth of the example in test_statistics.test_fieller_by_hand; cost 8 x 0.01 + 2 x 0.02 = 0.12 over 8
    summarise = workload(document, "summarise")
    assert summarise["cost_per_successful_task_usd"] == "0.015"
    assert float(summarise["cpst_low_usd"]) == pytest.approx(0.008155066, abs=2e-8)
    assert float(summarise["cpst_high_usd"]) == pytest.approx(0.030130098, abs=2e-8)
    assert summarise["bound_all_succeeded_usd"] == summarise["bound_all_failed_usd"] == "0.015"
    # Wilson for 8 of 10: (0.8 + 0.19207 -+ 1.95996 sqrt(0.016 + 0.0096036)) / 1.384146 = (0.99207 -+ 0.31361)/1.384146
    assert summarise["success_rate_low"] == pytest.approx(0.49016, abs=1e-5)
    assert summarise["success_rate_high"] == pytest.approx(0.94331, abs=1e-5)


def test_latency_is_over_runs_and_first_chunk_over_streamed_calls(document: dict[str, Any]) -> None:
    # quantileExact takes element floor(level x n), from 0. Runs of 1, 2, 3, 4, 5, 6, 7, 8 s: elements 4 and 7.
    ticket = workload(document, "ticket")
    assert (ticket["latency_p50_ns"], ticket["latency_p95_ns"]) == (5 * SECOND, 8 * SECOND)
    assert ticket["ttft_p95_ns"] is None
    # runs of 1 to 10 s and first chunks after 0.1 to 1.0 s: elements 5 and 9
    summarise = workload(document, "summarise")
    assert (summarise["latency_p50_ns"], summarise["latency_p95_ns"]) == (6 * SECOND, 10 * SECOND)
    assert (summarise["ttft_p50_ns"], summarise["ttft_p95_ns"]) == (SECOND * 6 // 10, SECOND)


def test_coverage_tells_self_hosted_from_unpriced_from_unmetered(document: dict[str, Any]) -> None:
    ticket = workload(document, "ticket")
    names = ("calls", "priced_calls", "self_hosted_calls", "unpriced_calls", "unmetered_calls", "failed_calls")
    assert [ticket[name] for name in names] == [10, 7, 1, 2, 1, 1]
    assert ticket["cost_coverage"] == 7 / 10
    assert ticket["cost_bases"] == [
        {"basis": "list"} | priced(7, "0.083"),
        {"basis": "unknown"} | priced(2, None),
        {"basis": "self_hosted"} | priced(1, None),
    ]
    assert document["unpriced_models"] == [{"provider": "openai", "model": "house-model", "calls": 1}]


def test_tokens_and_cache(document: dict[str, Any]) -> None:
    # eight answered calls of 1,000 in, 400 from the cache, 100 out; one of 50 in, 5 out that says nothing of a cache
    ticket = workload(document, "ticket")
    assert ticket["tokens"] == {
        "input": 8050,
        "output": 805,
        "cache_read": 3200,
        "cache_write": None,
        "reasoning": None,
    }
    assert ticket["cache_hit_rate"] == 3200 / 8000
    assert ticket["cache_saving_usd"] == "0.003"
    assert workload(document, "summarise")["cache_saving_usd"] is None


def test_retries_fallbacks_errors_tiers_energy(document: dict[str, Any]) -> None:
    ticket = workload(document, "ticket")
    assert (ticket["retries"], ticket["fallbacks"]) == (2, 1)
    refused = "openai.APIConnectionError"
    assert ticket["fallback_routes"] == [
        {"from": "gpt-small", "to": "claude-mid", "reason": refused, "calls": 1, "answered": 1}
    ]
    assert ticket["errors"] == [{"type": refused, "calls": 1}]
    assert ticket["tiers"] == [
        {"tier": None} | priced(8, "0.063"),
        {"tier": "frontier"} | priced(1, "0.02"),
        {"tier": "local"} | priced(1, None),
    ]
    assert ticket["energy"] == [{"method": "metered", "calls": 1, "energy_uj": 12_500_000}]
    assert workload(document, "summarise")["energy"] == []


def test_models(document: dict[str, Any]) -> None:
    first, *others = workload(document, "ticket")["models"]
    assert first == {
        "provider": "openai",
        "model": "gpt-small-2026",
        "calls": 6,
        "share": 0.6,
        "failed_calls": 0,
        "priced_calls": 6,
        "cost_usd": "0.063",
        "duration_p95_ns": 5 * SECOND,
    }
    assert [(other["model"], other["failed_calls"], other["cost_usd"]) for other in others] == [
        ("claude-mid", 0, "0.02"),
        ("tiny", 0, None),
        ("gpt-small", 1, None),
        ("house-model", 0, None),
    ]


def test_maturity(document: dict[str, Any]) -> None:
    # Judgements came 1 day, 6 days, 30 minutes, 1 hour and 1 hour after their tasks: P95 is element 4 of 5, 6 days.
    # Only task 5, an hour old at the period's end, is younger.
    ticket = workload(document, "ticket")
    assert ticket["label_lag_p95_ns"] == 6 * 86_400 * SECOND
    assert (ticket["immature_tasks"], ticket["immature_share"], ticket["is_mature"]) == (1, 1 / 7, False)
    assert [(day["day"][-2:], day["tasks"], day["successes"], day["is_mature"]) for day in ticket["days"]] == [
        ("02", 2, 2, True),
        ("03", 1, 0, True),
        ("04", 2, 1, True),
        ("05", 1, 0, True),
        ("20", 1, 0, False),
    ]
    assert workload(document, "summarise")["is_mature"] is True
    assert workload(document, "extract")["is_mature"] is None


def test_nested_task_counts_in_both_workloads_and_once_in_the_totals(document: dict[str, Any]) -> None:
    extract = workload(document, "extract")
    assert (extract["tasks"], extract["labelled"], extract["cost_usd"]) == (1, 0, "0.001")
    assert extract["cost_per_successful_task_usd"] is None
    assert extract["bound_all_succeeded_usd"] == "0.001"
    assert extract["bound_all_failed_usd"] is None
    # ticket 0.083 with the nested call, summarise 0.12, agent 0.007, outside any task 0.0005
    totals = document["totals"]
    assert totals["cost_usd"] == "0.2105"
    assert (totals["calls"], totals["calls_outside_tasks"]) == (10 + 10 + 3 + 1, 1)
    assert (totals["tasks"], totals["labelled"]) == (7 + 10 + 3 + 1, 5 + 10)


def test_workload_that_calls_itself_counts_a_call_once(document: dict[str, Any]) -> None:
    # calls 0.001 + 0.002 + 0.004; tasks: outer 0.001 + 0.002, inner 0.002, open 0.004, so 0.009 over 3
    agent = workload(document, "agent")
    assert (agent["calls"], agent["cost_usd"]) == (3, "0.007")
    assert (agent["tasks"], agent["bound_all_succeeded_usd"]) == (3, "0.003")


def test_run_without_an_end_counts_but_has_no_latency(document: dict[str, Any]) -> None:
    agent = workload(document, "agent")
    assert (agent["runs"], agent["open_runs"]) == (3, 1)
    # runs of 5 and 9 s: element 1 of 2
    assert agent["latency_p50_ns"] == 9 * SECOND


def test_signal_without_a_task_is_shown(document: dict[str, Any]) -> None:
    assert document["unmatched_signals"] == 1


def test_analysts_view_says_the_same(store: Store, document: dict[str, Any]) -> None:
    period = "since = {since:DateTime64(9, 'UTC')}, until = {until:DateTime64(9, 'UTC')}"
    rows = store.query(f"SELECT * FROM report_workloads({period}) ORDER BY workload", {"since": SINCE, "until": UNTIL})
    assert [row["workload"] for row in rows] == ["agent", "extract", "summarise", "ticket"]
    ticket, shown = rows[-1], workload(document, "ticket")
    shared = ("tasks", "labelled", "successes", "latency_p95_ns", "calls", "priced_calls", "retries", "cache_hit_rate")
    assert {name: ticket[name] for name in shared} == {name: shown[name] for name in shared}
    assert ticket["labelled_cost_squared_usd2"] == Decimal("0.001521")
    assert ticket["cost_of_successes_usd"] == Decimal("0.021")
    assert str(ticket["cost_per_successful_task_usd"]) == shown["cost_per_successful_task_usd"]
