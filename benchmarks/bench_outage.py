"""A receiver that is away for two hours while a program records 500 spans a second: what is lost, and what it takes.

The whole of it at full size, 3.6 million spans, on a clock that is wound forward by hand: with the default quota, the
default queue, the real spool on a real disk, and requests to a port where nobody listens. Then a receiver is there and
takes the backlog. `WORTHWHILE_BENCH_OUTAGE_S` sets another length.
"""

import os
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.processes import Receiver

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "sdk"), str(ROOT / "schemas"), str(ROOT / "benchmarks" / "harness")]

OUTAGE_S = int(os.environ.get("WORTHWHILE_BENCH_OUTAGE_S", "7200"))
RATE = 500


class Clock:
    """A clock that stands still until it is wound forward."""

    def __init__(self) -> None:
        self.now_ns = 10**12

    def __call__(self) -> int:
        return self.now_ns


def run() -> dict[str, tuple[float, str]]:
    """Spans lost, space, attempts and memory of the outage; how fast the backlog goes out afterwards."""
    with tempfile.TemporaryDirectory() as state, socket.create_server(("127.0.0.1", 0)) as taken:
        os.environ |= {"XDG_STATE_HOME": state, "OTEL_SERVICE_NAME": "bench"}
        port = taken.getsockname()[1]
        taken.close()
        outbox, clock = opened(f"http://127.0.0.1:{port}")
        began, cpu = memory_mib(), time.process_time()
        emitted = away(outbox, clock)
        cpu_us = (time.process_time() - cpu) / emitted * 1e6
        grown = memory_mib() - began
        kept = outbox.counts()
        files = [path.stat().st_size for path in Path(state).rglob("*.seg")]
        receiver = Receiver("ok", port)
        began_s, cpu = time.perf_counter(), time.process_time()
        deliver(outbox, clock)
        took_s, took_cpu_s = time.perf_counter() - began_s, time.process_time() - cpu
        seen = receiver.close()
    after = outbox.counts()
    if kept.kept + kept.dropped != emitted or after.delivered + after.dropped != emitted:
        raise RuntimeError(f"spans unaccounted for: emitted {emitted}, then {kept}, then {after}")
    return {
        "outage_s": (OUTAGE_S, "s"),
        "outage_spans": (emitted, "{span}"),
        "outage_lost_spans": (emitted - seen["distinct"], "{span}"),
        "outage_twice_spans": (seen["spans"] - seen["distinct"], "{span}"),
        "outage_spool_mb": (round(sum(files) / 1e6, 1), "MB"),
        "outage_spool_files": (len(files), "{file}"),
        "outage_rss_growth_mib": (round(grown, 1), "MiB"),
        "outage_cpu_us_per_span": (round(cpu_us, 1), "us"),
        "outage_drain_spans_per_s": (round(emitted / took_s), "{span}/s"),
        "outage_drain_spans_per_cpu_s": (round(emitted / took_cpu_s), "{span}/s"),
        "outage_drain_over_rate": (round(emitted / took_s / RATE, 1), "x"),
    }


def opened(url: str) -> tuple[Any, Clock]:
    """The spans' way out of a pipeline for `url`, with its two threads called by hand."""
    import worthwhile as ww
    from worthwhile import _setup

    ww.configure(endpoint=url)
    outbox, clock = _setup.active().outboxes[0], Clock()
    outbox._courier._clock_ns = outbox._backlog._clock_ns = outbox._backlog.spool._clock_ns = clock
    outbox._courier.reset()
    outbox._is_new = outbox._drainer.is_parked = False
    outbox._drainer.bell.is_rung = True  # nobody is there to be woken
    return outbox, clock


def away(outbox: Any, clock: Clock) -> int:
    """Record for as long as the receiver is away; how many spans."""
    from lasting import emitter

    emit, emitted, due_ns, attempts = emitter(), 0, 0, 0
    for second in range(1, OUTAGE_S + 1):
        while emitted < second * RATE:
            emitted += emit()
        outbox._drain()
        clock.now_ns += 10**9
        if outbox._courier.is_due() or clock.now_ns >= due_ns:
            attempts += 1
            due_ns = clock.now_ns + int(outbox._courier.step() * 1e9)
    sys.stderr.write(f"bench outage: {emitted} spans, at most {attempts} attempts, why: {outbox.reason}\n")
    return emitted


def deliver(outbox: Any, clock: Clock) -> None:
    """Send until nothing waits."""
    while outbox.counts().waiting:
        clock.now_ns += 10**9
        outbox._courier.step()


def memory_mib() -> float:
    """Resident memory of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1048576


if __name__ == "__main__":
    for figure, (value, unit) in run().items():
        print(f"{figure:<44}{value:>14,} {unit}")
