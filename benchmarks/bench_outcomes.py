"""Late outcomes: cost per successful task from tasks, from days and by a naive join, and what settling costs.

`python benchmarks/bench_outcomes.py [calls] [late signals]` fills a month of made-up calls, runs and outcomes
(`scale/*.sql`), settles it, and restates it after late signals. CPU seconds, since shared cores are noisy.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in ("sdk", "schemas", "collectors", "dashboards", "benchmarks")]

from harness.generated import Month, fill, statements  # noqa: E402

from worthwhile_collectors.store import Store, open_store  # noqa: E402

ROUNDS = 3


def run(calls: int = 1_000_000, late: int = 20_000) -> dict[str, tuple[float, str]]:
    """Figures by name, with units."""
    figures: dict[str, tuple[float, str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "data")
        try:
            store.migrate()
            for _ in fill(store, Month(calls)):
                pass
            figures["outcomes_settle_all_cpu_s"] = _timed(lambda: store.settle_tasks(quiet_s=0))
            figures |= _queries(store, "settled")
            figures |= _sizes(store)
            [insert] = statements("late_signals")
            store.query_bytes(insert, "Null", {"signals": late, "since": "2026-10-30 00:00:00"})
            figures["outcomes_settle_late_signals_cpu_s"] = _timed(lambda: store.settle_tasks(quiet_s=0))
            figures |= _queries(store, "restated")
        finally:
            store.close()
    return figures


def _queries(store: Store, state: str) -> dict[str, tuple[float, str]]:
    figures: dict[str, tuple[float, str]] = {}
    answers: dict[str, str] = {}
    for name in ("exact", "days", "naive"):
        [query] = statements(f"cost_per_success_{name}")
        seconds = []
        for _ in range(ROUNDS):
            before = time.perf_counter()
            answers[name] = store.query_bytes(query, "TSV").decode()
            seconds.append(time.perf_counter() - before)
        figures[f"outcomes_{name}_{state}_ms"] = (round(1000 * min(seconds), 1), "ms")
    if len(set(answers.values())) != 1:
        raise AssertionError(f"three ways, three answers: {answers}")
    return figures


def _sizes(store: Store) -> dict[str, tuple[float, str]]:
    found = store.query(
        "SELECT table, sum(bytes_on_disk) AS bytes, (SELECT count() FROM settled_units) AS tasks FROM system.parts"
        " WHERE active AND table IN ('task_facts', 'task_links') GROUP BY table"
    )
    return {
        f"outcomes_{row['table']}_bytes_per_task": (round(int(str(row["bytes"])) / int(str(row["tasks"])), 1), "By")
        for row in found
    }


def _timed(work: Callable[[], object]) -> tuple[float, str]:
    before = _cpu_seconds()
    work()
    return round(_cpu_seconds() - before, 2), "s"


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    for figure, (value, unit) in run(*(int(text) for text in sys.argv[1:])).items():
        sys.stdout.write(f"{figure} {value} {unit}\n")
