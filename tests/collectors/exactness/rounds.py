"""A sender and collectors that die: each request is sent again until one of them has acknowledged it."""

import http.client
import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.collectors.conftest import clean_environment, wait_until_up
from tests.collectors.exactness import dying
from tests.collectors.exactness.traffic import Kind, Traffic

ROUND_SECONDS = 60.0
FINISH_SECONDS = 400.0
PACE_SECONDS = 0.004
DIES_WITHIN = {"acknowledge": 8.0, "seal": 5.0, "insert": 250.0, "stored": 2.0, "removed": 2.0}
"""How long after the moment of its phase a collector may live on [ms]."""


class Death(NamedTuple):
    """When a collector kills itself: at which time of reaching a phase, and how long after it."""

    phase: str
    count: int
    delay_ms: float


def deaths(number: int, seed: int) -> list[Death]:
    """So many moments, each phase in turn, the rest by chance."""
    chance = random.Random(seed)
    phases = [list(dying.PHASES)[index % len(dying.PHASES)] for index in range(number)]
    frequent = {"receive", "spool", "acknowledge"}
    return [
        Death(phase, chance.randint(2, 60 if phase in frequent else 6), chance.uniform(0, DIES_WITHIN.get(phase, 0.0)))
        for phase in phases
    ]


@dataclass
class Rounds:
    """The story of one data folder."""

    data: Path
    traffic: Traffic
    acknowledged: int = 0
    sent_again: int = 0
    died: list[Death] = field(default_factory=list)
    _waiting: tuple[Kind, bytes] | None = None

    def __post_init__(self) -> None:
        self._requests = self.traffic.requests()

    def run(self, death: Death) -> None:
        """One collector, sent to until it dies."""
        process = self._start(death)
        deadline = time.perf_counter() + ROUND_SECONDS
        try:
            connection = self._connection(process)
            while process.poll() is None:
                assert time.perf_counter() < deadline, f"the collector lived on past `{death}`"
                self._send(connection)
                time.sleep(PACE_SECONDS)
        except (OSError, http.client.HTTPException):
            process.wait(timeout=10)
        finally:
            process.kill()
        assert process.wait() == -9, (self.data.parent / f"{self.data.name}.stderr").read_text()
        self.died.append(death)

    def finish(self, url: str) -> None:
        """Sends what is not acknowledged yet to a collector that stays, and waits until everything is stored."""
        address = urlsplit(url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
        if self._waiting is not None:
            self._send(connection)
        deadline = time.perf_counter() + FINISH_SECONDS
        while True:
            connection.request("GET", "/healthz")
            writer = json.loads(connection.getresponse().read())["writer"]
            if writer["waiting_bytes"] == 0:
                break
            assert time.perf_counter() < deadline, writer
            time.sleep(0.1)
        connection.close()

    def _start(self, death: Death) -> subprocess.Popen[str]:
        arguments = [dying.__file__, death.phase, str(death.count), str(death.delay_ms)]
        options = ["--port", "0", "--segment-seconds", "0.1", "--segment-bytes", "512KiB"]
        with (self.data.parent / f"{self.data.name}.stderr").open("w") as stderr:
            return subprocess.Popen(
                [sys.executable, *arguments, "up", "--data", str(self.data), *options],
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                env=clean_environment(PYTHONPATH=":".join(sys.path)),
                text=True,
            )

    def _connection(self, process: subprocess.Popen[str]) -> http.client.HTTPConnection:
        """To the collector once it is up. One may die before that, while it stores what its predecessor left."""
        try:
            address = urlsplit(wait_until_up(self.data, process).url)
        except AssertionError as err:
            if process.poll() == -9:
                raise ConnectionError("it died on starting") from err
            raise
        return http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)

    def _send(self, connection: http.client.HTTPConnection) -> None:
        if self._waiting is None:
            self._waiting = next(self._requests)
        else:
            self.sent_again += 1
        kind, body = self._waiting
        connection.request("POST", f"/v1/{kind}", body, {"Content-Type": "application/x-protobuf"})
        response = connection.getresponse()
        answer = response.read()
        assert response.status == 200, answer
        self.acknowledged += 1
        self._waiting = None
