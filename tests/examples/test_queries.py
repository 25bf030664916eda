"""Every query that we hand to FinOps and to those on call runs, and says what happened."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loopback import stack

from .conftest import QUERIES, Demonstration, Ground

Rows = list[dict[str, Any]]
Answers = Callable[[str], Rows]


@pytest.fixture
def answers(demonstration: Demonstration) -> Answers:
    """The rows of a query, asked about the demonstration."""
    return lambda query: demonstration.answers[query]


def by(rows: Rows, *names: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {tuple(row[name] for name in names): row for row in rows}


def test_every_query_has_a_test():
    source = Path(__file__).read_text("utf-8")
    assert [name for name in QUERIES if f'"{name}"' not in source] == []


def test_spend_by_model_tells_unknown_from_zero(answers: Answers):
    rows = by(answers("spend_by_model"), "model", "cost_basis")
    assert rows["gpt-5-mini", "list"]["calls"] >= 9
    assert rows["gpt-5-mini", "list"]["cost_coverage"] == 1
    assert rows["house-model-7b", "unknown"]["calls"] == 18
    assert rows["house-model-7b", "unknown"]["cost_usd"] is None
    assert rows["tiny-llama", "self_hosted"]["cost_usd"] is None
    assert float(rows["google/gemini-2.5-flash", "provider"]["cost_usd"]) > 0


def test_chargeback_adds_up_to_the_bill(answers: Answers):
    charged = answers("chargeback")
    spent = answers("spend_by_model")
    assert sum(row["calls"] for row in charged) == sum(row["calls"] for row in spent)
    total = sum(float(row["cost_usd"] or 0) for row in spent)
    assert sum(float(row["cost_usd"] or 0) for row in charged) == pytest.approx(total, rel=1e-9)
    assert by(charged, "charged_to")["(outside any task)",]["calls"] == 7
    assert sum(row["share_of_day"] or 0 for row in charged) == pytest.approx(len({row["day"] for row in charged}))


def test_cost_per_success_counts_judged_tasks_only(answers: Answers):
    rows = by(answers("cost_per_success"), "workload")
    routed, answered = rows["route-ticket",], rows["policy-answer",]
    assert (routed["judged_tasks"], routed["successes"]) == (15, 13), "T-5004 and T-5013 went to the wrong team"
    assert (answered["judged_tasks"], answered["successes"]) == (5, 4), "T-4004 was not judged, T-4005 was of no use"
    for row in (routed, answered):
        quotient = float(row["cost_usd"]) / row["successes"]
        assert float(row["cost_per_success_usd"]) == pytest.approx(quotient, abs=1e-12)
    assert rows["name-cause",]["cost_per_success_usd"] is None


def test_cache_saving_is_net_of_writes(answers: Answers):
    row = by(answers("cache_saving"), "workload")["policy-answer",]
    assert row["hit_rate"] == row["cache_read_tokens"] / row["input_tokens_of_known"]
    assert 0 < float(row["net_saving_usd"]) < float(row["cost_usd"])


def test_unpriced_models_are_those_without_a_price(answers: Answers):
    assert [(row["model"], row["calls"], row["services"]) for row in answers("unpriced_models")] == [
        ("house-model-7b", 18, ["nested_tasks"])
    ]


def test_price_bases_name_the_version_of_the_prices(answers: Answers):
    rows = by(answers("price_bases"), "cost_basis", "usage_basis")
    listed = [row for key, row in rows.items() if key[0] == "list"]
    assert listed
    assert all(row["price_version"] for row in listed)
    assert rows["unknown", "missing"]["calls"] == 6, "the dead endpoint"
    assert rows["provider", "reported"]["calls"] == 6


def test_local_first_splits_tasks_by_who_was_needed(answers: Answers):
    rows = by(answers("local_first"), "route")
    alone, hosted = rows["local alone",], rows["needed a hosted model",]
    assert alone["tasks"] + hosted["tasks"] == 15
    assert alone["cost_usd"] is None
    assert float(hosted["cost_usd"]) > 0


def test_waiting_for_providers_tells_busy_from_dead(answers: Answers):
    rows = by(answers("waiting_for_providers"), "request_model")
    busy, dead = rows["gpt-5-mini",], rows["gpt-5",]
    assert (busy["retries"], busy["rate_limited"], busy["unreachable"]) == (6, 6, 0)
    assert (dead["retries"], dead["rate_limited"], dead["unreachable"]) == (0, 0, 6)
    assert busy["waited_ms"] > 0
    assert busy["spent_on_failed_tries_ms"] > 0


def test_top_level_tasks_leave_nested_ones_out(answers: Answers):
    assert by(answers("top_level_tasks"), "service")["nested_tasks",]["tasks"] == 6


def test_answered_calls_leave_failures_out(answers: Answers):
    spent = answers("spend_by_model")
    assert sum(row["calls"] for row in answers("answered_calls")) == sum(row["calls"] for row in spent) - 6


def rating(ticket: int, verdict: str) -> tuple[str, ...]:
    return (f"r{ticket}", "ticket-reply", f"T-{ticket}", verdict, "")


def test_acceptance_fell_pages_on_a_fall_and_on_nothing_else(
    models: stack.Models, tmp_path: Path, write_export: Callable[[Any], str]
):
    with stack.collector(tmp_path / "data", tmp_path) as url:
        ground = Ground(tmp_path / "data", tmp_path, url, models)
        ground.run("decorator", "30")
        mark = ground.rows("SELECT toString(now64(6, 'UTC')) AS mark")[0]["mark"]
        ground.run("retries", "30")
        good_before = [rating(1000 + n, "useless" if n % 10 == 0 else "good") for n in range(30)]

        def pages(since_verdicts: list[tuple[str, ...]], tasks: int = 20) -> Rows:
            ground.run("outcomes_late", write_export([*good_before, *since_verdicts]))
            return ground.rows(QUERIES["acceptance_fell"], since=mark, tasks=tasks)

        as_before = [rating(9000 + n, "useless" if n % 8 == 0 else "good") for n in range(30)]
        assert pages(as_before) == [], "27 of 30 against 26 of 30 is no fall"
        fallen = [rating(9000 + n, "useless" if n % 2 == 0 else "good") for n in range(30)]
        page = pages(fallen)
        assert [(row["workload"], row["judged_before"], row["judged_since"]) for row in page] == [
            ("ticket-reply", 30, 30)
        ]
        assert (page[0]["success_rate_before"], page[0]["success_rate_since"]) == (0.9, 0.5)
        assert page[0]["z"] == pytest.approx(3.381, abs=0.001)  # 0.4 / sqrt(0.7 * 0.3 * 2 / 30)
        assert pages(fallen, tasks=31) == [], "too few judged tasks to say"
