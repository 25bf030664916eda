"""Fixtures of the SDK's tests: an in-memory capture, and a real OTLP/HTTP receiver on the loopback interface."""

import gzip
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from worthwhile import _guard, _settings, _setup, testing

SOURCES = [str(Path(__file__).parents[2] / package) for package in ("sdk", "schemas")]


@pytest.fixture
def captured() -> Iterator[testing.Captured]:
    with testing.capture() as collected:
        yield collected


@pytest.fixture
def as_in_production() -> Iterator[None]:
    """Internal errors and misuse are logged, not raised, and each is new."""
    with testing.swallowing_errors():
        _guard._seen.clear()
        yield
    _guard._seen.clear()


class Receiver:
    """An OTLP/HTTP receiver; `answer` says what it does with each request."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.signals: list[LogRecord] = []
        self.resources: list[Resource] = []
        self.headers: list[dict[str, str]] = []
        self.scopes: set[tuple[str, str]] = set()
        self.connections: dict[str, int] = {}
        self.status = 200
        self.answers = threading.Event()
        self.answers.set()
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.answers.wait(30)
                if receiver.status == 200:
                    receiver.take(self.path, dict(self.headers), body, self.client_address[1])
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Silence."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def take(self, path: str, headers: dict[str, str], body: bytes, client_port: int) -> None:
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        with self._lock:
            self.headers.append({key.lower(): value for key, value in headers.items()})
            if path == "/v1/traces":
                for group in ExportTraceServiceRequest.FromString(body).resource_spans:
                    self.resources.append(group.resource)
                    for scope in group.scope_spans:
                        self.scopes.add((scope.scope.name, scope.scope.version))
                        self.spans.extend(scope.spans)
                        self.connections.update({span.name: client_port for span in scope.spans})
            elif path == "/v1/logs":
                for group in ExportLogsServiceRequest.FromString(body).resource_logs:
                    self.resources.append(group.resource)
                    for scope in group.scope_logs:
                        self.scopes.add((scope.scope.name, scope.scope.version))
                        self.signals.extend(scope.log_records)
            else:
                raise AssertionError(path)

    def close(self) -> None:
        self.answers.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def task_names(self) -> list[str]:
        return sorted(span.name.removeprefix("invoke_workflow ") for span in self.spans)


def attributes_of(item: Span | LogRecord | Resource) -> dict[str, object]:
    """Attributes of a protobuf message as plain values."""

    def plain(value: AnyValue) -> object:
        kind = value.WhichOneof("value")
        if kind == "array_value":
            return [plain(each) for each in value.array_value.values]
        return getattr(value, kind) if kind else None

    return {attribute.key: plain(attribute.value) for attribute in item.attributes}


@pytest.fixture
def plain() -> Callable[[Span | LogRecord | Resource], dict[str, object]]:
    return attributes_of


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    yield running
    running.close()


@pytest.fixture
def fresh() -> Iterator[None]:
    """A process that has not configured or recorded anything, and afterwards again."""

    def reset() -> None:
        for pipeline in _setup._built():
            pipeline.close()
        _setup._retired.clear()
        _setup._pipeline, _setup._is_decided = None, False
        _setup._providers = (None, None)
        _settings.forget()

    reset()
    yield
    reset()


@pytest.fixture
def run_program(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program in a process of its own, with worthwhile on its path."""

    def run(
        source: str, *, timeout: float = 60, arguments: tuple[str, ...] = (), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        program = tmp_path / "program.py"
        program.write_text(textwrap.dedent(source))
        return subprocess.run(
            [sys.executable, *arguments, str(program)],
            env={"PYTHONPATH": ":".join(SOURCES), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **environment},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run
