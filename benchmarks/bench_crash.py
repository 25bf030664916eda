"""What is lost when the program is killed with SIGKILL, again and again: nothing that was on disk, and nothing twice.

Each round starts the same program on the same spool folder, lets it record keyed tasks and say from time to time how
many of them are spooled or delivered, and kills it at a random moment. The receiver is down in half of the rounds. In
the end one more process delivers what is left, and every task that a process had acknowledged must have arrived;
arrived twice, with the same span id, counts once in every total.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from harness.processes import environment

ROUNDS = int(os.environ.get("WORTHWHILE_BENCH_KILLS", "100"))

PROGRAM = """
import sys, time
import worthwhile as ww
ww.configure(endpoint=sys.argv[1], service_name="crash")
round_, number = sys.argv[2], 0
while True:
    for _ in range(20):
        with ww.task("crash", key=f"{round_}/{number}"):
            pass
        number += 1
    time.sleep(0.002)
    stats = ww.stats()
    # Spans are spooled and delivered in their order: so many of them are safe, whatever happens now.
    print(stats.delivered - stats.recovered + stats.spooled, flush=True)
"""

LAST = """
import sys, time
import worthwhile as ww
ww.configure(endpoint=sys.argv[1], service_name="crash")
with ww.task("crash", key="last"):
    pass
end = time.monotonic() + 60
seen = -1
while time.monotonic() < end:
    ww.flush(5)
    stats = ww.stats()
    if stats.waiting == 0 and stats.recovered == seen:
        break
    seen = stats.recovered
    time.sleep(1.5)
print(ww.stats())
"""


def run() -> dict[str, tuple[float, str]]:
    """Rounds, and how many acknowledged tasks were lost or count twice."""
    dice = random.Random(7)
    receiver = Receiver()
    acknowledged: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as state:
        for round_ in range(ROUNDS):
            receiver.is_down = bool(round_ % 2)
            acknowledged[round_] = _killed_round(receiver.url, state, round_, dice.uniform(0.05, 0.4))
        receiver.is_down = False
        subprocess.run(
            [sys.executable, "-c", LAST, receiver.url], env=environment(state), check=True, stdout=subprocess.DEVNULL
        )
        left = sum(1 for path in Path(state).rglob("*") if path.is_file() and path.stat().st_size)
    receiver.close()
    lost = sum(
        f"{round_}/{number}" not in receiver.spans for round_, count in acknowledged.items() for number in range(count)
    )
    twice = sum(len(ids) - 1 for ids in receiver.spans.values())
    repeated = sum(count - 1 for ids in receiver.spans.values() for count in ids.values())
    return {
        "kill_rounds": (ROUNDS, "{round}"),
        "kill_acknowledged_tasks": (sum(acknowledged.values()), "{task}"),
        "kill_acknowledged_lost": (lost, "{task}"),
        "kill_duplicates_in_totals": (twice, "{task}"),
        "kill_spans_sent_again": (repeated, "{span}"),
        "kill_spool_files_left": (left, "{file}"),
    }


def _killed_round(url: str, state: str, round_: int, seconds: float) -> int:
    """How many tasks the program has acknowledged when it is killed, `seconds` after its first word."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url, str(round_)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(state),
    )
    told = [process.stdout.readline()]
    reader = Thread(target=lambda: told.extend(process.stdout), daemon=True)
    reader.start()
    time.sleep(seconds)
    process.kill()
    process.wait()
    reader.join()
    return max(int(line) for line in told if line.endswith("\n"))


class Receiver:
    """An OTLP/HTTP receiver that keeps the ids of every task's spans; down, it refuses with 503."""

    def __init__(self) -> None:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        self.is_down = False
        self.spans: dict[str, Counter[bytes]] = {}
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not receiver.is_down and self.path == "/v1/traces":
                    receiver.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(503 if receiver.is_down else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Silence."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def take(self, request: Any) -> None:
        """Keep the ids of a request's spans by the key of their task."""
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    key = next(each.value.string_value for each in span.attributes if each.key == "worthwhile.task.key")
                    self.spans.setdefault(key, Counter())[span.span_id] += 1

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()


if __name__ == "__main__":
    for figure, (value, unit) in run().items():
        print(f"{figure:<44}{value:>14,} {unit}")
