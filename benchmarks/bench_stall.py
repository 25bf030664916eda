"""How long an export holds up the program's other threads: how late one wakes that sleeps for half a millisecond.

While it sleeps and wakes, 512 finished spans are handed to the pipeline ten times a second, which encodes them and
sends them to a receiver in another process. Ours and the stock pipeline take turns, beside a control without an
export.

At the lossless rate of `bench_delivery` the emitting thread disturbs as well, so that it takes turns with itself where
its spans go nowhere; and how long our threads hold the interpreter lock is measured in CPU time (`harness/holding.py`).
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.processes import HERE, environment, receiving

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "sdk"), str(ROOT / "schemas"), str(ROOT / "benchmarks" / "harness")]

BATCH = 512
TURNS = 4
TURN_S = 2.5
PAUSE_S = 0.1
SLEEP_S = 0.0005
FULL_RATE = 30_000
FULL_RATE_S = 6.0


def run() -> dict[str, tuple[float, str]]:
    """Milliseconds of delay that 99 of 100 wake-ups stay under."""
    import os

    figures = at_the_full_rate()
    with receiving("ok") as receiver, tempfile.TemporaryDirectory() as state:
        os.environ["XDG_STATE_HOME"] = state
        hands = {"none": lambda: None, "ours": _ours(receiver.url), "stock": _stock(receiver.url)}
        delays: dict[str, list[float]] = {name: [] for name in hands}
        for _ in range(TURNS):
            for name, hand_over in hands.items():
                delays[name] += _watch(hand_over)
        exported = receiver.close()["spans"]
    if exported < 2 * TURNS * TURN_S / PAUSE_S * BATCH / 2:
        raise RuntimeError(f"only {exported} spans were exported")
    p99 = {name: _quantile(found, 0.99) * 1e3 for name, found in delays.items()}
    return figures | {
        "stall_p99_ms": (round(p99["ours"], 3), "ms"),
        "stall_p99_ms_stock": (round(p99["stock"], 3), "ms"),
        "stall_p99_ms_without_export": (round(p99["none"], 3), "ms"),
        "stall_p999_ms": (round(_quantile(delays["ours"], 0.999) * 1e3, 3), "ms"),
        "stall_p999_ms_stock": (round(_quantile(delays["stock"], 0.999) * 1e3, 3), "ms"),
        "stall_p999_ms_without_export": (round(_quantile(delays["none"], 0.999) * 1e3, 3), "ms"),
    }


def at_the_full_rate() -> dict[str, tuple[float, str]]:
    """Milliseconds of delay, and microseconds of holding the interpreter lock, at 30,000 spans a second."""
    told = [(mode, _hold(mode)) for mode in ("control", "wake-ups", "holds", "wake-ups", "control")]
    late = {mode: min(each["late_p99_ms"] for name, each in told if name == mode) for mode, _ in told}
    holds = dict(told)["holds"]
    return {
        "stall_full_rate_p99_ms": (round(late["wake-ups"], 3), "ms"),
        "stall_full_rate_p99_ms_without_export": (round(late["control"], 3), "ms"),
        "hold_full_rate_p50_us": (round(holds["hold_p500_us"]), "us"),
        "hold_full_rate_p99_us": (round(holds["hold_p990_us"]), "us"),
        "hold_full_rate_p999_us": (round(holds["hold_p999_us"]), "us"),
    }


def _hold(mode: str) -> dict[str, Any]:
    """What `holding.py` tells, after a check that it emitted and, but for the control, exported."""
    with receiving("ok") as receiver, tempfile.TemporaryDirectory() as state:
        words = [mode, receiver.url, str(FULL_RATE), str(FULL_RATE_S)]
        done = subprocess.run(
            [sys.executable, str(HERE / "holding.py"), *words],
            stdout=subprocess.PIPE,
            check=True,
            env=environment(state),
        )
        exported = receiver.close()["distinct"]
    told: dict[str, Any] = json.loads(done.stdout)
    if told["delivered"] != exported or (exported < FULL_RATE * FULL_RATE_S * 0.9) is not (mode == "control"):
        raise RuntimeError(f"{mode}: {exported} spans were exported, of which it knows: {told}")
    return told


def _watch(hand_over: Callable[[], None]) -> list[float]:
    """Seconds of delay of each wake-up during one turn."""
    is_over = threading.Event()

    def export() -> None:
        while not is_over.wait(PAUSE_S):
            hand_over()

    thread = threading.Thread(target=export, daemon=True)
    thread.start()
    found = []
    end = time.perf_counter() + TURN_S
    while (began := time.perf_counter()) < end:
        time.sleep(SLEEP_S)
        found.append(time.perf_counter() - began - SLEEP_S)
    is_over.set()
    thread.join()
    time.sleep(0.3)  # what is still on its way is not the next turn's
    return found


def _ours(url: str) -> Callable[[], None]:
    """Hands our own pipeline fresh spans of model calls, made in advance with a real client."""
    import canned

    import worthwhile as ww
    from worthwhile import _setup
    from worthwhile._delivery import Outbox

    waiting: list[Any] = []
    put, Outbox.put = Outbox.put, lambda self, span: waiting.append(span)  # before the pipeline takes hold of it
    ww.configure(endpoint=url)
    outbox = _setup.active().outboxes[0]
    spans = int(TURNS * TURN_S / PAUSE_S * 1.1) * BATCH
    canned.caller("chat")(spans)
    Outbox.put = put
    if len(waiting) < spans:
        raise RuntimeError(f"{len(waiting)} of {spans} spans were caught")

    def hand_over() -> None:
        for _ in range(min(BATCH, len(waiting))):
            put(outbox, waiting.pop())

    return hand_over


def _stock(url: str) -> Callable[[], None]:
    """Hands the SDK's batch processor spans with fifteen attributes."""
    from bench_encode import _sdk_spans
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{url}/v1/traces"))
    spans: list[Any] = _sdk_spans()

    def hand_over() -> None:
        for span in spans:
            processor.on_end(span)

    return hand_over


def _quantile(found: list[float], share: float) -> float:
    return sorted(found)[int(len(found) * share)]


if __name__ == "__main__":
    for figure, (value, unit) in run().items():
        print(f"{figure:<44}{value:>14,} {unit}")
