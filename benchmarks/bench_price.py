"""What pricing one call takes, beside genai-prices in the same run, and what loading the price table takes."""

import math
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "sdk"), str(ROOT / "schemas")]

from worthwhile.pricing import price_call  # noqa: E402
from worthwhile.usage import Usage  # noqa: E402
from worthwhile_schemas import price_book  # noqa: E402

CALLS = {
    "plain": ("openai", "gpt-5.4", Usage(1200, 300)),
    "cached": ("openai", "gpt-5.4", Usage(12_000, 300, cache_read_tokens=8000)),
    "every_part": (
        "anthropic",
        "claude-sonnet-4-5",
        Usage(12_000, 300, cache_read_tokens=8000, cache_write_tokens=2000, cache_write_1h_tokens=500, web_searches=1),
    ),
}
"""The price of a call depends on what it used; `cached`, the usual call of an agent, is the headline."""
BLOCKS = 3000
BLOCK = 100
"""Short blocks, and the fastest of them: on shared cores a long one is never left alone."""


def run() -> dict[str, tuple[float, str]]:
    """Milliseconds and bytes of the price table; nanoseconds of a warm `price_call` and of genai-prices."""
    figures = {
        "price_table_load_ms": (load_ms(), "ms"),
        "price_table_bytes": (price_book.SNAPSHOT.stat().st_size, "By"),
    }
    for name, call in CALLS.items():
        figures["price_call_ns" if name == "cached" else f"price_call_{name}_ns"] = (ours_ns(*call), "ns")
    theirs = theirs_ns(*CALLS["cached"])
    figures["price_call_genai_prices_ns"] = (theirs, "ns")
    figures["price_call_genai_prices_ratio"] = (round(theirs / figures["price_call_ns"][0], 1), "x")
    return figures


def ours_ns(provider: str, model: str, usage: Usage) -> float:
    """Nanoseconds of one `price_call`, the loop around it included."""
    now = time.time_ns()
    best = math.inf
    for _ in range(BLOCKS):
        started = time.perf_counter_ns()
        for _ in range(BLOCK):
            price_call(usage, provider=provider, model=model, at_ns=now)
        best = min(best, time.perf_counter_ns() - started)
    return round(best / BLOCK, 1)


def theirs_ns(provider: str, model: str, usage: Usage) -> float:
    """Nanoseconds of one `genai_prices.calc_price` for the same call."""
    import genai_prices

    tokens = genai_prices.Usage(
        input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cache_read_tokens=usage.cache_read_tokens
    )
    best = math.inf
    for _ in range(300):
        started = time.perf_counter_ns()
        for _ in range(10):
            genai_prices.calc_price(tokens, model, provider_id=provider)
        best = min(best, time.perf_counter_ns() - started)
    return round(best / 10, 1)


def load_ms() -> float:
    """Milliseconds of reading the price table and finding a model in it, as a process's first priced call does."""
    best = math.inf
    for _ in range(60):
        started = time.perf_counter_ns()
        price_book.load(price_book.SNAPSHOT).find("openai", "gpt-4o-mini-2024-07-18")
        best = min(best, time.perf_counter_ns() - started)
    return round(best / 1e6, 2)


if __name__ == "__main__":
    for figure, (value, unit) in run().items():
        print(f"{figure:<34}{value:>14,} {unit}")
