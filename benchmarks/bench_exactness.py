"""Whether anything acknowledged is lost or counted twice when the collector is killed with SIGKILL, 50 times.

The moments are spread by chance over receiving, spooling, sealing, inserting, and forgetting what is stored. After each
death a new collector takes over the data folder, and the sender sends again what was not acknowledged. In the end the
counts and sums of calls, attempts, task runs and signals, by workload and provider, must be those of what was sent, and
every view must say the same as a query over the raw spans; the benchmark fails otherwise. The number of moments is
`WORTHWHILE_BENCH_DEATHS`, the seed is `WORTHWHILE_BENCH_SEED`.
"""

import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)] + [str(ROOT / folder) for folder in ("sdk", "schemas", "collectors", "dashboards")]

from tests.collectors.conftest import Collector, begin, wait_until_up  # noqa: E402
from tests.collectors.exactness.rounds import Rounds, deaths  # noqa: E402
from tests.collectors.exactness.traffic import Traffic  # noqa: E402
from tests.collectors.exactness.truth import PAIRS, check, duplicates  # noqa: E402

DEATHS = int(os.environ.get("WORTHWHILE_BENCH_DEATHS", "50"))
SEED = int(os.environ.get("WORTHWHILE_BENCH_SEED", "2026"))


def run() -> dict[str, tuple[float, str]]:
    """Kills, restarts, compares."""
    with tempfile.TemporaryDirectory() as folder:
        rounds = Rounds(Path(folder) / "data", Traffic(SEED))
        for death in deaths(DEATHS, SEED):
            rounds.run(death)
        process = begin(rounds.data, "--port", "0")
        collector = Collector(rounds.data, process, wait_until_up(rounds.data, process), 0.0)
        try:
            rounds.finish(collector.url)
            check(collector.rows, rounds.traffic.ledger)
            twice = duplicates(collector.rows)
        finally:
            collector.stop()
        if list((rounds.data / "quarantine").glob("*")):
            raise RuntimeError("a crash made a part of the spool unreadable")
    by_phase = Counter(death.phase for death in rounds.died)
    sys.stderr.write(f"exactness: deaths by phase {dict(by_phase)}; rows that are there twice {twice}\n")
    return {
        "exactness_kills": (len(rounds.died), "{kill}"),
        "exactness_calls": (rounds.traffic.ledger.calls.total(), "{call}"),
        "exactness_requests_sent_again": (rounds.sent_again, "{request}"),
        "exactness_spans_stored_twice": (twice["otel_traces"], "{span}"),
        "exactness_totals_that_differ": (0, "{total}"),
        "exactness_views_compared": (len(PAIRS), "{view}"),
    }


if __name__ == "__main__":
    print(run())
