"""Memory of a long-lived program: flat over a million spans, with the receiver up, and away until the spool is full.

Every run checks that emitted = delivered + spooled + counted as lost, and with the receiver up that it saw each once.
`WORTHWHILE_BENCH_SPANS` sets another number of spans.
"""

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from harness.processes import HERE, Receiver, environment, receiving

SPANS = int(os.environ.get("WORTHWHILE_BENCH_SPANS", "1000000"))
QUOTA_MB = 64
"""Of the run without a receiver: half of what its spans would take."""


def run() -> dict[str, tuple[float, str]]:
    """MiB of resident memory at a tenth and at the end, and the most that it grew in between."""
    with receiving("ok") as receiver:
        up = last(receiver.url, flush=60)
        seen = receiver.close()
    check(up)
    if seen["distinct"] != up["emitted"] or up["delivered"] != up["emitted"]:
        raise RuntimeError(f"emitted {up['emitted']} spans, delivered {up['delivered']}, of which arrived: {seen}")
    nobody = Receiver("hang")
    nobody.close()
    away = last(nobody.url, flush=0.5, WORTHWHILE_SPOOL_QUOTA_MB=str(QUOTA_MB))
    check(away)
    if not away["lost"].keys() == {"quota"}:
        raise RuntimeError(f"the quota of {QUOTA_MB} MB was to be reached, and nothing else lost: {away['lost']}")
    return {
        "memory_spans": (up["emitted"], "{span}"),
        **figures("memory_up", up),
        **figures("memory_away", away),
        "memory_away_quota_mb": (QUOTA_MB, "MB"),
        "memory_away_lost_and_counted": (away["lost"]["quota"], "{span}"),
    }


def figures(name: str, told: dict[str, Any]) -> dict[str, tuple[float, str]]:
    """What a run says about memory; every tenth of it goes to stderr."""
    memory = told["memory_mib"]
    sys.stderr.write(f"bench memory: {name}: MiB at every tenth: {memory}\n")
    return {
        f"{name}_rss_mib_at_a_tenth": (memory[0], "MiB"),
        f"{name}_rss_mib_at_the_end": (memory[-1], "MiB"),
        f"{name}_growth_mib_of_the_last_half": (round(max(memory[5:]) - max(memory[:5]), 2), "MiB"),
        f"{name}_cpu_us_per_span": (round(told["cpu_us"], 1), "us"),
    }


def last(endpoint: str, *, flush: float, **variables: str) -> dict[str, Any]:
    """Run `lasting.py` and return what it says."""
    words = ["--endpoint", endpoint, "--spans", str(SPANS), "--flush", str(flush)]
    with tempfile.TemporaryDirectory() as state:
        done = subprocess.run(
            [sys.executable, str(HERE / "lasting.py"), *words],
            stdout=subprocess.PIPE,
            check=True,
            env=environment(state) | variables,
        )
    return json.loads(done.stdout)


def check(told: dict[str, Any]) -> None:
    """Raise unless every span is accounted for."""
    counted = told["delivered"] + told["spooled"] + sum(told["lost"].values())
    if counted != told["emitted"] or told["tasks"] + told["calls"] != told["emitted"]:
        raise RuntimeError(f"spans unaccounted for: {told}")


if __name__ == "__main__":
    for figure, (value, unit) in run().items():
        print(f"{figure:<44}{value:>14,} {unit}")
