"""Fixtures of the SDK's tests: an in-memory capture, and a real OTLP/HTTP receiver on the loopback interface."""

import gzip
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from worthwhile import _guard, _settings, _setup, testing

SOURCES = [str(Path(__file__).parents[2] / package) for package in ("sdk", "schemas")]


@pytest.fixture(autouse=True)
def _state_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spool of its own for each test, so that none delivers what another has left."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


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


class Reply(NamedTuple):
    """How the receiver answers a request; it takes the spans of those with status 200."""

    status: int
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b""


class Receiver:
    """An OTLP/HTTP receiver.

    `status` is how it answers, unless `judge` says so of each request; it waits for `answers` to be set.
    """

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.signals: list[LogRecord] = []
        self.resources: list[Resource] = []
        self.headers: list[dict[str, str]] = []
        self.scopes: set[tuple[str, str]] = set()
        self.connections: dict[str, int] = {}
        self.bodies: list[bytes] = []
        self.status = 200
        self.judge: Callable[[str, bytes], Reply] = lambda path, body: Reply(self.status)
        self.answers = threading.Event()
        self.answers.set()
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.answers.wait(30)
                receiver.bodies.append(body)
                reply = receiver.judge(self.path, body)
                if reply.status == 200:
                    receiver.take(self.path, dict(self.headers), body, self.client_address[1])
                self.send_response(reply.status)
                for key, value in reply.headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *args: object) -> None:
                """Silence."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def take(self, path: str, headers: dict[str, str], body: bytes, client_port: int) -> None:
        headers = {key.lower(): value for key, value in headers.items()}
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        with self._lock:
            self.headers.append(headers)
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
    start_afresh()
    yield
    start_afresh()


def start_afresh() -> None:
    """Give up what was configured and what still waits to be sent."""
    for pipeline in _setup._built():
        for outbox in pipeline.outboxes:
            abandon(outbox)
    await_threads()
    _setup._retired.clear()
    _setup._pipeline, _setup._is_decided = None, False
    _setup._providers = (None, None)
    _settings.forget()


def abandon(outbox: Any) -> None:
    """Have the threads of an outbox end, whatever still waits in it."""
    bells = (outbox._drainer.bell, outbox._post)
    outbox._courier.close()
    outbox.after_fork()
    outbox.close()
    for bell in bells:
        bell.ring()


def await_threads() -> None:
    """See to it that no thread of ours works on while the next test has patched what it uses."""
    for thread in threading.enumerate():
        if thread.name.startswith(tuple(f"{_guard.THREAD_NAME}{kind}" for kind in ("drain", "spans", "signals"))):
            thread.join(30)
            assert not thread.is_alive(), f"{thread.name} goes on after its pipeline was abandoned"


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
