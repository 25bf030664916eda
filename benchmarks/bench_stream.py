"""What following a stream costs: instructions on the caller's thread per call of 23 chunks, and per chunk."""

import sys

from harness import canned, counting

CALLS = 20
OTHERS = ("responses_stream", "claude_stream", "chat_stream_async")


def run() -> dict[str, tuple[float, str]]:
    """Thousands of instructions that watching adds, on the caller's thread."""
    try:
        return measure()
    except counting.MissingToolError as missing:
        sys.stderr.write(f"bench stream: skipped: {missing}\n")
        return {}


def measure() -> dict[str, tuple[float, str]]:
    """Ours, and OpenTelemetry's current instrumentation where it is there."""
    whole = counting.inline("worthwhile", "chat_stream", CALLS)
    plain = counting.inline("worthwhile", "chat", CALLS)
    figures = {
        "stream_kilo_instructions_per_call": (round(whole, 1), "k"),
        "stream_kilo_instructions_per_chunk": (round((whole - plain) / canned.CHUNKS, 2), "k"),
        "stream_chunks_per_call": (canned.CHUNKS, "{chunk}"),
    }
    for scenario in OTHERS:
        figures[f"{scenario}_kilo_instructions_per_call"] = (
            round(counting.inline("worthwhile", scenario, CALLS), 1),
            "k",
        )
    for peer in counting.available(("genai_openai", "openai_v2")):
        theirs = counting.inline(peer, "chat_stream", CALLS)
        figures[f"peer_{peer}_stream_kilo_instructions_per_call"] = (round(theirs, 1), "k")
    return figures


if __name__ == "__main__":
    for figure, (value, unit) in run().items():
        print(f"{figure:<44}{value:>14,} {unit}")
