"""SDK -> stock rotel -> ClickHouse's HTTP interface -> `otel_traces` -> our views: the totals of the SDK's own spans.

Rotel (a Rust OTLP collector) runs as its PyPI wheel has it, configured by what `worthwhile config rotel.env` prints.
`server.py` takes its RowBinary inserts in LZ4 frames. The same spans sent as OTLP bytes to our own collector's way of
inserting give the same rows, costs included.
"""

import contextlib
import http.client
import importlib.util
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from tests.collectors.exactness.traffic import Kind, Ledger, Traffic
from tests.collectors.exactness.truth import check
from tests.wire_clickhouse.conftest import Server

from worthwhile_collectors.cli import main
from worthwhile_collectors.store import Store, framed, open_store


def _agent() -> Path | None:
    """The wheel's binary; WORTHWHILE_TEST_ROTEL names one that is elsewhere."""
    if named := os.environ.get("WORTHWHILE_TEST_ROTEL"):
        return Path(named)
    found = importlib.util.find_spec("rotel")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).with_name("rotel-agent")


AGENT = _agent()  # read before the environment is cleaned for each test
ROW = """
SELECT span_id, workload, task_key, provider, request_model, operation, input_tokens, output_tokens, usage_basis,
       toString(cost_usd) AS cost, cost_basis, duration_ns, toString(ts) AS at, quality, attrs
FROM calls_final ORDER BY span_id
"""

pytestmark = pytest.mark.skipif(AGENT is None, reason="the wheel `rotel` is not installed: pip install rotel==0.0.1a15")


@pytest.fixture
def stores(server: Server) -> Iterator[tuple[Store, Store]]:
    """A database that rotel fills, and one that we fill."""
    opened = [open_store(f"http://{server.address}/{name}") for name in ("by_rotel", "by_us")]
    for store in opened:
        store.migrate()
    yield opened[0], opened[1]
    for store in opened:
        store.close()


@pytest.fixture
def rotel(server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Iterator[http.client.HTTPConnection]:
    """A connection to rotel's OTLP/HTTP port."""
    assert main(["config", "rotel.env", "--clickhouse", f"http://{server.address}/by_rotel"]) == 0
    lines = [line for line in capfd.readouterr().out.splitlines() if line and not line.startswith("#")]
    environment = dict(line.split("=", 1) for line in lines)
    ports = [_free_port(), _free_port()]
    environment["ROTEL_OTLP_GRPC_ENDPOINT"] = f"127.0.0.1:{ports[0]}"
    environment["ROTEL_OTLP_HTTP_ENDPOINT"] = f"127.0.0.1:{ports[1]}"
    environment["ROTEL_CLICKHOUSE_EXPORTER_USER"] = "default"
    environment["ROTEL_BATCH_TIMEOUT"] = "200ms"
    with (tmp_path / "rotel.txt").open("w") as words:
        process = subprocess.Popen([str(AGENT), "start"], env=environment, stdout=words, stderr=words, cwd=tmp_path)
    try:
        with contextlib.closing(_connected(ports[1], process, tmp_path / "rotel.txt")) as connection:
            yield connection
    finally:
        process.terminate()
        process.wait(timeout=20)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _connected(port: int, process: subprocess.Popen[bytes], words: Path) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    deadline = time.perf_counter() + 20
    while time.perf_counter() < deadline:
        assert process.poll() is None, words.read_text()
        try:
            connection.connect()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return connection
    raise AssertionError(words.read_text())


def test_what_stock_rotel_inserts_is_what_we_insert(
    stores: tuple[Store, Store], rotel: http.client.HTTPConnection
) -> None:
    by_rotel, by_us = stores
    traffic = Traffic(seed=21)
    bodies: dict[Kind, list[bytes]] = {"traces": [], "logs": []}
    for kind, body in islice(traffic.requests(), 80):
        bodies[kind].append(body)
        rotel.request("POST", f"/v1/{kind}", body, {"Content-Type": "application/x-protobuf"})
        answer = rotel.getresponse()
        assert answer.status in {200, 202}, answer.read()
        answer.read()
    for kind, requests in bodies.items():
        assert by_us.insert_protobuf(kind, framed(requests), f"us-{kind}") == ()
    _wait_for(by_rotel, traffic.ledger)
    check(by_us.query, traffic.ledger)
    check(by_rotel.query, traffic.ledger)
    assert by_rotel.query(ROW) == by_us.query(ROW)


def _wait_for(store: Store, ledger: Ledger) -> None:
    wanted = {"calls": ledger.calls.total(), "signals": ledger.signals.total()}
    deadline = time.perf_counter() + 60
    sql = "SELECT (SELECT count() FROM calls) AS calls, (SELECT count() FROM signals) AS signals"
    while (found := store.query(sql)[0]) != wanted:
        assert time.perf_counter() < deadline, f"{found} of {wanted}"
        time.sleep(0.2)
