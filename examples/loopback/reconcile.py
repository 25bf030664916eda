"""Hold what is stored in ClickHouse against what the model servers counted themselves."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from loopback.stack import Models, fetch

TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
EVALUATED = "evaluated input tokens"
PROCESSED = ("input_tokens", "output_tokens", EVALUATED)
"""Figures that add up to all tokens that a server read and wrote."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of one server, counted twice."""

    server: str
    figure: str
    counted: Decimal
    stored: Decimal

    def __str__(self) -> str:
        """The figure in words."""
        return f"{self.server} counted {self.counted} {self.figure}, ClickHouse has {self.stored}"


def compare(models: Models, stored: list[dict[str, Any]]) -> list[Comparison]:
    """Every figure of every server beside the stored one.

    Args:
        models: The servers that answered.
        stored: The rows of `queries/answered_calls.sql`.
    """
    rows = {row["provider"]: row for row in stored}
    comparisons = []
    for provider, url in models.stand_ins.items():
        row = rows.get(provider, {})
        for figure, counted in stand_in_counts(url).items():
            comparisons.append(Comparison(provider, figure, counted, Decimal(row.get(figure) or 0)))
    row = rows.get("llama_cpp", {})
    read, written = llama_counts(models.local)
    fresh = Decimal(row.get("input_tokens") or 0) - Decimal(row.get("cache_read_tokens") or 0)
    comparisons.append(Comparison("llama.cpp", EVALUATED, read, fresh))
    comparisons.append(Comparison("llama.cpp", "output_tokens", written, Decimal(row.get("output_tokens") or 0)))
    return comparisons


def stand_in_counts(url: str) -> dict[str, Decimal]:
    """Sums over the ledger of a stand-in: one entry per HTTP request, of which only answered ones were billed."""
    answered = [entry for entry in json.loads(fetch(f"{url}/ledger")) if entry["status"] == 200]
    sums = {"calls": Decimal(len(answered))}
    for figure in TOKENS:
        sums[figure] = sum((Decimal(entry["counted"][figure] or 0) for entry in answered), Decimal())
    sums["reported_cost_usd"] = sum((Decimal(entry["cost_usd"] or 0) for entry in answered), Decimal())
    return sums


def llama_counts(url: str) -> tuple[Decimal, Decimal]:
    """Tokens that llama.cpp evaluated and generated since it started; cached input is not evaluated again."""
    metrics = dict(
        line.split(" ", 1)
        for line in fetch(f"{url}/metrics").decode().splitlines()
        if line and not line.startswith("#") and "{" not in line
    )
    return Decimal(metrics["llamacpp:prompt_tokens_total"]), Decimal(metrics["llamacpp:tokens_predicted_total"])
