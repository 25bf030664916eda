"""`worthwhile up --clickhouse URL` while the server is away, or takes an insert and its answer is lost.

The server is `tests/wire_clickhouse/server.py`: the engine of chdb behind ClickHouse's HTTP interface. A proxy in front
of it plays the network.
"""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVER = Path(__file__).parents[1] / "wire_clickhouse" / "server.py"


class Network(threading.Thread):
    """Between the collector and its server: passes on, refuses, or cuts off answers to inserts."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.mode = "pass"
        self.cuts = 0
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            if self.mode != "refuse":
                with socket.create_connection(("127.0.0.1", self._server)) as server:
                    threading.Thread(target=self._pass_on, args=(client, server), daemon=True).start()
                    self._answer(client, server)
            client.shutdown(socket.SHUT_RDWR)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while (asked := client.recv(1 << 16)) and self.mode != "refuse":
                server.sendall(asked)
            server.shutdown(socket.SHUT_RDWR)

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        while answer := server.recv(1 << 16):
            if self.mode == "cut":
                self.cuts += 1
            if self.mode != "pass":
                return
            client.sendall(answer)


@pytest.fixture
def network(tmp_path) -> Iterator[Network]:
    folder = tmp_path / "server"
    folder.mkdir()
    words = [sys.executable, str(SERVER), str(folder)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        between = Network(int(server.stdout.readline()))
        between.start()
        yield between
        between.close()
        server.stdin.close()


def wait_for(claim) -> None:
    deadline = time.perf_counter() + 60
    while not claim():
        assert time.perf_counter() < deadline
        time.sleep(0.05)


def test_a_server_that_is_away_costs_nothing_and_doubles_nothing(
    start_collectors, worthwhile, calls_of, network, tmp_path
):
    url = f"http://127.0.0.1:{network.port}/shop"
    collector = start_collectors(tmp_path / "data", "--clickhouse", url, "--segment-seconds", "0.05")

    def writer() -> dict:
        return collector.get("/healthz").json()["writer"]

    assert collector.post("/v1/traces", calls_of("before", 10).body()).status == 200
    wait_for(lambda: writer()["requests"] == 1)
    network.mode = "refuse"
    for _ in range(3):
        assert collector.post("/v1/traces", calls_of("while away", 10).body()).status == 200
    wait_for(lambda: writer()["failed"] > 0)
    assert collector.get("/").status == 503
    network.mode = "cut"
    wait_for(lambda: network.cuts > 0)
    network.mode = "pass"
    wait_for(lambda: writer()["waiting_bytes"] == 0)
    assert writer()["last_error"]
    counts = "count(), uniqExact(SpanId), (SELECT count() FROM calls), (SELECT count() FROM calls_final)"
    sql = f"SELECT {counts} FROM otel_traces"
    done = worthwhile("query", sql, "--format", "tsv", "--clickhouse", url)
    assert done.stdout.splitlines()[1] == "40\t40\t40\t40"
    assert worthwhile("report", "--clickhouse", url).returncode == 0
