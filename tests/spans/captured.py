"""Captured spans as the OTLP requests that carry them, and the rows of `calls_final` that they become."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from worthwhile_collectors.store import Store, framed

CAPTURES: Final = Path(__file__).parent / "captures"
EXPECTED: Final = Path(__file__).parent / "expected"
STATUS: Final = {"UNSET": 0, "OK": 1, "ERROR": 2}
START: Final = 1_795_219_200_000_000_000
SECOND: Final = 1_000_000_000

COLUMNS: Final = (
    "scenario", "span_name", "dialect", "operation", "provider", "request_model", "response_model", "response_id",
    "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens",
    "reasoning_tokens", "audio_input_tokens", "audio_output_tokens", "image_input_tokens", "web_searches",
    "usage_basis", "cost_reported_usd", "cost_usd", "cost_basis", "finish_reason", "error_type", "is_stream",
    "ttft_ms", "duration_ms", "resend_count", "service_tier", "requested_service_tier", "reasoning_level",
    "cache_kind", "user_id", "session_id", "conversation_id", "agent", "workload", "tags", "quality",
)  # fmt: skip
CHAIN_TABLES: Final = ("otel_traces", "otel_traces_trace_id_ts", "calls", "attempts", "task_runs", "call_emitters")


def spans(name: str) -> list[dict[str, Any]]:
    """Spans of a capture; what a hand-made one leaves out (ids, times) is given by its place in the file."""
    lines = (CAPTURES / f"{name}.jsonl").read_text().splitlines()
    blank = {"parent": "", "status": "OK", "events": []}
    return [
        {
            **blank,
            "trace": f"{number:032x}",
            "span": f"{number:016x}",
            "start": START + number * 10 * SECOND,
            "end": START + number * 10 * SECOND + SECOND,
            **json.loads(line),
        }
        for number, line in enumerate(lines, 1)
    ]


def request(found: Iterable[Mapping[str, Any]]) -> bytes:
    """The spans in one OTLP request, as the stock encoder writes it."""
    made = ExportTraceServiceRequest()
    for one in found:
        resource_spans = made.resource_spans.add()
        resource_spans.resource.attributes.add(key="service.name").value.string_value = "probe"
        scoped = resource_spans.scope_spans.add()
        scoped.scope.name = one["scope"]
        span = scoped.spans.add(name=one["name"], kind=3)
        span.trace_id, span.span_id = bytes.fromhex(one["trace"]), bytes.fromhex(one["span"])
        span.parent_span_id = bytes.fromhex(one["parent"])
        span.start_time_unix_nano, span.end_time_unix_nano = one["start"], one["end"]
        span.status.code = STATUS[one["status"]]
        _fill(span.attributes, one["attributes"])
        for name, moment, attributes in one["events"]:
            event = span.events.add(name=name, time_unix_nano=moment)
            _fill(event.attributes, attributes)
    return made.SerializeToString()


def empty(store: Store) -> None:
    for table in CHAIN_TABLES:
        store.command(f"TRUNCATE TABLE {table}")


def insert(store: Store, found: list[dict[str, Any]], token: str) -> None:
    assert store.insert_protobuf("traces", framed([request(found)]), token) == ()


def earlier(found: list[dict[str, Any]], days: int) -> list[dict[str, Any]]:
    """The spans so many days before."""
    ns = days * 86_400 * SECOND
    return [
        one
        | {"start": one["start"] - ns, "end": one["end"] - ns}
        | {"events": [(name, moment - ns, attributes) for name, moment, attributes in one["events"]]}
        for one in found
    ]


def rows(stored: Iterable[dict[str, Any]], found: list[dict[str, Any]]) -> str:
    """Every call of the capture among those of `calls_final` as a line of `COLUMNS`, in the order of the capture."""
    scenarios = {(one["trace"], one["span"]): (number, one["scenario"]) for number, one in enumerate(found)}
    lines: list[tuple[int, str]] = []
    for row in stored:
        if (str(row["trace_id"]), str(row["span_id"])) not in scenarios:
            continue
        number, scenario = scenarios[str(row["trace_id"]), str(row["span_id"])]
        row["scenario"] = scenario
        row["ttft_ms"] = None if row["ttft_ns"] is None else round(int(str(row["ttft_ns"])) / 1e6, 1)
        row["duration_ms"] = round(int(str(row["duration_ns"])) / 1e6, 1)
        lines.append((number, "\t".join(_shown(row[column]) for column in COLUMNS)))
    return "\n".join(["\t".join(COLUMNS), *(line for _, line in sorted(lines))]) + "\n"


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return ",".join(map(str, value))
    return (
        str(value).rstrip("0").rstrip(".")
        if "." in str(value) and str(value).replace(".", "").isdigit()
        else str(value)
    )


def _fill(target: Any, attributes: Mapping[str, Any]) -> None:
    for key, value in attributes.items():
        _set(target.add(key=key).value, value)


def _set(target: AnyValue, value: Any) -> None:
    if isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        target.int_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, list):
        target.array_value.SetInParent()
        for item in value:
            _set(target.array_value.values.add(), item)
    else:
        target.string_value = value
