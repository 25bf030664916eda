"""A resolver that hangs holds up neither a request, nor a flush, nor the end of the process."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.sdk.peer import Peer, answering

from worthwhile import _settings
from worthwhile._transport import Sender, make_sender

BODY = b"an encoded request"

HANGING = """
import socket, time

def hang(host, *rest, **more):
    assert host == "collector.test"
    time.sleep(60)

socket.getaddrinfo = hang
"""

ENDING = """
import atexit

def tell():
    print(time.perf_counter() - started)

atexit.register(tell)  # runs last, because it was registered first
import logging
logging.basicConfig()
import worthwhile as ww

with ww.task("t") as t:
    t.accept()
started = time.perf_counter()
"""


@pytest.fixture(autouse=True)
def _fresh(fresh: None, as_in_production: None) -> None: ...


class Names:
    """Stands for the system's resolver, which answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.may_answer = threading.Event()
        self._real = socket.getaddrinfo

    def look_up(self, host: str, port: int, **more: Any) -> Any:
        self.asked.append(host)
        assert self.may_answer.wait(60)
        if host == "nowhere.test":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self._real("127.0.0.1", port, **more)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    names = Names()
    monkeypatch.setattr(socket, "getaddrinfo", names.look_up)
    yield names
    names.may_answer.set()
    for thread in threading.enumerate():
        if thread.name.endswith("look-up"):
            thread.join(30)


@pytest.fixture
def sender_to() -> Iterator[Callable[[str], Sender]]:
    made: list[Sender] = []

    def make(url: str) -> Sender:
        made.append(make_sender(_settings.override({"endpoint": url}), "traces"))
        return made[-1]

    yield make
    for sender in made:
        sender.close()


def test_a_look_up_that_hangs_ends_with_the_deadline_and_is_not_begun_again(
    names: Names, sender_to: Callable[[str], Sender]
) -> None:
    with Peer(answering()) as peer:
        sender = sender_to(f"http://collector.test:{peer.port}")
        for _ in range(3):
            answer = sender.send(BODY, 0.05)
            assert (answer.outcome, "did not answer in time" in answer.reason) == ("retry", True)
        assert names.asked == ["collector.test"]
        names.may_answer.set()
        assert sender.send(BODY, 30).outcome == "accepted"
        assert peer.requests[0].headers["host"] == f"collector.test:{peer.port}"


def test_an_answer_that_came_too_late_is_asked_for_again(names: Names, sender_to: Callable[[str], Sender]) -> None:
    with Peer(answering()) as peer:
        sender = sender_to(f"http://collector.test:{peer.port}")
        assert sender.send(BODY, 0.05).outcome == "retry"
        names.may_answer.set()
        for thread in threading.enumerate():
            if thread.name.endswith("look-up"):
                thread.join(30)
        assert sender.send(BODY, 30).outcome == "accepted"
        assert names.asked == ["collector.test"] * 2


def test_a_name_that_is_not_known(names: Names, sender_to: Callable[[str], Sender]) -> None:
    names.may_answer.set()
    answer = sender_to("http://nowhere.test:4318").send(BODY, 30)
    assert (answer.outcome, "Name or service not known" in answer.reason) == ("retry", True)


def test_an_address_is_looked_up_without_a_thread(names: Names, sender_to: Callable[[str], Sender]) -> None:
    names.may_answer.set()
    with Peer(answering()) as peer:
        threads = threading.active_count()
        assert sender_to(peer.url).send(BODY, 30).outcome == "accepted"
        assert not any(thread.name.endswith("look-up") for thread in threading.enumerate())
        assert threading.active_count() <= threads + 1, "the peer's own"


def test_the_process_ends_in_time(run_program: Any) -> None:
    done = run_program(HANGING + ENDING, OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.test:4318")
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 2.6
    assert "2 spans and signals are kept for the next process" in done.stderr


def test_so_does_one_that_has_work_only_then(run_program: Any) -> None:
    """Threads cannot be started that late on Python 3.12 and newer."""
    refusing = "def refuse(self): raise RuntimeError\nimport threading\nthreading.Thread.start = refuse\n"
    done = run_program(HANGING + refusing + ENDING, OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.test:4318")
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 2.6
    assert "2 spans and signals are kept for the next process" in done.stderr


def test_flush_returns_in_time(run_program: Any) -> None:
    done = run_program(
        HANGING
        + """
import os
import worthwhile as ww

with ww.task("t") as t:
    t.accept()
started = time.perf_counter()
assert ww.flush(1) is False
print(time.perf_counter() - started, flush=True)
os._exit(0)
""",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://collector.test:4318",
    )
    assert done.returncode == 0, done.stderr
    assert 0.9 < float(done.stdout) < 1.5
