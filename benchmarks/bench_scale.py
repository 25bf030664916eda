"""Dashboard queries and cost per successful task over a month of calls, runs and outcomes made inside ClickHouse.

`--rows` says how many calls (a hundred million for the figures of the goal: an hour of CPU, 20 GB), `--folder` keeps
them for the next run. Tasks are settled as they come in, chunk by chunk, roll-ups at the end; then late judgements of
ten days are settled. Times are the best of five on the cores there are; CPU times are what to compare.
"""

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in ("sdk", "schemas", "collectors", "dashboards", "benchmarks")]

from harness.generated import SCALE, Month, fill, statements  # noqa: E402

from worthwhile_collectors.store import Store, open_store, settle  # noqa: E402

ROWS = 1_000_000
ROUNDS = 5
CHUNK_TASKS = 300_000
"""Runs that are made between two settlings: about as much as one round of settling takes."""
_KINDS = {"1": "dashboard_query", "3": "dashboard_sketch_query", "5": "trace_by_id"}
_COSTS = {"cost_per_success_exact": "cost_per_success_exact", "cost_per_success_days": "cost_per_success_days"}
LATE_SHARE = 0.002
"""Late signals for each call: 200,000 for a hundred million."""
_WORST = {"dashb": "worst_", "trace": "", "cost_": ""}


def run(rows: int = ROWS, folder: Path | None = None) -> dict[str, tuple[float, str]]:
    """Make the calls if they are not there, settle them, and ask."""
    month = Month(rows)
    place = folder or Path(tempfile.mkdtemp())
    store = open_store(place / "data")
    label = f"{rows // 1_000_000}m" if rows >= 1_000_000 else f"{rows // 1000}k"
    try:
        store.migrate()
        figures = made(store, month, label)
        figures |= storage(store, label)
        figures |= asked(store, month, label)
    finally:
        store.close()
        if folder is None:
            shutil.rmtree(place)
    return figures


def made(store: Store, month: Month, label: str) -> dict[str, tuple[float, str]]:
    """Fill calls, runs and signals and settle everything, unless that was done before; CPU of each."""
    if count(store, "calls") >= month.tasks:
        return {}
    make = settled_tasks = 0.0
    start = cpu_seconds()
    for table, done in fill(store, month, chunk_tasks=CHUNK_TASKS):
        if table == "signals":
            make += cpu_seconds() - start
            settled_tasks += cpu_of(lambda: store.settle_tasks(quiet_s=0))
            sys.stderr.write(f"  {done} of {month.tasks} runs, CPU s: made {make:.0f}, settled {settled_tasks:.0f}\n")
            start = cpu_seconds()
    time.sleep(31)  # an hour is settled when it has been quiet for half a minute
    settled = cpu_of(lambda: settle(store))
    millions = month.calls / 1e6
    return {
        f"scale_generate_cpu_s_per_1m_{label}": (round(make / millions, 2), "s"),
        f"scale_settle_cpu_s_per_1m_{label}": (round(settled / millions, 2), "s"),
        f"scale_settle_tasks_cpu_us_per_task_{label}": (round(settled_tasks / month.tasks * 1e6, 1), "us"),
        **late(store, month, label),
        f"scale_peak_memory_mib_{label}": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "MiB"),
    }


def late(store: Store, month: Month, label: str) -> dict[str, tuple[float, str]]:
    """Take judgements of ten days back, and settle that."""
    [insert] = statements("late_signals")
    signals = int(month.calls * LATE_SHARE)
    since = month.start + timedelta(days=month.days - 1)
    store.query_bytes(insert, "Null", {"signals": signals, "since": since.replace(tzinfo=None)})
    return {f"scale_settle_late_signals_cpu_s_{label}": (round(cpu_of(lambda: store.settle_tasks(quiet_s=0)), 2), "s")}


def storage(store: Store, label: str) -> dict[str, tuple[float, str]]:
    """Bytes of a row, merged, as a day's parts are an hour after the last insert into it."""
    for table in ("calls", "task_facts"):
        store.command(f"OPTIMIZE TABLE {table} FINAL SETTINGS optimize_skip_merged_partitions = 1")
    sizes = {str(row["table"]): row for row in store.query("SELECT table, rows, bytes FROM storage_tables")}
    rolled = {name: sizes[name] for name in ("calls_1h", "calls_1d")}
    calls = sizes["calls"]
    return {
        f"calls_bytes_per_row_{label}": (round(int(str(calls["bytes"])) / int(str(calls["rows"])), 1), "By"),
        **{f"{name}_rows_{label}": (int(str(row["rows"])), "1") for name, row in rolled.items()},
        **{f"{name}_mb_{label}": (round(int(str(row["bytes"])) / 1e6, 1), "MB") for name, row in rolled.items()},
    }


def asked(store: Store, month: Month, label: str) -> dict[str, tuple[float, str]]:
    """Milliseconds of each query: the worst of the panels, of those with sketches, and of looking up a trace."""
    [example] = store.query("SELECT hex(trace_id) AS id, toStartOfDay(ts) AS day FROM calls LIMIT 1 OFFSET 1000")
    params = {"start": month.start, "end": month.start + timedelta(days=month.days)}
    params |= {"trace_id": example["id"], "day": example["day"]}
    worst: dict[str, float] = {}
    for path in [*sorted((SCALE / "queries").glob("*.sql")), *(SCALE / f"{name}.sql" for name in _COSTS)]:
        [sql] = statements(str(path.relative_to(SCALE).with_suffix("")))
        kind = _COSTS.get(path.stem) or _KINDS[path.stem[0]]
        wall, cpu = best_of(lambda sql=sql: store.query_bytes(sql, "Null", params))
        read = json.loads(store.query_bytes(sql, "JSON", params))["statistics"]
        sys.stderr.write(
            f"  {path.stem:38} {wall:8.1f} ms wall {cpu:8.1f} ms CPU {read['rows_read']:>12,} rows"
            f" {read['bytes_read']:>14,} bytes\n"
        )
        worst[kind] = max(worst.get(kind, 0), wall)
        worst[f"{kind}_cpu"] = max(worst.get(f"{kind}_cpu", 0), cpu)
    return {
        f"{kind.removesuffix('_cpu')}_{'cpu_' * kind.endswith('_cpu')}ms_{_WORST[kind[:5]]}{label}": (round(t, 1), "ms")
        for kind, t in worst.items()
    }


def best_of(ask: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU milliseconds of the quickest of a few rounds."""
    rounds = []
    for _ in range(ROUNDS):
        wall, cpu = time.perf_counter(), cpu_seconds()
        ask()
        rounds.append(((time.perf_counter() - wall) * 1e3, (cpu_seconds() - cpu) * 1e3))
    return min(wall for wall, _ in rounds), min(cpu for _, cpu in rounds)


def count(store: Store, table: str) -> int:
    """Rows of a table."""
    [found] = store.query("SELECT sum(rows) AS rows FROM storage_tables WHERE table = {table:String}", {"table": table})
    return int(str(found["rows"] or 0))


def cpu_of(work: Callable[[], object]) -> float:
    """CPU seconds of all threads of this process while it works."""
    before = cpu_seconds()
    work()
    return cpu_seconds() - before


def cpu_seconds() -> float:
    """CPU time of all threads of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"calls to make [{ROWS}]")
    parser.add_argument("--folder", type=Path, help="where to keep them [a temporary folder]")
    chosen = parser.parse_args()
    for key, (value, unit) in run(chosen.rows, chosen.folder).items():
        print(f"{key:45s} {value:>14,} {unit}")
