"""The exporters for the application's own OpenTelemetry: through its processors, to a receiver with moods."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import SpanContext
from tests.sdk.peer import Line, Peer, Request, answering

from worthwhile import otlp
from worthwhile.otlp import LogExporter, SpanExporter

SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


@pytest.fixture(autouse=True)
def _fresh(fresh: None, as_in_production: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp, "_FIRST_BACKOFF_S", 0.01)


@pytest.fixture
def exporter_to() -> Iterator[Callable[..., SpanExporter]]:
    made: list[SpanExporter] = []

    def make(peer: Peer, **arguments: Any) -> SpanExporter:
        made.append(SpanExporter(endpoint=f"{peer.url}/v1/traces", **arguments))
        return made[-1]

    yield make
    for exporter in made:
        exporter.shutdown()


def spans(count: int, size: int = 1) -> list[ReadableSpan]:
    resource = Resource({"service.name": "app"})
    return [
        ReadableSpan(
            f"span {n}", SpanContext(n + 1, n + 1, is_remote=False), resource=resource, attributes={"a": "x" * size}
        )
        for n in range(count)
    ]


def names(request: Request) -> list[str]:
    message = ExportTraceServiceRequest.FromString(request.body)
    return [span.name for group in message.resource_spans for scope in group.scope_spans for span in scope.spans]


def moods(*answers: Callable[[Line, Request], None]) -> Callable[[Line], None]:
    """Each request meets the next of `answers`, the last one from then on."""
    left = list(answers)

    def script(line: Line) -> None:
        while True:
            request = line.read()
            (left.pop(0) if len(left) > 1 else left[0])(line, request)

    return script


def says(status: str, body: bytes = b"", **headers: str) -> Callable[[Line, Request], None]:
    return lambda line, request: line.answer(status, body, **headers)


def test_in_a_batch_span_processor(exporter_to: Callable[..., SpanExporter]) -> None:
    with Peer(answering()) as peer:
        exporter = exporter_to(peer)
        provider = TracerProvider(resource=Resource({"service.name": "app"}), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        for index in range(700):
            with provider.get_tracer("app").start_as_current_span(f"span {index}"):
                pass
        assert provider.force_flush()
        provider.shutdown()
        assert sorted(name for request in peer.requests for name in names(request)) == sorted(
            f"span {n}" for n in range(700)
        )
        assert (exporter.delivered, exporter.lost, peer.connections) == (700, 0, 1)
        assert exporter.export(spans(1)) is FAILURE
        assert exporter.lost == 1


def test_in_a_batch_log_record_processor() -> None:
    with Peer(answering()) as peer:
        exporter = LogExporter(endpoint=f"{peer.url}/v1/logs", headers={"Tenant": "7"}, compression="none")
        provider = LoggerProvider(shutdown_on_exit=False)
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
        provider.get_logger("app").emit(LogRecord(timestamp=1, body={"a": [1, None]}, event_name="happened"))
        assert provider.force_flush()
        provider.shutdown()
        (request,) = peer.requests
        (group,) = ExportLogsServiceRequest.FromString(request.body).resource_logs
        assert [record.event_name for record in group.scope_logs[0].log_records] == ["happened"]
        assert request.headers["tenant"] == "7"
        assert (exporter.delivered, exporter.lost) == (1, 0)
        record = ReadableLogRecord(LogRecord(timestamp=1), Resource({}))
        assert exporter.export([record]) is LogRecordExportResult.FAILURE
        assert exporter.force_flush()


def test_the_environment_says_where_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with Peer(answering()) as peer:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", peer.url)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=1,b=2")
        exporter = SpanExporter(headers={"B": "3"})
        assert exporter.export(spans(1)) is SUCCESS
        exporter.shutdown()
        (request,) = peer.requests
        assert request.line == "POST /v1/traces HTTP/1.1"
        assert (request.headers["a"], request.headers["b"]) == ("1", "3")


def test_grpc_in_the_environment_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    SpanExporter(endpoint="http://127.0.0.1:4318/v1/traces").shutdown()
    assert caplog.text == ""
    SpanExporter().shutdown()
    assert (
        "the environment asks for `grpc`, which worthwhile.otlp does not do: http://127.0.0.1:4318/v1/" in caplog.text
    )


def test_what_may_come_later_is_sent_again(exporter_to: Callable[..., SpanExporter]) -> None:
    def breaks(line: Line, request: Request) -> None:
        line.reset()
        raise EOFError

    with Peer(moods(says("503 Busy"), breaks, says("429 Slow", Retry_After="0"), says("200 OK"))) as peer:
        exporter = exporter_to(peer)
        assert exporter.export(spans(3)) is SUCCESS
        assert (exporter.delivered, exporter.lost) == (3, 0)
        assert len(peer.requests) == 4


def test_retry_after_is_waited_for(exporter_to: Callable[..., SpanExporter]) -> None:
    with Peer(moods(says("503 Busy", Retry_After="0.4"), says("200 OK"))) as peer:
        started = time.monotonic()
        assert exporter_to(peer).export(spans(1)) is SUCCESS
        assert time.monotonic() - started >= 0.4


def test_a_wait_beyond_the_time_is_not_begun(
    exporter_to: Callable[..., SpanExporter], caplog: pytest.LogCaptureFixture
) -> None:
    with Peer(answering("503 Busy", Retry_After="60")) as peer:
        exporter = exporter_to(peer)
        started = time.monotonic()
        assert [exporter.export(spans(2)) for _ in range(2)] == [FAILURE] * 2
        assert time.monotonic() - started < 5
        assert (len(peer.requests), exporter.lost) == (2, 4)
        assert caplog.messages == [f"spans lost on the way to {peer.url}/v1/traces: HTTP 503 Busy"]


def test_the_time_of_the_exporter_holds_over_all_tries(exporter_to: Callable[..., SpanExporter]) -> None:
    with Peer(lambda line: line.wait_for_the_end()) as peer:
        started = time.monotonic()
        assert exporter_to(peer, timeout_s=0.3).export(spans(1)) is FAILURE
        assert time.monotonic() - started < 3


@pytest.mark.parametrize("status", ["400 Bad", "401 No", "500 Oops", "307 There"])
def test_what_is_refused_is_not_sent_again(exporter_to: Callable[..., SpanExporter], status: str) -> None:
    with Peer(answering(status)) as peer:
        exporter = exporter_to(peer)
        assert exporter.export(spans(2)) is FAILURE
        assert (len(peer.requests), exporter.delivered, exporter.lost) == (1, 0, 2)


def test_a_partial_success_is_no_success_and_not_sent_again(exporter_to: Callable[..., SpanExporter]) -> None:
    partial = ExportTracePartialSuccess(rejected_spans=2, error_message="too old")
    body = ExportTraceServiceResponse(partial_success=partial).SerializeToString()
    with Peer(answering(body=body)) as peer:
        exporter = exporter_to(peer)
        assert exporter.export(spans(5)) is FAILURE
        assert (len(peer.requests), exporter.delivered, exporter.lost) == (1, 3, 2)


def test_a_request_that_is_too_large_is_cut_until_it_is_taken(exporter_to: Callable[..., SpanExporter]) -> None:
    def at_most_10k(line: Line, request: Request) -> None:
        line.answer("413 Too Large" if len(request.body) > 10_000 else "200 OK")

    with Peer(moods(at_most_10k)) as peer:
        exporter = exporter_to(peer)
        assert exporter.export(spans(16, 1000)) is SUCCESS
        taken = [name for request in peer.requests if len(request.body) <= 10_000 for name in names(request)]
        assert taken == [f"span {n}" for n in range(16)]
        assert exporter.export([*spans(3, 10), *spans(1, 20_000)]) is FAILURE
        assert (exporter.delivered, exporter.lost) == (19, 1)


def test_spans_that_cannot_be_encoded_are_lost_alone(exporter_to: Callable[..., SpanExporter]) -> None:
    with Peer(answering()) as peer:
        exporter = exporter_to(peer)
        assert exporter.export([*spans(2), ReadableSpan("no context", None)]) is FAILURE
        assert (exporter.delivered, exporter.lost) == (2, 1)
        assert exporter.export([ReadableSpan("no context", None)]) is FAILURE
        assert exporter.export([]) is SUCCESS
        assert len(peer.requests) == 1


def hangs(line: Line, request: Request) -> None:
    line.wait_for_the_end()


def waits(line: Line, request: Request) -> None:
    line.answer("503 Busy", Retry_After="8")


@pytest.mark.parametrize("mood", [hangs, waits])
def test_shutdown_ends_a_wait_and_a_request_at_once(
    exporter_to: Callable[..., SpanExporter], mood: Callable[[Line, Request], None]
) -> None:
    arrived = threading.Event()

    def script(line: Line) -> None:
        request = line.read()
        arrived.set()
        mood(line, request)
        line.wait_for_the_end()

    with Peer(script) as peer:
        exporter, results = exporter_to(peer), []
        thread = threading.Thread(target=lambda: results.append(exporter.export(spans(1))))
        thread.start()
        assert arrived.wait(5)
        assert not exporter.force_flush(50)
        started = time.monotonic()
        exporter.shutdown()
        thread.join(5)
        assert time.monotonic() - started < 3
        assert results == [FAILURE]
        assert exporter.force_flush(50)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_a_child_forked_during_an_export_can_export(exporter_to: Callable[..., SpanExporter]) -> None:
    with Peer(answering()) as peer:
        exporter = exporter_to(peer)
        assert exporter.export(spans(1)) is SUCCESS
        exporter._delivery._busy.acquire()  # as if another thread of the parent were exporting
        child = os.fork()
        if child == 0:
            os._exit(0 if exporter.export(spans(1)) is SUCCESS else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        exporter._delivery._busy.release()
        assert exporter.export(spans(1)) is SUCCESS
        assert (len(peer.requests), peer.connections) == (3, 2)


def test_the_applications_random_numbers_are_left_alone(exporter_to: Callable[..., SpanExporter]) -> None:
    import random

    with Peer(moods(says("503 Busy"), says("200 OK"))) as peer:
        random.seed(7)
        expected = random.random()
        random.seed(7)
        assert exporter_to(peer).export(spans(1)) is SUCCESS
        assert random.random() == expected
