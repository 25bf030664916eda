"""What turning finished spans into OTLP bytes takes: our own spans, any span of the SDK, and the stock encoder.

Our own are fresh in each round, so that their attributes and cost are worked out as well; the CPU of the fastest round
counts.
"""

import gc
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "sdk"), str(ROOT / "schemas")]

SPANS = 512
ROUNDS = 25


def run() -> dict[str, tuple[float, str]]:
    """Microseconds per span and ratios, in one run."""
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as stock

    try:
        from worthwhile._encode import encode_spans as fast
    except ImportError:  # before there was an encoder of our own
        fast = _stock_bytes
    generic = _sdk_spans()
    best: dict[str, float] = {"own": math.inf, "any": math.inf, "stock": math.inf}
    own = _own_spans()
    sizes: dict[str, int] = {}
    for round_ in range(ROUNDS):
        spans = own()
        works: dict[str, tuple[Callable[[Sequence[Any]], Any], Sequence[Any]]] = {
            "own": (fast, spans),
            "any": (fast, generic),
            "stock": (lambda given: stock(given).SerializePartialToString(), generic),
        }
        for name in sorted(works, reverse=bool(round_ % 2)):
            work, given = works[name]
            taken, result = _timed(work, given)
            best[name] = min(best[name], taken)
            sizes[name] = len(result)
    us = {name: taken / SPANS / 1e3 for name, taken in best.items()}
    return {
        "encode_us_own": (round(us["own"], 2), "us"),
        "encode_us_any": (round(us["any"], 2), "us"),
        "encode_us_stock": (round(us["stock"], 2), "us"),
        "encode_stock_over_own": (round(us["stock"] / us["own"], 1), "x"),
        "encode_stock_over_any": (round(us["stock"] / us["any"], 1), "x"),
        "encode_bytes_own": (round(sizes["own"] / SPANS), "By"),
        "encode_bytes_any": (round(sizes["any"] / SPANS), "By"),
    }


def _stock_bytes(spans: Sequence[Any]) -> bytes:
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

    return encode_spans(spans).SerializePartialToString()


def _timed(work: Callable[[Sequence[Any]], Any], given: Sequence[Any]) -> tuple[int, Any]:
    gc.collect()
    gc.disable()
    began = time.thread_time_ns()
    result = work(given)
    taken = time.thread_time_ns() - began
    gc.enable()
    return taken, result


def _own_spans() -> Callable[[], list[Any]]:
    """Makes fresh spans of model calls with a real client, and keeps them from being sent."""
    sys.path.insert(0, str(ROOT / "benchmarks" / "harness"))
    import canned

    import worthwhile
    from worthwhile._delivery import Outbox

    kept: list[Any] = []
    Outbox.put = lambda self, span: kept.append(span)
    worthwhile.configure(endpoint="http://127.0.0.1:9")
    call = canned.caller("chat")

    def make() -> list[Any]:
        kept.clear()
        call(SPANS)
        return list(kept)

    return make


def _sdk_spans() -> list[Any]:
    """Spans of the SDK with fifteen attributes, as any instrumentation makes them."""
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import SpanKind

    kept: list[Any] = []

    class Keeper(SpanProcessor):
        def on_end(self, span: Any) -> None:
            kept.append(span)

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Keeper())
    tracer = provider.get_tracer("bench", "0")
    for number in range(SPANS):
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.request.temperature": 0.2,
            "gen_ai.request.max_tokens": 256,
            "gen_ai.response.id": f"chatcmpl-{number}",
            "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
            "gen_ai.response.finish_reasons": ("stop",),
            "gen_ai.usage.input_tokens": 1200 + number,
            "gen_ai.usage.output_tokens": 96,
            "gen_ai.usage.cache_read.input_tokens": 1024,
            "gen_ai.usage.reasoning.output_tokens": 32,
            "server.address": "api.openai.com",
            "server.port": 443,
            "openai.response.service_tier": "default",
        }
        with tracer.start_as_current_span("chat gpt-4o-mini", kind=SpanKind.CLIENT, attributes=attributes):
            pass
    return kept


if __name__ == "__main__":
    for figure, (value, unit) in run().items():
        print(f"{figure:<44}{value:>14,} {unit}")
