"""What one openai chat call costs on top of the client: instructions, allocations and bytes kept, ours and others'.

Everything is a count, in one run on one machine: callgrind counts instructions, a preloaded shim allocations. Peers are
measured where their environments have been made (`benchmarks/peers/make_venvs.py`); no environment, no figure. Content
is off wherever it can be, cost is on.
"""

import os
import sys

from harness import counting

CALLS = 100
SHOWN = {
    "genai_openai": "OpenTelemetry's own, current",
    "openai_v2": "OpenTelemetry's own, previous, latest conventions",
    "openllmetry": "OpenLLMetry",
    "openinference": "OpenInference",
    "openlit": "openlit, with cost, on openai 2",
    "logfire": "logfire, content cannot be off",
    "langfuse": "langfuse, content cannot be off",
}


def run() -> dict[str, tuple[float, str]]:
    """Thousands of instructions, mallocs and bytes per call; ratios to a bare span and to each peer."""
    try:
        return measure()
    except counting.MissingToolError as missing:
        sys.stderr.write(f"bench call: skipped: {missing}\n")
        return {}


def measure() -> dict[str, tuple[float, str]]:
    """Every figure."""
    ours = counting.instructions("worthwhile", count=CALLS)
    bare = counting.instructions("bare_span", count=CALLS)
    hosted = counting.instructions("worthwhile_hosted", count=CALLS)
    mallocs, size = counting.allocations("worthwhile")
    bare_mallocs, bare_size = counting.allocations("bare_span")
    figures = {
        "inline_kilo_instructions_per_call": (round(ours.inline, 1), "k"),
        "total_kilo_instructions_per_call": (round(ours.total, 1), "k"),
        "delivered_kilo_instructions_per_call": (round(counting.delivered("worthwhile", count=CALLS), 1), "k"),
        "client_kilo_instructions_per_call": (round(ours.base, 1), "k"),
        "hosted_inline_kilo_instructions_per_call": (round(hosted.inline, 1), "k"),
        "hosted_total_kilo_instructions_per_call": (round(hosted.total, 1), "k"),
        "bare_span_inline_kilo_instructions": (round(bare.inline, 1), "k"),
        "bare_span_total_kilo_instructions": (round(bare.total, 1), "k"),
        "inline_over_bare_span": (round(ours.inline / bare.inline, 3), "x"),
        "total_over_bare_span": (round(ours.total / bare.total, 3), "x"),
        "mallocs_per_call": (round(mallocs, 1), "{malloc}"),
        "malloc_bytes_per_call": (round(size), "By"),
        "bare_span_mallocs": (round(bare_mallocs, 1), "{malloc}"),
        "bare_span_malloc_bytes": (round(bare_size), "By"),
        "kept_bytes_per_queued_span": (round(counting.kept("worthwhile")), "By"),
        "bare_span_kept_bytes": (round(counting.kept("bare_span")), "By"),
    }
    return figures | peers(ours)


def peers(ours: counting.Count) -> dict[str, tuple[float, str]]:
    """The same of the peers that are there; how many times ours each takes."""
    found: dict[str, counting.Count] = {}
    figures: dict[str, tuple[float, str]] = {}
    if os.environ.get("WORTHWHILE_BENCH_PEERS") == "0":
        return {}
    for name in counting.available():
        sys.stderr.write(f"bench call: {name} ({SHOWN[name]})\n")
        try:
            found[name] = counting.instructions(name, count=CALLS)
            mallocs, size = counting.allocations(name)
        except RuntimeError as error:
            sys.stderr.write(f"bench call: {name} does not work: {error}\n")
            continue
        figures |= {
            f"peer_{name}_inline_kilo_instructions": (round(found[name].inline, 1), "k"),
            f"peer_{name}_total_kilo_instructions": (round(found[name].total, 1), "k"),
            f"peer_{name}_mallocs": (round(mallocs, 1), "{malloc}"),
            f"peer_{name}_malloc_bytes": (round(size), "By"),
        }
    if found:
        figures["best_peer_inline_over_ours"] = (
            round(min(each.inline for each in found.values()) / ours.inline, 1),
            "x",
        )
        figures["best_peer_total_over_ours"] = (round(min(each.total for each in found.values()) / ours.total, 1), "x")
    return figures


if __name__ == "__main__":
    for figure, (value, unit) in run().items():
        print(f"{figure:<44}{value:>14,} {unit}")
