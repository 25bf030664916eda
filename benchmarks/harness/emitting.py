"""A process that emits spans of model calls through ours or the stock pipeline; prints one line of JSON.

The calls are not made with a client, so that thousands a second are possible: ours go through the one writer of call
spans, the stock ones are spans of the SDK with as many attributes.
"""

import argparse
import json
import logging
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Emit = Callable[[], None]
Flush = Callable[[float], Any]


def ours(endpoint: str) -> tuple[Emit, Flush, Callable[[], dict[str, Any]]]:
    """What emits a call through ours, flushes, and tells the counts."""
    import worthwhile
    from worthwhile import Usage
    from worthwhile._invocation import CallRequest, CallResponse, start

    worthwhile.configure(endpoint=endpoint)
    request = CallRequest("chat", "openai", "gpt-4o-mini")
    response = CallResponse("chatcmpl-1", "gpt-4o-mini-2024-07-18", ("stop",), Usage(1200, 96, 1024), "default")

    def emit() -> None:
        start(request).finish(response)

    def counts() -> dict[str, Any]:
        stats = worthwhile.stats()
        return {name: getattr(stats, name) for name in ("delivered", "failed", "dropped", "waiting")}

    return emit, worthwhile.flush, counts


def stock(endpoint: str) -> tuple[Emit, Flush, Callable[[], dict[str, Any]]]:
    """The same with the SDK's own batch processor and exporter, as they come."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import SpanKind

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")))
    tracer = provider.get_tracer("bench", "0")
    attributes = {f"gen_ai.bench.attribute_{number}": number for number in range(15)}

    def emit() -> None:
        with tracer.start_as_current_span("chat gpt-4o-mini", kind=SpanKind.CLIENT, attributes=attributes):
            pass

    return emit, lambda seconds: provider.force_flush(int(seconds * 1000)), dict


def paced(emit: Emit, rate: int, seconds: float) -> tuple[int, float]:
    """Emit at a rate, in a hundred small blocks a second; how many, and MiB that memory grew after the first third."""
    block, emitted, settled = max(1, rate // 100), 0, 0.0
    began = due = time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        if not settled and passed > seconds / 3:
            settled = memory_mib()
        for _ in range(block):
            emit()
        emitted += block
        due += block / rate
        time.sleep(max(0.0, due - time.perf_counter()))
    return emitted, memory_mib() - settled


def memory_mib() -> float:
    """Resident memory of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1048576


def timed(emit: Emit, count: int) -> list[int]:
    """Nanoseconds of each of `count` emissions, a millisecond apart as calls of a client would be."""
    found = []
    for _ in range(count):
        began = time.perf_counter_ns()
        emit()
        found.append(time.perf_counter_ns() - began)
        time.sleep(0.001)
    return sorted(found)


def main() -> None:
    """Emit as asked; leave through the interpreter's exit, with the pipeline's own exit hook."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pipe", choices=["ours", "stock"], required=True)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--rate", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--burst", type=int, default=0)
    parser.add_argument("--timed", type=int, default=0)
    parser.add_argument("--flush", type=float, default=0)
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)
    emit, flush, counts = {"ours": ours, "stock": stock}[chosen.pipe](chosen.endpoint)
    for _ in range(100):
        emit()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cpu, began = time.process_time(), time.perf_counter()
    emitted, nanoseconds = 100, []
    result: dict[str, Any] = {}
    if chosen.rate:
        count, result["late_growth_mib"] = paced(emit, chosen.rate, chosen.seconds)
        emitted += count
    for _ in range(chosen.burst):
        emit()
    emitted += chosen.burst
    if chosen.timed:
        nanoseconds = timed(emit, chosen.timed)
        emitted += chosen.timed
    took = time.perf_counter() - began
    result |= {"emitted": emitted, "seconds": took, "per_s": emitted / took}
    if nanoseconds:
        result["median_us"] = nanoseconds[len(nanoseconds) // 2] / 1e3
    if chosen.flush:
        began = time.perf_counter()
        result["flushed"] = bool(flush(chosen.flush))
        result["flush_s"] = time.perf_counter() - began
    result["cpu_us"] = (time.process_time() - cpu) / emitted * 1e6
    result["rss_mib"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    result |= counts()
    print(json.dumps(result), flush=True)
    os.close(sys.stdout.fileno())  # whoever measures the exit starts its clock now


if __name__ == "__main__":
    main()
