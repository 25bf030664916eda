"""What a collector that decodes in Python costs: OTLP bytes to rows of calls and of spans, through columns and Arrow.

The decode is as direct as Python allows: protobuf's C parser, one dict look-up per attribute, values appended to typed
columns, which Arrow hands to ClickHouse without text. It knows one dialect, has no token rules, prices nothing and
feeds no view, so that it errs on the fast side.
"""

import uuid
from itertools import accumulate
from typing import Any, Final

import pyarrow as pa
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from worthwhile_collectors.store import Store
from worthwhile_schemas.canonical import CANONICAL
from worthwhile_schemas.dialect_files import shipped

ARROW: Final = {
    "text": pa.string(),
    "bool": pa.bool_(),
    "uuid": pa.binary(16),
    "count": pa.int64(),
    "status": pa.int64(),
    **dict.fromkeys(("usd", "usd_part", "joules", "seconds", "weight"), pa.float64()),
}
CLICKHOUSE: Final = {
    "text": "LowCardinality(String)",
    "bool": "Nullable(Bool)",
    "uuid": "FixedString(16)",
    "count": "Nullable(UInt64) CODEC(T64, ZSTD(1))",
    "status": "Nullable(UInt16)",
    **dict.fromkeys(("usd", "usd_part", "joules", "seconds", "weight"), "Nullable(Float64) CODEC(ZSTD(1))"),
}
INCOMPRESSIBLE: Final = ("task_key", "response_id", "conversation_id")
FIXED: Final = (
    "ts DateTime64(9, 'UTC'), trace_id FixedString(16), span_id FixedString(8), parent_span_id FixedString(8), "
    "span_name LowCardinality(String), duration_ns UInt64"
)
NO_ID: Final = bytes(16)


class PythonPath:
    """Decodes requests in Python and inserts them into tables of its own, which no view reads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        own = next(dialect for dialect in shipped().dialects if dialect.name == "worthwhile")
        self._columns = {name: kind for name, kind in CANONICAL.items() if kind in ARROW and own.columns.get(name)}
        self._places = {source: at for at, name in enumerate(self._columns) for source in own.columns[name]}
        self._ids = {at for at, kind in enumerate(self._columns.values()) if kind == "uuid"}
        columns = ", ".join(
            f"{name} {'String' if name in INCOMPRESSIBLE else CLICKHOUSE[kind]}" for name, kind in self._columns.items()
        )
        for statement in (
            "DROP TABLE IF EXISTS python_calls",
            "DROP TABLE IF EXISTS python_traces",
            (
                f"CREATE TABLE python_calls ({FIXED}, {columns}, attrs Map(LowCardinality(String), String)) "
                "ENGINE = MergeTree PARTITION BY toDate(ts) ORDER BY (workload, task_id, ts, trace_id, span_id)"
            ),
            "CREATE TABLE python_traces AS otel_traces",
        ):
            store.command(statement)

    def insert(self, requests: list[bytes]) -> int:
        """Decode and store requests; the number of spans."""
        calls, traces = self._decode(requests)
        for table, rows in (("python_calls", calls), ("python_traces", traces)):
            sink = pa.BufferOutputStream()
            with pa.ipc.new_file(sink, rows.schema) as file:
                file.write_table(rows)
            self._store._engine.insert(table, "Arrow", sink.getvalue().to_pybytes(), {"async_insert": "0"})
        return calls.num_rows

    def _decode(self, requests: list[bytes]) -> tuple[pa.Table, pa.Table]:
        rows: list[list[Any]] = []
        rests: list[dict[str, str]] = []
        spans: list[tuple[Any, ...]] = []
        empty = [NO_ID if at in self._ids else None for at in range(len(self._columns))]
        for body in requests:
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                of_resource = {item.key: item.value.string_value for item in resource.resource.attributes}
                for scoped in resource.scope_spans:
                    for span in scoped.spans:
                        row, rest, texts = self._span(span, empty)
                        rows.append(row)
                        rests.append(rest)
                        spans.append((span, of_resource, scoped.scope.name, texts))
        starts = pa.array([span[0].start_time_unix_nano for span in spans], pa.timestamp("ns", "UTC"))
        durations = [span[0].end_time_unix_nano - span[0].start_time_unix_nano for span in spans]
        names = [span[0].name for span in spans]
        calls = {
            "ts": starts,
            "trace_id": pa.array([span[0].trace_id for span in spans], pa.binary(16)),
            "span_id": pa.array([span[0].span_id for span in spans], pa.binary(8)),
            "parent_span_id": pa.array([span[0].parent_span_id for span in spans], pa.binary(8)),
            "span_name": pa.array(names),
            "duration_ns": pa.array(durations, pa.uint64()),
            "attrs": maps(rests),
        }
        for (name, kind), values in zip(self._columns.items(), zip(*rows, strict=True), strict=True):
            calls[name] = pa.array([value or "" for value in values] if kind == "text" else values, ARROW[kind])
        traces = {
            "Timestamp": starts,
            "TraceId": [span[0].trace_id.hex() for span in spans],
            "SpanId": [span[0].span_id.hex() for span in spans],
            "ParentSpanId": [span[0].parent_span_id.hex() for span in spans],
            "SpanName": names,
            "ServiceName": [span[1].get("service.name", "") for span in spans],
            "ResourceAttributes": maps([span[1] for span in spans]),
            "ScopeName": [span[2] for span in spans],
            "SpanAttributes": maps([span[3] for span in spans]),
            "Duration": pa.array(durations, pa.uint64()),
        }
        return pa.table(calls), pa.table(traces)

    def _span(self, span: Any, empty: list[Any]) -> tuple[list[Any], dict[str, str], dict[str, str]]:
        """One span's columns, the attributes without one, and all attributes as text."""
        row, rest, texts = empty.copy(), {}, {}
        places = self._places
        for item in span.attributes:
            kind = item.value.WhichOneof("value")
            value = getattr(item.value, kind)
            if kind == "array_value":
                value = [one.string_value for one in value.values]
            text = value if kind == "string_value" else str(value)
            texts[item.key] = text
            at = places.get(item.key)
            if at is None:
                rest[item.key] = text
            elif kind == "array_value":
                row[at] = value[0] if value else None
            else:
                row[at] = uuid.UUID(value).bytes if at in self._ids else value
        return row, rest, texts


def maps(rows: list[dict[str, str]]) -> pa.MapArray:
    """Dicts as one Arrow column, without a Python object for each pair."""
    offsets = [0, *accumulate(map(len, rows))]
    keys = pa.array([key for row in rows for key in row], pa.string())
    values = pa.array([value for row in rows for value in row.values()], pa.string())
    return pa.MapArray.from_arrays(pa.array(offsets, pa.int32()), keys, values)
