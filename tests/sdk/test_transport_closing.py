"""A sender that is closed, used by several threads, or inherited by a forked child."""

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.sdk.peer import Line, Peer, answering

from worthwhile import _settings
from worthwhile._transport import Answer, Sender, make_sender

BODY = b"an encoded request" * 20


@pytest.fixture(autouse=True)
def _fresh(fresh: None, as_in_production: None) -> None: ...


@pytest.fixture
def sender_to(request: pytest.FixtureRequest) -> Iterator[Callable[..., Sender]]:
    made: list[Sender] = []

    def make(url: str, **arguments: Any) -> Sender:
        made.append(make_sender(_settings.override({"endpoint": url, **arguments}), "traces"))
        return made[-1]

    yield make
    for sender in made:
        sender.close()


def test_close_ends_a_request_under_way(sender_to: Callable[..., Sender]) -> None:
    arrived = threading.Event()

    def script(line: Line) -> None:
        line.read()
        arrived.set()
        line.wait_for_the_end()

    with Peer(script) as peer:
        sender, answers = sender_to(peer.url), []
        thread = threading.Thread(target=lambda: answers.append(sender.send(BODY, 60)))
        thread.start()
        assert arrived.wait(5)
        sender.close()
        thread.join(5)
        assert answers == [Answer("retry", "the sender is closed")]
        assert sender.send(BODY, 5) == Answer("retry", "the sender is closed")
        assert peer.connections == 1


def test_close_ends_a_request_on_a_kept_connection_and_does_not_send_it_again(
    sender_to: Callable[..., Sender],
) -> None:
    arrived = threading.Event()

    def script(line: Line) -> None:
        line.read()
        line.answer("200 OK")
        line.read()
        arrived.set()
        line.wait_for_the_end()

    with Peer(script) as peer:
        sender, answers = sender_to(peer.url), []
        assert sender.send(BODY, 5).outcome == "accepted"
        thread = threading.Thread(target=lambda: answers.append(sender.send(BODY, 60)))
        thread.start()
        assert arrived.wait(5)
        sender.close()
        thread.join(30)
        assert answers == [Answer("retry", "the sender is closed")]
        assert peer.connections == 1


def test_a_second_thread_waits_for_the_first_but_not_for_ever(sender_to: Callable[..., Sender]) -> None:
    arrived = threading.Event()

    def script(line: Line) -> None:
        line.read()
        arrived.set()
        line.wait_for_the_end()

    with Peer(script) as peer:
        sender = sender_to(peer.url)
        thread = threading.Thread(target=lambda: sender.send(BODY, 60))
        thread.start()
        assert arrived.wait(5)
        answer = sender.send(BODY, 0.1)
        assert (answer.outcome, "under way" in answer.reason) == ("retry", True)
        sender.close()
        thread.join(5)


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_a_forked_child_opens_a_connection_of_its_own(sender_to: Callable[..., Sender]) -> None:
    with Peer(answering()) as peer:
        sender = sender_to(peer.url)
        assert sender.send(b"parent", 5).outcome == "accepted"
        sender._lock.acquire()  # as if another thread of the parent were sending
        child = os.fork()
        if child == 0:
            os._exit(0 if sender.send(b"child", 5).outcome == "accepted" else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        sender._lock.release()
        assert sender.send(b"parent again", 5).outcome == "accepted"
        assert [request.body for request in peer.requests] == [b"parent", b"child", b"parent again"]
        assert peer.connections == 2
