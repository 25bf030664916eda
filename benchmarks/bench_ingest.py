"""OTLP bytes to typed rows in the embedded ClickHouse: spans a second by wall clock and by CPU.

The spans are 38-attribute calls as the SDK encodes them, in requests of 512 spans (the SDK's largest batch). What is
timed is `Store.insert_protobuf` of framed requests into `otel_traces`, its look-up table, and `calls`, with merges
going on as in use. Beside it, in the same run, since shared cores are noisy: ClickHouse parsing the same bytes and
storing nothing, a Python decode of them, a collector that decodes in Python and inserts the same two tables, and blocks
of `otel_traces` as a stock exporter sends them. A run takes about two minutes and 2 GB of memory.
"""

import os
import random
import resource
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / folder) for folder in ("benchmarks", "sdk", "schemas", "collectors", "dashboards")]

from harness.python_path import PythonPath  # noqa: E402
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest  # noqa: E402

from worthwhile_collectors.store import Store, framed, open_store  # noqa: E402
from worthwhile_schemas.sql import insert_settings  # noqa: E402

SPANS_PER_REQUEST = 512
REQUESTS = 200
BATCHES = {"segment": 80, "full_chain": 200}
"""Requests in one call of `insert_protobuf`: the 64 MB of a spool segment, or all 164 MB; both go in as parts."""
ROUNDS = 3
MODELS = (
    ("openai", "gpt-5-mini", "gpt-5-mini-2025-08-07"),
    ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
    ("llama_cpp", "tiny", "tiny-q4"),
)
WORKLOADS = ("ticket-reply", "summarise", "extract", "triage", "rewrite", "classify")
RESOURCE = {
    "service.name": "support-api",
    "service.version": "1.4.2",
    "deployment.environment.name": "prod",
    "host.name": "worker-1",
    "telemetry.sdk.name": "opentelemetry",
    "telemetry.sdk.language": "python",
    "telemetry.sdk.version": "1.45.2",
}


def run() -> dict[str, tuple[float, str]]:
    """Best of a few rounds of everything, and sizes of rows and of the process."""
    requests = made_requests()
    spans = len(requests) * SPANS_PER_REQUEST
    sample = requests[:20]
    decode = min(python_decode_seconds(sample) for _ in range(ROUNDS)) / (len(sample) * SPANS_PER_REQUEST)
    figures: dict[str, tuple[float, str]] = {
        "ingest_otlp_bytes_per_span": (round(sum(map(len, requests)) / spans), "By"),
        "ingest_spans_per_cpu_s_python_decode": (round(1 / decode), "{span}/s"),
    }
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "data")
        try:
            store.migrate()
            parse = min(parse_only_cpu_seconds(store, requests, f"parse-{number}") for number in range(ROUNDS)) / spans
            figures["ingest_spans_per_cpu_s_parse_only"] = (round(1 / parse), "{span}/s")
            for name, size in BATCHES.items():
                batches = [framed(requests[start : start + size]) for start in range(0, len(requests), size)]
                rounds = [insert_seconds(store, batches, f"{name}-{number}") for number in range(ROUNDS)]
                wall, cpu = (min(seconds) / spans for seconds in zip(*rounds, strict=True))
                figures[f"ingest_spans_per_s_{name}"] = (round(1 / wall), "{span}/s")
                figures[f"ingest_spans_per_cpu_s_{name}"] = (round(1 / cpu), "{span}/s")
                figures[f"ingest_cpu_{name}_over_parse_only"] = (round(cpu / parse, 2), "x")
                figures[f"ingest_peak_rss_mb_{name}"] = (peak_rss_mb(), "MiB")
            cpu = min(python_path_cpu_seconds(store, requests[:60]) for _ in range(ROUNDS)) / (60 * SPANS_PER_REQUEST)
            figures["ingest_spans_per_cpu_s_python_path"] = (round(1 / cpu), "{span}/s")
            chain = figures["ingest_spans_per_cpu_s_full_chain"][0]
            figures["ingest_full_chain_over_python_path"] = (round(chain * cpu, 2), "x")
            cpu = min(stock_cpu_seconds(store, f"stock-{number}") for number in range(ROUNDS)) / spans
            figures["ingest_spans_per_cpu_s_stock_otel_traces"] = (round(1 / cpu), "{span}/s")
            figures |= storage(store, requests)
        finally:
            store.close()
    return figures


def insert_seconds(store: Store, batches: list[bytes], token: str) -> tuple[float, float]:
    """Wall and CPU seconds of inserting the batches one after the other."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    for number, batch in enumerate(batches):
        if store.insert_protobuf("traces", batch, f"{token}-{number}"):
            raise RuntimeError("ClickHouse could not read a request of the benchmark")
    return time.perf_counter() - wall, cpu_seconds() - cpu


def parse_only_cpu_seconds(store: Store, requests: list[bytes], token: str) -> float:
    """CPU seconds of the parser alone: the same bytes into a table that keeps nothing and that no view reads."""
    store.command("CREATE TABLE IF NOT EXISTS parse_only AS otlp_traces_in ENGINE = Null")
    batch = framed(requests)
    settings = insert_settings("traces", token)
    cpu = cpu_seconds()
    store._engine.insert("parse_only", "Protobuf", batch, settings)
    return cpu_seconds() - cpu


def python_path_cpu_seconds(store: Store, requests: list[bytes]) -> float:
    """CPU seconds of decoding in Python and storing the same two tables, which no view reads."""
    path = PythonPath(store)
    cpu = cpu_seconds()
    path.insert(requests)
    return cpu_seconds() - cpu


def stock_cpu_seconds(store: Store, token: str) -> float:
    """CPU seconds of all spans as one Native block stream into `otel_traces`, from where they become calls."""
    spans = REQUESTS * SPANS_PER_REQUEST
    given = insert_settings("traces", token)
    settings = {name: value for name, value in given.items() if "format" not in name}
    data = store._engine.run("SELECT * FROM otel_traces LIMIT {spans:UInt32}", "Native", {"spans": spans})
    cpu = cpu_seconds()
    store._engine.insert("otel_traces", "Native", data, settings)
    return cpu_seconds() - cpu


def storage(store: Store, requests: list[bytes]) -> dict[str, tuple[float, str]]:
    """Bytes of a stored row, each span stored once and merged; checks that every span became exactly one call."""
    for table in ("calls", "otel_traces"):
        store.command(f"TRUNCATE TABLE {table}")
    store.insert_protobuf("traces", framed(requests), "storage")
    store.insert_protobuf("traces", framed(requests[:10]), "storage-again")
    counted = store.query("SELECT count() AS calls, sum(output_tokens) > 0 AS has_tokens FROM calls_final")
    if counted != [{"calls": len(requests) * SPANS_PER_REQUEST, "has_tokens": 1}]:
        raise RuntimeError(f"{len(requests) * SPANS_PER_REQUEST} spans became {counted}")
    store.command("OPTIMIZE TABLE calls FINAL")
    sql = """
        SELECT table, sum(bytes_on_disk) / sum(rows) AS bytes FROM system.parts
        WHERE active AND database = currentDatabase() AND table IN ('calls', 'otel_traces') GROUP BY table
    """
    sizes = {str(row["table"]): float(str(row["bytes"])) for row in store.query(sql)}
    return {f"{table}_bytes_per_row": (round(size, 1), "By") for table, size in sizes.items()}


def peak_rss_mb() -> int:
    """Largest resident size of this process so far; the requests themselves are 330 MB of it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def cpu_seconds() -> float:
    """CPU time of all threads of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def python_decode_seconds(requests: list[bytes]) -> float:
    """CPU seconds of parsing requests with protobuf's C parser and reading every span into a dict, nothing stored."""
    started = time.process_time()
    for body in requests:
        for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scoped in resource_spans.scope_spans:
                for span in scoped.spans:
                    row = {item.key: _value(item.value) for item in span.attributes}
                    row["ids"] = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                    row["times"] = (span.start_time_unix_nano, span.end_time_unix_nano)
    return time.process_time() - started


def _value(value) -> object:
    kind = value.WhichOneof("value")
    return [_value(item) for item in value.array_value.values] if kind == "array_value" else getattr(value, kind)


def made_requests() -> list[bytes]:
    """Requests with different ids, times, tokens and costs; always the same ones, but for the day that they are of."""
    chance = random.Random(7)
    start = (time.time_ns() // 86_400_000_000_000) * 86_400_000_000_000
    return [request(chance, start + number * SPANS_PER_REQUEST * 7_000_000) for number in range(REQUESTS)]


def request(chance: random.Random, start: int) -> bytes:
    """One request of 512 call spans."""
    made = ExportTraceServiceRequest()
    resource_spans = made.resource_spans.add()
    for key, value in RESOURCE.items():
        resource_spans.resource.attributes.add(key=key).value.string_value = value
    scoped = resource_spans.scope_spans.add()
    scoped.scope.name, scoped.scope.version = "worthwhile", "0.1.0"
    for number in range(SPANS_PER_REQUEST):
        began = start + number * 7_000_000 + chance.randrange(5_000_000)
        attributes = call_attributes(chance, began)
        span = scoped.spans.add(name=f"chat {attributes['gen_ai.request.model']}", kind=3)
        span.trace_id, span.span_id, span.parent_span_id = (chance.randbytes(size) for size in (16, 8, 8))
        span.start_time_unix_nano = began
        span.end_time_unix_nano = began + chance.randrange(200_000_000, 9_000_000_000)
        for key, value in attributes.items():
            _set(span.attributes.add(key=key).value, value)
    return made.SerializeToString()


def call_attributes(chance: random.Random, began: int) -> dict[str, object]:
    """The 38 attributes of one call."""
    provider, model, answered = chance.choice(MODELS)
    tokens, written = chance.randrange(200, 9000), chance.randrange(20, 1500)
    parts = [chance.randrange(10**9) for _ in range(4)]
    return {
        "worthwhile.span.type": "call",
        "worthwhile.workload": chance.choice(WORKLOADS),
        "worthwhile.task.id": run_id(chance, began),
        "worthwhile.task.key": f"T-{chance.randrange(10**6)}",
        "worthwhile.task.ancestors": run_id(chance, began),
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.response.model": answered,
        "gen_ai.request.stream": True,
        "gen_ai.request.max_tokens": 1024,
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.top_p": 0.95,
        "gen_ai.request.seed": 7,
        "openai.api.type": "chat_completions",
        "server.address": "api.example.com",
        "server.port": 443,
        "gen_ai.response.id": f"chatcmpl-{chance.randbytes(12).hex()}",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": chance.random(),
        "openai.response.service_tier": "default",
        "worthwhile.service_tier": "standard",
        "gen_ai.token.semantics": "inclusive",
        "gen_ai.usage.input_tokens": tokens,
        "gen_ai.usage.output_tokens": written,
        "gen_ai.usage.cache_read.input_tokens": chance.randrange(tokens),
        "gen_ai.usage.cache_write.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": written // 3,
        "worthwhile.usage.basis": "reported",
        "worthwhile.cost.amount": sum(parts[:3]) / 1e12,
        "worthwhile.cost.input": parts[0] / 1e12,
        "worthwhile.cost.cache_read": parts[1] / 1e12,
        "worthwhile.cost.output": parts[2] / 1e12,
        "worthwhile.cost.cache_saving": parts[3] / 1e12,
        "worthwhile.cost.basis": "list",
        "worthwhile.cost.price_version": "2026-11-20",
        "worthwhile.route.tier": "frontier",
        "gen_ai.conversation.id": f"c-{chance.randbytes(6).hex()}",
    }


def run_id(chance: random.Random, began: int) -> str:
    """A UUIDv7 of the moment."""
    raw = bytearray((began // 10**6).to_bytes(6) + chance.randbytes(10))
    raw[6] = raw[6] & 0x0F | 0x70
    raw[8] = raw[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(raw)))


def _set(target, value: object) -> None:
    if isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, list):
        for item in value:
            target.array_value.values.add().string_value = item
    else:
        target.string_value = value


if __name__ == "__main__":
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    for key, (value, unit) in run().items():
        print(f"{key:45s} {value:>12,} {unit}")
