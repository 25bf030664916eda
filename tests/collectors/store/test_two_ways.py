"""Way (a), OTLP bytes to our collector, and way (b), rows from an OpenTelemetry Collector's ClickHouse exporter."""

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from worthwhile_collectors.receive.otlp_json import SIGNAL_KEYS, to_protobuf
from worthwhile_collectors.store import Store, framed

GOLDEN = sorted((Path(__file__).parents[2] / "golden").glob("*/input.jsonl"))
KINDS = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
STATUSES = ("Unset", "Ok", "Error")
COMPARED = {
    "calls": "* EXCEPT ingested_at",
    "attempts": "* EXCEPT ingested_at",
    "task_runs": "* EXCEPT ingested_at",
    "signals": "* EXCEPT ingested_at",
    "otel_traces": "*",
    "otel_logs": "*",
}


def go_text(value) -> str:
    """`pcommon.Value.AsString` of the Collector."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return json.dumps([json.loads(json_text(item)) for item in value.array_value.values], separators=(",", ":"))
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "double_value":
        return go_double(value.double_value)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return "" if kind is None else str(getattr(value, kind))


def json_text(value) -> str:
    return json.dumps(value.string_value) if value.WhichOneof("value") == "string_value" else go_text(value)


def go_double(number: float) -> str:
    """Shortest digits; an exponent below 1e-6 and from 1e21 on, written without padding."""
    if number == 0:
        return "0"
    if 1e-6 <= abs(number) < 1e21:
        text = f"{number:.20f}" if "e" in repr(number) else repr(number)
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, exponent = repr(number).split("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}"


def go_map(attributes) -> dict[str, str]:
    return {attribute.key: go_text(attribute.value) for attribute in attributes}


def stamp(nanos: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=nanos // 10**9)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{nanos % 10**9:09}"


def trace_rows(body: bytes) -> Iterable[dict[str, object]]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource_map = go_map(resource.resource.attributes)
        for scoped in resource.scope_spans:
            for span in scoped.spans:
                yield {
                    "Timestamp": stamp(min(span.start_time_unix_nano, 4102444800 * 10**9)),
                    "TraceId": span.trace_id.hex(),
                    "SpanId": span.span_id.hex(),
                    "ParentSpanId": span.parent_span_id.hex(),
                    "TraceState": span.trace_state,
                    "SpanName": span.name,
                    "SpanKind": KINDS[span.kind],
                    "ServiceName": resource_map.get("service.name", ""),
                    "ResourceAttributes": resource_map,
                    "ScopeName": scoped.scope.name,
                    "ScopeVersion": scoped.scope.version,
                    "SpanAttributes": go_map(span.attributes),
                    "Duration": max(0, span.end_time_unix_nano - span.start_time_unix_nano),
                    "StatusCode": STATUSES[span.status.code],
                    "StatusMessage": span.status.message,
                    "Events.Timestamp": [stamp(event.time_unix_nano) for event in span.events],
                    "Events.Name": [event.name for event in span.events],
                    "Events.Attributes": [go_map(event.attributes) for event in span.events],
                    "Links.TraceId": [link.trace_id.hex() for link in span.links],
                    "Links.SpanId": [link.span_id.hex() for link in span.links],
                    "Links.TraceState": [link.trace_state for link in span.links],
                    "Links.Attributes": [go_map(link.attributes) for link in span.links],
                }


def log_rows(body: bytes) -> Iterable[dict[str, object]]:
    for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
        resource_map = go_map(resource.resource.attributes)
        for scoped in resource.scope_logs:
            for record in scoped.log_records:
                yield {
                    "Timestamp": stamp(record.time_unix_nano or record.observed_time_unix_nano),
                    "TraceId": record.trace_id.hex(),
                    "SpanId": record.span_id.hex(),
                    "TraceFlags": record.flags & 255,
                    "SeverityText": record.severity_text,
                    "SeverityNumber": record.severity_number,
                    "ServiceName": resource_map.get("service.name", ""),
                    "Body": go_text(record.body),
                    "ResourceSchemaUrl": resource.schema_url,
                    "ResourceAttributes": resource_map,
                    "ScopeSchemaUrl": scoped.schema_url,
                    "ScopeName": scoped.scope.name,
                    "ScopeVersion": scoped.scope.version,
                    "ScopeAttributes": go_map(scoped.scope.attributes),
                    "LogAttributes": go_map(record.attributes),
                    "EventName": record.event_name,
                }


def requests(path: Path) -> list[tuple[str, bytes]]:
    lines = path.read_bytes().splitlines()
    return [(signal := SIGNAL_KEYS[next(iter(json.loads(line)))], to_protobuf(signal, line)) for line in lines]


def contents(store: Store) -> dict[str, bytes]:
    return {
        table: store.query_bytes(f"SELECT {columns} FROM {table} ORDER BY ALL", "JSONEachRow")
        for table, columns in COMPARED.items()
    }


def everything() -> tuple[list[bytes], list[bytes]]:
    arrived = [request for path in GOLDEN for request in requests(path)]
    return [body for kind, body in arrived if kind == "traces"], [body for kind, body in arrived if kind == "logs"]


def test_both_ways_give_the_same_rows(migrated: Store) -> None:
    """Over all golden inputs; `ingested_at` apart. Nothing expires or merges meanwhile."""
    for table in ("otel_traces", "otel_logs"):
        migrated.command(f"ALTER TABLE {table} REMOVE TTL")
    migrated.command("SYSTEM STOP MERGES")
    traces, logs = everything()
    migrated.insert_protobuf("traces", framed(traces), "a-traces")
    migrated.insert_protobuf("logs", framed(logs), "a-logs")
    from_bytes = contents(migrated)
    assert from_bytes["calls"].count(b"\n") > 20
    assert from_bytes["signals"].count(b"\n") > 20

    for table in (*COMPARED, "otel_traces_trace_id_ts"):
        migrated.command(f"TRUNCATE TABLE {table}")
    spans = "\n".join(json.dumps(row) for body in traces for row in trace_rows(body))
    records = "\n".join(json.dumps(row) for body in logs for row in log_rows(body))
    migrated.insert_rows("otel_traces", spans.encode(), token="b-traces")
    migrated.insert_rows("otel_logs", records.encode(), token="b-logs")
    from_rows = contents(migrated)
    for table in COMPARED:
        assert from_rows[table] == from_bytes[table], table


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (1.2e-05, "0.000012"),
        (1e-07, "1e-7"),
        (1.5e300, "1.5e300"),
        (123456789.5, "123456789.5"),
    ],
)
def test_doubles_are_written_as_the_exporter_writes_them(migrated: Store, number: float, text: str) -> None:
    assert go_double(number) == text
    assert migrated.query("SELECT toString({number:Float64}) AS text", {"number": number}) == [{"text": text}]
