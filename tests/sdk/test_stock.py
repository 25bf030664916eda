"""Delivery through exporters that are not ours: what the environment asks for is used, or told to be missing."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from opentelemetry._logs import LogRecord
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanContext
from tests.sdk.peer import Peer, answering

import worthwhile as ww
from worthwhile import _settings, _stock
from worthwhile._stock import StockSender, is_asked_for, make_stock_sender
from worthwhile._transport import Answer

SPAN = ReadableSpan("a span", SpanContext(1, 2, is_remote=False), resource=Resource({}), start_time=1, end_time=2)
RECORD = ReadableLogRecord(LogRecord(timestamp=1, body="a record"), Resource({}))


@pytest.fixture(autouse=True)
def _fresh(fresh: None, as_in_production: None) -> None: ...


class Fake:
    """An exporter from somewhere else."""

    def __init__(self, outcome: object = SpanExportResult.SUCCESS, **arguments: object) -> None:
        self.outcome = outcome
        self.arguments = arguments
        self.batches: list[Sequence[Any]] = []
        self.ended = threading.Event()
        self.may_end = threading.Event()

    def export(self, batch: Sequence[Any]) -> Any:
        self.batches.append(batch)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def shutdown(self) -> None:
        self.may_end.wait(5)
        self.ended.set()


class Entry:
    def __init__(self, made: Callable[..., Any]) -> None:
        self.made = made

    def load(self) -> Callable[..., Any]:
        return self.made


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[..., Any]]:
    """Exporters that are installed, by name."""
    found: dict[str, Callable[..., Any]] = {}
    monkeypatch.setattr(_stock, "entry_points", lambda *, group, name: [Entry(found[name])] if name in found else [])
    return found


def sender(signal: Any = "traces") -> StockSender[Any]:
    return make_stock_sender(_settings.current(), signal)


@pytest.mark.parametrize(
    ("environment", "spans", "signals"),
    [
        ({}, False, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, False, False),
        ({"OTEL_TRACES_EXPORTER": "console"}, True, False),
        ({"OTEL_TRACES_EXPORTER": "otlp,console"}, True, False),
        ({"OTEL_LOGS_EXPORTER": "none"}, False, True),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, True, True),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, True, True),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, False, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}, True, False),
        ({"OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER": "cloud"}, True, True),
        ({"OTEL_PYTHON_EXPORTER_OTLP_HTTP_LOGS_CREDENTIAL_PROVIDER": "cloud"}, False, True),
    ],
    ids=str,
)
def test_when_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *, spans: bool, signals: bool
) -> None:
    for variable, text in environment.items():
        monkeypatch.setenv(variable, text)
    settings = _settings.current()
    assert (is_asked_for(settings, "traces"), is_asked_for(settings, "logs")) == (spans, signals)
    ww.configure(endpoint="http://127.0.0.1:9")
    assert not is_asked_for(_settings.current(), "traces")


def test_the_console(run_program: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    ran = run_program(
        """
        from tests.sdk.test_stock import RECORD, SPAN, Answer, _settings, make_stock_sender

        for signal, item in (("traces", SPAN), ("logs", RECORD)):
            console = make_stock_sender(_settings.current(), signal)
            assert console.send([item], 1) == Answer("accepted")
            assert console.target == "the exporter `console`"
            console.close()
        """,
        OTEL_TRACES_EXPORTER="console",
        OTEL_LOGS_EXPORTER="console",
        PYTHONPATH=os.pathsep.join(sys.path),
    )
    assert ran.stderr == ""
    assert '"name": "a span"' in ran.stdout
    assert '"body": "a record"' in ran.stdout


def test_none_sends_nothing_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    answer = sender().send([SPAN, SPAN], 1)
    assert answer == Answer("partial", "not sent anywhere, as OTEL_TRACES_EXPORTER is `none`", rejected=2)


@pytest.mark.parametrize(
    ("environment", "hint"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "`pip install 'worthwhile[grpc]'` installs it"),
        (
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
            "`pip install opentelemetry-exporter-otlp-json-http` installs it",
        ),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "no installed package provides it"),
    ],
    ids=str,
)
def test_what_is_not_installed_is_not_replaced_but_told(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    installed: dict[str, Callable[..., Any]],
    environment: dict[str, str],
    hint: str,
) -> None:
    for variable, text in environment.items():
        monkeypatch.setenv(variable, text)
    with Peer(answering()) as peer:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", peer.url)
        for _ in range(2):
            answer = sender().send([SPAN], 1)
            assert (answer.outcome, answer.permanent) == ("refused", False)
            assert hint in answer.reason
        assert peer.connections == 0
    (record,) = caplog.records
    assert record.getMessage().startswith("spans: they are not sent, because the exporter `")
    assert hint in record.getMessage()


def test_one_of_two_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, installed: dict[str, Callable[..., Any]]
) -> None:
    installed["here"] = fake = lambda kept=Fake(): kept  # noqa: B008
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "here,gone")
    answer = sender().send([SPAN], 1)
    assert (answer.outcome, answer.permanent) == ("refused", True)
    assert fake().batches == [[SPAN]]
    assert "spans: only here gets them, because the exporter `gone` cannot be used" in caplog.text


def test_our_exporter_beside_another(monkeypatch: pytest.MonkeyPatch, installed: dict[str, Callable[..., Any]]) -> None:
    other = Fake()
    installed["other"] = lambda: other
    with Peer(answering()) as peer:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", peer.url)
        monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp,other")
        monkeypatch.setenv("OTEL_LOGS_EXPORTER", "otlp,other")
        for signal, item in (("traces", SPAN), ("logs", RECORD)):
            both = sender(signal)
            assert both.send([item], 5) == Answer("accepted")
            assert both.target == "the exporter `otlp` and the exporter `other`"
            other.may_end.set()
            both.close()
        assert [request.line for request in peer.requests] == [
            "POST /v1/traces HTTP/1.1",
            "POST /v1/logs HTTP/1.1",
        ]
    assert other.batches == [[SPAN], [RECORD]]


def test_grpc_gets_the_headers_of_configure(
    monkeypatch: pytest.MonkeyPatch, installed: dict[str, Callable[..., Any]]
) -> None:
    made: list[Fake] = []
    installed["otlp_proto_grpc"] = lambda **arguments: made.append(Fake(**arguments)) or made[-1]  # type: ignore[func-returns-value]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    assert sender().send([SPAN], 1).outcome == "accepted"
    ww.configure(headers={"Tenant": "7"})
    assert sender().send([SPAN], 1).outcome == "accepted"
    assert [fake.arguments for fake in made] == [{}, {"headers": {"tenant": "7"}}]


def test_a_credential_provider_is_used_by_the_stock_exporter(
    monkeypatch: pytest.MonkeyPatch, installed: dict[str, Callable[..., Any]]
) -> None:
    installed["otlp_proto_http"] = Fake
    monkeypatch.setenv("OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER", "cloud")
    assert sender().send([SPAN], 1) == Answer("accepted")


@pytest.mark.parametrize("outcome", [SpanExportResult.FAILURE, RuntimeError("boom")], ids=repr)
def test_a_failing_exporter(
    monkeypatch: pytest.MonkeyPatch, installed: dict[str, Callable[..., Any]], outcome: object
) -> None:
    failing, other = Fake(outcome), Fake()
    installed.update(failing=lambda: failing, other=lambda: other)
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "failing")
    answer = sender().send([SPAN], 1)
    assert (answer.outcome, "the exporter `failing`" in answer.reason) == ("retry", True)
    _settings.forget()
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "failing,other")
    answer = sender().send([SPAN], 1)
    assert (answer.outcome, answer.permanent) == ("refused", True)
    assert other.batches == [[SPAN]]


def test_an_exporter_that_cannot_be_made(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, installed: dict[str, Callable[..., Any]]
) -> None:
    def make() -> Fake:
        raise TypeError("endpoint missing")

    installed["odd"] = make
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "odd")
    assert "endpoint missing" in sender().send([SPAN], 1).reason
    assert "endpoint missing" in caplog.text


def test_closing_does_not_wait_for_an_exporter(
    monkeypatch: pytest.MonkeyPatch, installed: dict[str, Callable[..., Any]]
) -> None:
    slow = Fake()
    installed["slow"] = lambda: slow
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "slow")
    sender().close()
    assert not slow.ended.is_set()
    slow.may_end.set()
    assert slow.ended.wait(5)
