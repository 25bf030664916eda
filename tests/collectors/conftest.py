"""A real collector as a process of its own, the `worthwhile` command, and OTLP to send to it."""

import contextlib
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, settings
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from worthwhile_collectors.cli import main
from worthwhile_collectors.database import open_database
from worthwhile_collectors.folder import Announcement, DataFolder
from worthwhile_collectors.settings import Settings

START_SECONDS = 60.0

settings.register_profile("loaded machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("loaded machine")
PROTOBUF = "application/x-protobuf"


@dataclass
class Answer:
    """An HTTP answer, read to its end."""

    status: int
    body: bytes
    headers: dict[str, str]

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Collector:
    """`worthwhile up` in a process of its own."""

    data: Path
    process: subprocess.Popen[str]
    announcement: Announcement
    started_in_seconds: float

    @property
    def url(self) -> str:
        return self.announcement.url

    def request(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.read(), {k.lower(): v for k, v in response.getheaders()})

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, body: Any, media_type: str = PROTOBUF, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", path, body, {"Content-Type": media_type, **named})

    def post_traces(self, request: ExportTraceServiceRequest) -> Answer:
        return self.post("/v1/traces", request.SerializeToString())

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Rows through the control socket, which waits for what was acknowledged."""
        with open_database(Settings(data=self.data)) as database:
            lines = database.query_bytes(sql, "JSONEachRow", {}).splitlines()
        return [json.loads(line) for line in lines]

    def peak_rss_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))

    def kill(self) -> None:
        """What the kernel does when memory runs out."""
        self.process.kill()
        self.process.wait()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Exit status, and how long the end took."""
        began = time.perf_counter()
        self.process.send_signal(number)
        return self.process.wait(timeout=20), time.perf_counter() - began

    def stderr(self) -> str:
        return (self.data.parent / f"{self.data.name}.stderr").read_text()


def clean_environment(**more: str) -> dict[str, str]:
    """Without settings of the developer; with compiled modules kept, which halves the time of a start."""
    dropped = ("OTEL_", "WORTHWHILE_", "PYTHONDONTWRITEBYTECODE")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    return kept | {"PYTHONUNBUFFERED": "1"} | more


@dataclass
class Done:
    """A command that ended."""

    returncode: int
    stdout: str
    stderr: str


def run_worthwhile(*words: str, stdin: bytes = b"", cwd: Path | None = None, **environment: str) -> Done:
    """`worthwhile` with these words in a process of its own, run to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "worthwhile_collectors.cli", *words],
        input=stdin,
        capture_output=True,
        timeout=90,
        cwd=cwd,
        env=clean_environment(**environment),
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def begin(data: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    """`worthwhile up`, not waited for; its words go to a file beside the data folder."""
    stderr = data.parent / f"{data.name}.stderr"
    with stderr.open("w") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "worthwhile_collectors.cli", "up", "--data", str(data), *words],
            stdout=subprocess.DEVNULL,
            stderr=file,
            env=clean_environment(**environment),
            text=True,
        )


def wait_until_up(data: Path, process: subprocess.Popen[str]) -> Announcement:
    deadline = time.perf_counter() + START_SECONDS
    folder = DataFolder(data)
    while time.perf_counter() < deadline:
        announcement = folder.announcement()
        if announcement is not None and announcement.pid == process.pid:
            return announcement
        assert process.poll() is None, (data.parent / f"{data.name}.stderr").read_text()
        time.sleep(0.02)
    raise AssertionError("the collector did not start")


class Collectors:
    """Starts collectors, each on a copy of the migrated folder where it has none, or on an empty one if told so."""

    def __init__(self, migrated_copy: Callable[[Path], Path]) -> None:
        self._copy = migrated_copy
        self._started: list[subprocess.Popen[str]] = []

    def __call__(self, data: Path, *words: str, is_empty: bool = False, **environment: str) -> Collector:
        if not (data.exists() or is_empty):
            self._copy(data)
        began = time.perf_counter()
        process = begin(data, *(words if "--port" in words else ("--port", "0", *words)), **environment)
        self._started.append(process)
        return Collector(data, process, wait_until_up(data, process), time.perf_counter() - began)

    def kill(self) -> None:
        """End whatever still runs: an idle collector takes a twentieth of a processor from the tests that follow."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def start_collectors(migrated_copy: Callable[[Path], Path]) -> Iterator[Collectors]:
    """Starts collectors of a module; whatever still runs at its end is killed."""
    collectors = Collectors(migrated_copy)
    yield collectors
    collectors.kill()


@pytest.fixture(scope="session")
def start_shared_collectors(migrated_copy: Callable[[Path], Path]) -> Iterator[Collectors]:
    """Starts collectors that live until the end of the session."""
    collectors = Collectors(migrated_copy)
    yield collectors
    collectors.kill()


@pytest.fixture(scope="session")
def collector(start_shared_collectors: Collectors, tmp_path_factory: pytest.TempPathFactory) -> Collector:
    """One collector with tight limits that many tests share. Tests tell their data apart by workload."""
    data = tmp_path_factory.mktemp("shared") / "data"
    limits = ("--max-body", "2MiB", "--max-spans", "1000", "--read-timeout", "1", "--segment-seconds", "0.2")
    return start_shared_collectors(data, *limits, is_empty=True)


@pytest.fixture
def worthwhile_process() -> Callable[..., Done]:
    """`worthwhile` as a process of its own: where it opens a data folder, or needs stdin or another folder."""
    return run_worthwhile


@pytest.fixture
def worthwhile(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Done]:
    """`worthwhile` in this process: enough for whatever a running collector answers, and quicker."""

    def run(*words: str) -> Done:
        capfdbinary.readouterr()
        try:
            status = main(words)
        except SystemExit as end:  # argparse
            status = int(end.code or 0)
        out, err = capfdbinary.readouterr()
        return Done(status, out.decode(), err.decode())

    return run


@dataclass
class Calls:
    """A trace request of model calls, each with an id of its own."""

    workload: str
    request: ExportTraceServiceRequest
    span_ids: list[str] = field(default_factory=list)

    def body(self) -> bytes:
        return self.request.SerializeToString()


def make_calls(workload: str, count: int = 3, *, input_tokens: int = 10) -> Calls:
    """Calls as the SDK sends them, as far as the collector's tests need."""
    calls = Calls(workload, ExportTraceServiceRequest())
    group = calls.request.resource_spans.add()
    _text(group.resource, "service.name", "tests")
    scope = group.scope_spans.add()
    scope.scope.name = "worthwhile"
    for _ in range(count):
        span = scope.spans.add(trace_id=secrets.token_bytes(16), span_id=secrets.token_bytes(8), name="chat m", kind=3)
        span.start_time_unix_nano = time.time_ns()
        span.end_time_unix_nano = span.start_time_unix_nano + 1_000_000
        _text(span, "worthwhile.span.type", "call")
        _text(span, "worthwhile.workload", workload)
        _text(span, "gen_ai.operation.name", "chat")
        _text(span, "gen_ai.provider.name", "openai")
        _text(span, "gen_ai.request.model", "m")
        span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = input_tokens
        calls.span_ids.append(span.span_id.hex())
    return calls


def make_signal(workload: str, key: str) -> ExportLogsServiceRequest:
    """One accepted outcome by key."""
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.time_unix_nano = record.observed_time_unix_nano = time.time_ns()
    record.event_name = "gen_ai.evaluation.result"
    for name, value in {
        "worthwhile.signal.id": secrets.token_hex(8),
        "worthwhile.signal.kind": "accept",
        "worthwhile.signal.source": "human",
        "worthwhile.workload": workload,
        "worthwhile.task.key": key,
    }.items():
        _text(record, name, value)
    record.attributes.add(key="worthwhile.signal.revision").value.int_value = 1
    return request


def _text(holder: Any, key: str, value: str) -> None:
    holder.attributes.add(key=key).value.string_value = value


@pytest.fixture
def calls_of() -> Callable[..., Calls]:
    return make_calls


@pytest.fixture
def signal_of() -> Callable[..., ExportLogsServiceRequest]:
    return make_signal
