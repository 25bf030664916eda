"""Exactly once: nothing acknowledged is lost and nothing is doubled, whenever the collector dies."""

import http.client
import random
import shutil
import signal
import threading
import time

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

COUNTS = """
SELECT workload, count() AS calls, sum(input_tokens) AS tokens
FROM calls_final GROUP BY workload ORDER BY workload
"""


class Sender(threading.Thread):
    """Sends requests one after the other, never twice, and remembers what was acknowledged."""

    def __init__(self, collector, calls_of, workload: str) -> None:
        super().__init__()
        self.collector = collector
        self.calls_of = calls_of
        self.workload = workload
        self.sent: set[str] = set()
        self.acknowledged: set[str] = set()

    def run(self) -> None:
        while True:
            calls = self.calls_of(self.workload, 20)
            self.sent |= set(calls.span_ids)
            try:
                if self.collector.post("/v1/traces", calls.body()).status == 200:
                    self.acknowledged |= set(calls.span_ids)
            except (OSError, http.client.HTTPException):
                return


def test_kill_9_in_mid_ingest_loses_and_doubles_nothing(start_collectors, calls_of, tmp_path):
    data = tmp_path / "data"
    senders = []
    for seconds in (0.2, 1.0, 1.8):
        collector = start_collectors(data, "--segment-seconds", "0.02", "--segment-bytes", "512KiB")
        sender = Sender(collector, calls_of, "crash")
        sender.start()
        time.sleep(seconds * random.uniform(0.5, 1.5))
        collector.kill()
        sender.join()
        senders.append(sender)
    collector = start_collectors(data)
    rows = collector.rows("SELECT SpanId AS id, count() AS n FROM otel_traces GROUP BY id")
    stored = {row["id"] for row in rows}
    acknowledged = set().union(*(sender.acknowledged for sender in senders))
    assert len(acknowledged) > 200
    assert acknowledged <= stored <= set().union(*(sender.sent for sender in senders))
    assert {row["n"] for row in rows} == {1}
    assert collector.rows(COUNTS) == [{"workload": "crash", "calls": len(stored), "tokens": 10 * len(stored)}]


FIGURES = """
SELECT (SELECT count() FROM otel_traces) AS spans, (SELECT count() FROM otel_logs) AS records,
       (SELECT count() FROM calls) AS calls, (SELECT sum(input_tokens) FROM calls_final) AS tokens,
       (SELECT count() FROM signals) AS signals
"""


def test_a_crash_between_insert_and_removal_changes_nothing(start_collectors, calls_of, signal_of, tmp_path):
    """The segments are put back as they were before their insert: what a crash at that moment leaves behind."""
    data = tmp_path / "data"
    collector = start_collectors(data, "--segment-seconds", "60")
    assert collector.post("/v1/traces", calls_of("replayed", 50).body()).status == 200
    assert collector.post("/v1/logs", signal_of("replayed", "k").SerializeToString()).status == 200
    shutil.copytree(data / "spool", tmp_path / "before")
    assert len(list((tmp_path / "before").iterdir())) == 2
    figures = [{"spans": 50, "records": 1, "calls": 50, "tokens": 500, "signals": 1}]
    assert collector.rows(FIGURES) == figures
    assert list((data / "spool").iterdir()) == []
    collector.kill()
    shutil.copytree(tmp_path / "before", data / "spool", dirs_exist_ok=True)
    collector = start_collectors(data)
    assert collector.rows(FIGURES) == figures
    assert collector.get("/healthz").json()["writer"]["segments"] == 2


def test_a_restart_while_requests_flow_costs_the_senders_nothing(start_collectors, tmp_path):
    """The span exporter of OpenTelemetry meets an orderly stop and a new start on the same port."""
    data = tmp_path / "data"
    collector = start_collectors(data)
    port = collector.url.rpartition(":")[2]
    provider = TracerProvider()
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(f"{collector.url}/v1/traces"), schedule_delay_millis=20)
    )
    tracer = provider.get_tracer("worthwhile")
    attributes = {"worthwhile.span.type": "call", "worthwhile.workload": "restart", "gen_ai.usage.input_tokens": 3}
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(0.005):
            tracer.start_span("chat m", attributes=attributes).end()
            sent.append(1)

    sent: list[int] = []
    worker = threading.Thread(target=work)
    worker.start()
    time.sleep(0.3)
    assert collector.stop()[0] == 0
    collector = start_collectors(data, "--port", port)
    time.sleep(0.3)
    ended.set()
    worker.join()
    provider.shutdown()
    assert collector.rows(COUNTS) == [{"workload": "restart", "calls": len(sent), "tokens": 3 * len(sent)}]


def test_ctrl_c_loses_nothing(start_collectors, calls_of, tmp_path):
    """What the time for stopping is too short for, the next start stores."""
    collector = start_collectors(tmp_path / "data", "--segment-seconds", "60")
    for _ in range(10):
        assert collector.post("/v1/traces", calls_of("last", 100).body()).status == 200
    assert collector.stop(signal.SIGINT)[0] == 0
    is_stored = not list((collector.data / "spool").iterdir())
    said = "everything acknowledged is stored" if is_stored else "acknowledged bytes wait in the spool"
    assert said in collector.stderr()
    collector = start_collectors(tmp_path / "data")
    assert collector.rows(COUNTS) == [{"workload": "last", "calls": 1000, "tokens": 10_000}]


def test_a_full_quota_is_503_and_what_was_acknowledged_stays(start_collectors, calls_of, tmp_path):
    collector = start_collectors(tmp_path / "data", "--spool-quota", "1MiB", "--segment-seconds", "60")
    statuses = []
    acknowledged = 0
    while 503 not in statuses:
        calls = calls_of("quota", 500)
        answer = collector.post("/v1/traces", calls.body())
        statuses.append(answer.status)
        acknowledged += 500 if answer.status == 200 else 0
        assert len(statuses) < 100
    assert answer.headers["retry-after"] == "5"
    assert b"the spool holds `" in answer.body
    assert collector.rows(COUNTS) == [{"workload": "quota", "calls": acknowledged, "tokens": 10 * acknowledged}]
    assert collector.post("/v1/traces", calls_of("quota", 1).body()).status == 200


def test_poison_among_good_requests_is_quarantined_alone(start_collectors, calls_of, signal_of, worthwhile, tmp_path):
    """A log request sent to the address of traces is sound protobuf, and nothing that ClickHouse can read as spans."""
    collector = start_collectors(tmp_path / "data")
    assert collector.post("/v1/traces", calls_of("good", 5).body()).status == 200
    poison = signal_of("poison", "k").SerializeToString()
    assert collector.post("/v1/traces", poison).status == 200
    assert collector.post("/v1/traces", calls_of("good", 5).body()).status == 200
    assert collector.rows(COUNTS) == [{"workload": "good", "calls": 10, "tokens": 100}]
    doctor = worthwhile("doctor", "--json", "--data", str(collector.data))
    assert doctor.returncode == 1
    assert "the database refused `1` requests" in doctor.stdout
    [piece] = (collector.data / "quarantine").glob("*.pb")
    assert piece.read_bytes() == poison


pytestmark = pytest.mark.timeout(120)
