"""How much the delivery takes before it loses a span, and what a program feels when its receiver is down.

`WORTHWHILE_BENCH_SECONDS` is how long the paced run lasts: 60 for the figure of record, 15 by default; the duration is
recorded beside it. Emitter and receiver share the machine's cores. Every run checks that emitted = received + counted.
"""

import os
import sys
from typing import Any

from harness.processes import Receiver, emit, receiving

SECONDS = float(os.environ.get("WORTHWHILE_BENCH_SECONDS", "15"))
OUR_RATES = (30_000, 25_000, 20_000, 15_000, 10_000, 5_000)
STOCK_RATES = (8_000, 6_000, 4_500, 3_000, 2_000)
STOCK_SECONDS = 6.0
BURST = 20_000
TIMED = 800
DOWN = ("refused", "503", "hang", "blackhole")


def run() -> dict[str, tuple[float, str]]:
    """Lossless rates, losses of a burst, and what a receiver costs that is down."""
    figures = {**rates("ours", OUR_RATES, SECONDS), **burst(), **down()}
    figures |= {f"stock_{name}": value for name, value in rates("stock", STOCK_RATES, STOCK_SECONDS).items()}
    return figures


def rates(pipe: str, offered: tuple[int, ...], seconds: float) -> dict[str, tuple[float, str]]:
    """The highest of the offered rates that is delivered whole."""
    for rate in offered:
        with receiving("ok") as receiver:
            told = emit(pipe, receiver.url, rate=rate, seconds=seconds, flush=30)
            seen = receiver.close()
        check(pipe, told, seen)
        lost = told["emitted"] - seen["distinct"]
        sys.stderr.write(
            f"bench delivery: {pipe} at {rate}/s: {told['per_s']:.0f}/s for {told['seconds']:.0f} s, {lost} lost, "
            f"{told['cpu_us']:.1f} us CPU a span, {told['rss_mib']:.0f} MiB more\n"
        )
        if lost == 0:
            return {
                "lossless_spans_per_s": (round(told["per_s"]), "{span}/s"),
                "lossless_seconds": (round(told["seconds"], 1), "s"),
                "lossless_cpu_us_per_span": (round(told["cpu_us"], 1), "us"),
                "lossless_rss_mib": (round(told["rss_mib"], 1), "MiB"),
                "lossless_rss_late_growth_mib": (round(told["late_growth_mib"], 1), "MiB"),
            }
    return {"lossless_spans_per_s": (0, "{span}/s")}


def burst() -> dict[str, tuple[float, str]]:
    """Spans lost of a burst of 20,000, as fast as they can be made, with the receiver up."""
    figures = {}
    for pipe in ("ours", "stock"):
        with receiving("ok") as receiver:
            told = emit(pipe, receiver.url, burst=BURST, flush=30)
            seen = receiver.close()
        check(pipe, told, seen)
        name = "burst_lost_spans" if pipe == "ours" else "stock_burst_lost_spans"
        figures[name] = (told["emitted"] - seen["distinct"], "{span}")
    return figures


def down() -> dict[str, tuple[float, str]]:
    """What a call, a flush and the exit take when the receiver is down, each way that it can be."""
    up_us = min(up() for _ in range(2))
    figures: dict[str, tuple[float, str]] = {"up_us_per_call": (round(up_us, 1), "us")}
    added, flushes, exits = [], [], []
    for mode in DOWN:
        receiver = Receiver("hang" if mode == "refused" else mode)
        if mode == "refused":
            receiver.close()  # nobody listens there now
        told = emit("ours", receiver.url, timed=TIMED, flush=2)
        exits.append(emit("ours", receiver.url, burst=1000)["exit_s"])
        if mode != "refused":
            receiver.close()
        added.append(told["median_us"] - up_us)
        flushes.append(told["flush_s"])
        figures[f"down_{mode}_added_us_per_call"] = (round(added[-1], 1), "us")
        figures[f"down_{mode}_flush_s"] = (round(flushes[-1], 3), "s")
        figures[f"down_{mode}_exit_s"] = (round(exits[-1], 3), "s")
    figures["down_added_us_worst"] = (round(max(added), 1), "us")
    figures["flush_2_s_worst"] = (round(max(flushes), 3), "s")
    figures["exit_s_worst"] = (round(max(exits), 3), "s")
    return figures | stock_down()


def up() -> float:
    """Microseconds of a call while the receiver is up."""
    with receiving("ok") as receiver:
        return emit("ours", receiver.url, timed=TIMED)["median_us"]


def stock_down() -> dict[str, tuple[float, str]]:
    """The stock pipeline before a receiver that accepts and never answers, its worst case."""
    with receiving("hang") as receiver:
        told = emit("stock", receiver.url, burst=1000, flush=2)
        exit_s = emit("stock", receiver.url, burst=1000)["exit_s"]
    return {"stock_flush_2_s_worst": (round(told["flush_s"], 1), "s"), "stock_exit_s_worst": (round(exit_s, 1), "s")}


def check(pipe: str, told: dict[str, Any], seen: dict[str, int]) -> None:
    """Raise unless every span is accounted for: received, or counted by us as lost."""
    if pipe == "ours":
        counted = told["delivered"] + told["failed"] + told["dropped"] + told["waiting"]
        if counted != told["emitted"] or told["delivered"] > seen["distinct"]:
            raise RuntimeError(f"spans unaccounted for: {told} {seen}")


if __name__ == "__main__":
    for figure, (value, unit) in run().items():
        print(f"{figure:<44}{value:>14,} {unit}")
