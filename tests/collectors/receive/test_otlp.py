"""Right OTLP, from the real exporters and in every encoding, becomes rows."""

import base64
import gzip
import json
import zlib

import pytest
import requests
from google.protobuf.json_format import MessageToDict
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

PROTOBUF, JSON = "application/x-protobuf", "application/json"
ID_FIELDS = ("traceId", "spanId", "parentSpanId")


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip, Compression.Deflate])
def test_the_span_exporter_of_opentelemetry_delivers(collector, compression):
    workload = f"exporter-{compression.value}"
    provider = TracerProvider()
    exporter = OTLPSpanExporter(f"{collector.url}/v1/traces", compression=compression)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("worthwhile")
    attributes = {"worthwhile.span.type": "call", "worthwhile.workload": workload, "gen_ai.usage.input_tokens": 7}
    for _ in range(20):
        tracer.start_span("chat m", attributes={**attributes, "gen_ai.operation.name": "chat"}).end()
    provider.shutdown()
    [row] = collector.rows(
        f"SELECT count() AS n, sum(input_tokens) AS t FROM calls_final WHERE workload = '{workload}'"
    )
    assert row == {"n": 20, "t": 140}


def test_the_log_exporter_of_opentelemetry_delivers(collector):
    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(f"{collector.url}/v1/logs")))
    attributes = {
        "worthwhile.signal.id": "s1",
        "worthwhile.signal.kind": "accept",
        "worthwhile.signal.source": "human",
        "worthwhile.signal.revision": 1,
        "worthwhile.workload": "log-exporter",
        "worthwhile.task.key": "k1",
    }
    record = LogRecord(
        timestamp=1_790_000_000_000_000_000,
        event_name="gen_ai.evaluation.result",
        severity_number=SeverityNumber.INFO,
        attributes=attributes,
    )
    provider.get_logger("worthwhile").emit(record)
    provider.shutdown()
    [row] = collector.rows("SELECT kind, task_key FROM signals WHERE workload = 'log-exporter'")
    assert row == {"kind": "accept", "task_key": "k1"}


def compressed(encoding: str, body: bytes) -> bytes:
    if encoding == "zstd":
        return pytest.importorskip("backports.zstd").compress(body)
    return {"gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}[encoding](body)


@pytest.mark.parametrize("encoding", ["identity", "gzip", "deflate", "zstd"])
def test_every_encoding_is_read(collector, calls_of, encoding):
    calls = calls_of(f"encoding-{encoding}")
    answer = collector.post("/v1/traces", compressed(encoding, calls.body()), Content_Encoding=encoding)
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, PROTOBUF, b"")
    assert ExportTraceServiceResponse.FromString(answer.body) == ExportTraceServiceResponse()
    rows = collector.rows(f"SELECT span_id FROM calls_final WHERE workload = '{calls.workload}'")
    assert sorted(row["span_id"] for row in rows) == sorted(calls.span_ids)


def test_several_gzip_members_are_one_body(collector, calls_of):
    body = calls_of("members").body()
    answer = collector.post("/v1/traces", gzip.compress(body[:20]) + gzip.compress(body[20:]), Content_Encoding="gzip")
    assert answer.status == 200
    assert len(collector.rows("SELECT span_id FROM calls_final WHERE workload = 'members'")) == 3


def otlp_json(request) -> dict:
    """OTLP/JSON of a request, as a JavaScript sender makes it: hexadecimal ids, integer enums."""
    found = MessageToDict(request, use_integers_for_enums=True)
    spans = [s for g in found["resourceSpans"] for scope in g["scopeSpans"] for s in scope["spans"]]
    for item in [*spans, *(link for span in spans for link in span.get("links", []))]:
        for name in ID_FIELDS:
            if name in item:
                item[name] = base64.b64decode(item[name]).hex()
    return found


def test_json_and_protobuf_make_the_same_row(collector, calls_of):
    calls = calls_of("both-encodings", 1)
    span = calls.request.resource_spans[0].scope_spans[0].spans[0]
    span.parent_span_id = b"\x01" * 8
    span.links.add(trace_id=b"\x02" * 16, span_id=b"\x03" * 8)
    span.attributes.add(key="temperature").value.double_value = 0.25
    span.attributes.add(key="stream").value.bool_value = True
    assert collector.post("/v1/traces", calls.body()).status == 200
    sql = f"SELECT * FROM otel_traces WHERE SpanId = '{span.span_id.hex()}'"
    [from_protobuf] = collector.rows(sql)
    document = otlp_json(calls.request)
    document["unknownField"] = {"is": "ignored"}
    document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["alsoUnknown"] = [1]
    answer = collector.post("/v1/traces", json.dumps(document), f"{JSON}; charset=utf-8")
    assert (answer.status, answer.headers["content-type"], answer.json()) == (200, JSON, {})
    assert collector.rows(sql) == [from_protobuf, from_protobuf]


def test_half_a_surrogate_pair_does_not_cost_the_batch(collector, calls_of):
    calls = calls_of("surrogate", 2)
    document = otlp_json(calls.request)
    document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] = "half \ud83d"
    assert collector.post("/v1/traces", json.dumps(document), JSON).status == 200
    rows = collector.rows("SELECT span_name FROM calls_final WHERE workload = 'surrogate'")
    assert sorted(row["span_name"] for row in rows) == ["chat m", "half ?"]


def test_an_empty_request_is_a_success(collector):
    for path in ("/v1/traces", "/v1/logs", "/v1/metrics"):
        assert collector.post(path, b"").status == 200
        assert collector.post(path, b"{}", JSON).json() == {}


def test_metrics_are_accepted_and_said_not_to_be_stored(collector):
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    metric.gauge.data_points.add(as_int=1)
    answer = collector.post("/v1/metrics", request.SerializeToString())
    partial = ExportMetricsServiceResponse.FromString(answer.body).partial_success
    assert (answer.status, partial.rejected_data_points) == (200, 1)
    assert "metrics are not stored here" in partial.error_message
    answer = collector.post("/v1/metrics", json.dumps(MessageToDict(request)), JSON)
    assert answer.json()["partialSuccess"]["rejectedDataPoints"] == "1"


def test_a_connection_is_kept_for_the_next_request(collector, calls_of):
    body = calls_of("kept-alive").body()
    with requests.Session() as session:
        for _ in range(3):
            answer = session.post(f"{collector.url}/v1/traces", body, headers={"Content-Type": PROTOBUF}, timeout=10)
            assert answer.status_code == 200
            assert answer.headers.get("connection") != "close"


def test_health_counts_what_was_accepted_and_refused(collector, calls_of):
    before = collector.get("/healthz").json()
    collector.post("/v1/traces", calls_of("counted", 4).body())
    collector.post("/v1/traces", b"\xff")
    after = collector.get("/healthz").json()
    assert after["status"] == "ok"
    assert after["accepted"]["traces"] - before["accepted"].get("traces", 0) == 4
    assert after["refused"]["400"] - before["refused"].get("400", 0) == 1
    assert after["writer"]["quarantined"] == 0
