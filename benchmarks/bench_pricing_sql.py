"""What looking prices up adds to an insert of calls, in CPU seconds of the whole process.

Rows as the normaliser gives them go in three ways: through `calls_in` with prices to look up, through it with costs
that came with the calls, and through a view that copies. What the shipped views cost more than the copy, at two sizes
of insert, gives the cost of an insert and that of a row. Sorting and writing are in all three.
"""

import json
import resource
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in ("sdk", "schemas", "collectors", "dashboards")]

from worthwhile_collectors.store import Store, open_store  # noqa: E402

SIZES = (1_000, 25_000, 50_000, 100_000)
ROUNDS = 3
MODELS = (
    ("openai", "gpt-5-mini", "gpt-5-mini-2025-08-07"),
    ("openai", "gpt-4o", "gpt-4o-2024-08-06"),
    ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
    ("gcp.gemini", "gemini-2.5-pro", "gemini-2.5-pro"),
    ("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", ""),
    ("deepseek", "deepseek-flash", "deepseek-flash"),
    ("vllm", "qwen3-8b", "qwen3-8b"),
    ("openai", "brand-new-1", ""),
)
ROWS = """
    INSERT INTO bench_rows
    (ts, trace_id, span_id, task_id, workload, service, dialect, provider, request_model, response_model, service_tier,
      input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens, usage_basis, duration_ns,
      cost_usd, cost_basis, price_version)
    WITH {models:Array(Array(String))}[number % {count:UInt8} + 1] AS model
    SELECT
      toDateTime64('2026-11-21 10:00:00', 9, 'UTC') + number / 50,
      sipHash128(number),
      reinterpretAsFixedString(sipHash64(number)),
      reinterpretAsUInt128(sipHash128(intDiv(number, 3))),
      ['reply', 'triage', 'extract'][number % 3 + 1],
      'shop',
      'otel_genai',
      model[1],
      model[2],
      model[3],
      if(number % 10 = 0, 'flex', ''),
      1000 + cityHash64(number) % 300000,
      10 + number % 1500,
      number % 1000,
      0,
      number % 10,
      'reported',
      1000000 + number,
      if({is_priced:Bool}, 0.001, NULL),
      if({is_priced:Bool}, 'list', 'unknown'),
      if({is_priced:Bool}, '2026-11-20', '')
    FROM numbers({rows:UInt64})
"""


def run() -> dict[str, tuple[float, str]]:
    """CPU of an insert and of a row, over that of copying."""
    figures: dict[str, tuple[float, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "data")
        try:
            store.migrate()
            prepare(store)
            spent = {size: rounds(store, size) for size in SIZES}
        finally:
            store.close()
    for size, by_way in spent.items():
        for way in ("priced", "sent"):
            extra = by_way[way] - by_way["copied"]
            figures[f"pricing_cpu_us_per_row_{way}_{size}"] = (round(extra / size * 1e6, 2), "us")
    small, large = spent[SIZES[0]], spent[SIZES[-1]]
    figures["pricing_cpu_ms_per_insert"] = (round((small["priced"] - small["copied"]) * 1e3, 1), "ms")
    rows = SIZES[-1] - SIZES[0]
    slope = ((large["priced"] - large["copied"]) - (small["priced"] - small["copied"])) / rows
    figures["pricing_cpu_us_per_row"] = (round(slope * 1e6, 2), "us")
    return figures


def prepare(store: Store) -> None:
    """Tables to read from, and a second chain that copies instead of looking prices up."""
    store.command("DROP VIEW calls_mv")
    store.command("CREATE TABLE bench_rows AS calls ENGINE = Memory")
    store.command("CREATE TABLE bench_in AS calls ENGINE = Null")
    store.command("CREATE TABLE bench_calls AS calls")
    store.command("CREATE MATERIALIZED VIEW bench_mv TO bench_calls AS SELECT * EXCEPT (ingested_at) FROM bench_in")


def rounds(store: Store, size: int) -> dict[str, float]:
    """Median CPU seconds of an insert of so many rows, by way; the ways take turns."""
    spent: dict[str, list[float]] = {"priced": [], "sent": [], "copied": []}
    for _ in range(ROUNDS):
        for way, seconds in spent.items():
            fill(store, size, is_priced=way == "sent")
            before = cpu_seconds()
            table = "bench_in" if way == "copied" else "calls_in"
            store.command(f"INSERT INTO {table} SELECT * FROM bench_rows SETTINGS {SETTINGS}")
            seconds.append(cpu_seconds() - before)
        for table in ("calls", "bench_calls"):
            store.command(f"TRUNCATE TABLE {table}")
    return {way: statistics.median(seconds) for way, seconds in spent.items()}


SETTINGS = "max_threads = 1, max_insert_threads = 1, max_block_size = 200000, optimize_on_insert = 0"


def fill(store: Store, size: int, *, is_priced: bool) -> None:
    """Calls of eight models, six of which have prices."""
    store.command("TRUNCATE TABLE bench_rows")
    parameters = {
        "models": json.dumps(MODELS).replace('"', "'"),
        "count": len(MODELS),
        "is_priced": is_priced,
        "rows": size,
    }
    store.query_bytes(ROWS, "Null", parameters)


def cpu_seconds() -> float:
    """CPU time of all threads of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    for key, (value, unit) in run().items():
        print(f"{key:45s} {value:>12,} {unit}")
