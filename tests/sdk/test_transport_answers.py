"""What each answer of a receiver becomes: taken, taken in part, later, in smaller parts, or never."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsPartialSuccess, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from tests.sdk.peer import Line, Peer, answering

from worthwhile import _settings
from worthwhile._transport import MAX_RETRY_AFTER_S, Answer, Sender, make_sender

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


@pytest.mark.parametrize("status", ["200 OK", "202 Accepted", "204 No Content"])
def test_any_success_is_one(sender_to: Callable[..., Sender], status: str) -> None:
    with Peer(answering(status)) as peer:
        assert sender_to(peer.url).send(BODY, 5) == Answer("accepted")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            ExportTraceServiceResponse(
                partial_success=ExportTracePartialSuccess(rejected_spans=3, error_message="é x")
            ),
            Answer("partial", "é x", 3),
        ),
        (
            ExportLogsServiceResponse(
                partial_success=ExportLogsPartialSuccess(rejected_log_records=70_000, error_message="")
            ),
            Answer("partial", "", 70_000),
        ),
        (
            ExportTraceServiceResponse(partial_success=ExportTracePartialSuccess(error_message="soon\nfull")),
            Answer("accepted", "soon full"),
        ),
        (
            ExportTraceServiceResponse(partial_success=ExportTracePartialSuccess(rejected_spans=-1)),
            Answer("accepted"),
        ),
        (ExportTraceServiceResponse(partial_success=ExportTracePartialSuccess()), Answer("accepted")),
        (ExportTraceServiceResponse(), Answer("accepted")),
    ],
    ids=str,
)
def test_partial_success(sender_to: Callable[..., Sender], message: Any, expected: Answer) -> None:
    with Peer(answering(body=message.SerializeToString(), Content_Type="application/x-protobuf")) as peer:
        assert sender_to(peer.url).send(BODY, 5) == expected


@pytest.mark.parametrize(
    "body",
    [b"{}", b"\xff\xff\xff", b"\x0a\x50", b"\x0a\x02\x12\x7f", b"\x08" + b"\xff" * 12, b"ok", b"\x0b\x0c"],
    ids=repr,
)
def test_a_success_with_a_body_that_is_no_message_is_one(sender_to: Callable[..., Sender], body: bytes) -> None:
    with Peer(answering(body=body)) as peer:
        assert sender_to(peer.url).send(BODY, 5) == Answer("accepted")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_the_specification_lets_be_tried_again(sender_to: Callable[..., Sender], status: int) -> None:
    with Peer(answering(f"{status} Later")) as peer:
        assert sender_to(peer.url).send(BODY, 5) == Answer("retry", f"HTTP {status} Later")


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("7", 7, 7),
        ("0", 0, 0),
        ("-3", 0, 0),
        ("1.5", 1.5, 1.5),
        ("999999999", MAX_RETRY_AFTER_S, MAX_RETRY_AFTER_S),
        ("inf", MAX_RETRY_AFTER_S, MAX_RETRY_AFTER_S),
        (format_datetime(datetime.now(UTC) + timedelta(seconds=3000), usegmt=True), 2000, 3000),
        (format_datetime(datetime.now(UTC) - timedelta(days=1), usegmt=True), 0, 0),
        ("Sun Nov  6 08:49:37 1994", 0, 0),
    ],
    ids=["seconds", "zero", "negative", "fraction", "too long", "infinite", "date ahead", "date past", "asctime"],
)
def test_retry_after(sender_to: Callable[..., Sender], text: str, least: float, most: float) -> None:
    with Peer(answering("503 Busy", Retry_After=text)) as peer:
        answer = sender_to(peer.url).send(BODY, 5)
        assert answer.outcome == "retry"
        assert answer.after_s is not None
        assert least <= answer.after_s <= most


@pytest.mark.parametrize("text", ["soon", "nan", "", "Mon, 99 Foo 2026 99:99:99 GMT"])
def test_a_retry_after_that_says_nothing(sender_to: Callable[..., Sender], text: str) -> None:
    with Peer(answering("429 Slow", Retry_After=text)) as peer:
        assert sender_to(peer.url).send(BODY, 5) == Answer("retry", "HTTP 429 Slow")


@pytest.mark.parametrize("status", [400, 422])
def test_bad_data_is_refused_for_good(sender_to: Callable[..., Sender], status: int) -> None:
    with Peer(answering(f"{status} Bad")) as peer:
        assert sender_to(peer.url).send(BODY, 5) == Answer("refused", f"HTTP {status} Bad", permanent=True)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 408, 415, 500, 501, 505])
def test_a_receiver_at_fault_refuses_but_not_for_good(sender_to: Callable[..., Sender], status: int) -> None:
    with Peer(answering(f"{status} No")) as peer:
        assert sender_to(peer.url).send(BODY, 5) == Answer("refused", f"HTTP {status} No")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(sender_to: Callable[..., Sender], status: int) -> None:
    with Peer(answering()) as elsewhere, Peer(answering(f"{status} There", Location=elsewhere.url)) as peer:
        answer = sender_to(peer.url, headers={"authorization": "Bearer hunter2"}).send(BODY, 5)
        assert (answer.outcome, answer.permanent) == ("refused", False)
        assert "redirects are not followed" in answer.reason
        assert elsewhere.connections == 0


def test_too_large_is_to_be_split(sender_to: Callable[..., Sender]) -> None:
    with Peer(answering("413 Content Too Large")) as peer:
        assert sender_to(peer.url).send(BODY, 5) == Answer("split", "HTTP 413 Content Too Large")


def test_an_answer_before_the_whole_request_was_read_counts(sender_to: Callable[..., Sender]) -> None:
    def script(line: Line) -> None:
        line.sock.recv(1000)  # and nothing of the rest
        line.answer("413 Content Too Large")
        line.wait_for_the_end()

    with Peer(script) as peer:
        sender = sender_to(peer.url)
        assert [sender.send(b"x" * (64 << 20), 60).outcome for _ in range(2)] == ["split"] * 2
        assert peer.connections == 2


def test_what_the_receiver_says_is_told(sender_to: Callable[..., Sender]) -> None:
    with Peer(answering("400 Bad", b"\x08\x03\x12\x0ctrace id bad", Content_Type="application/x-protobuf")) as peer:
        assert sender_to(peer.url).send(BODY, 5).reason == "HTTP 400 Bad: trace id bad"
    with Peer(answering("401 No", b"no\r\n\x1b[31mtoken\x00" + b"z" * 900, Content_Type="text/plain")) as peer:
        reason = sender_to(peer.url).send(BODY, 5).reason
        assert reason.startswith("HTTP 401 No: no [31mtoken zzz")
        assert len(reason) < 250
    with Peer(answering("500 Oops", b"<html>...</html>", Content_Type="text/html")) as peer:
        assert sender_to(peer.url).send(BODY, 5).reason == "HTTP 500 Oops"


def test_a_huge_answer_is_cut_and_its_connection_given_up(sender_to: Callable[..., Sender]) -> None:
    def script(line: Line) -> None:
        line.read()
        line.sock.sendall(b"HTTP/1.1 400 Bad\r\nContent-Type: text/plain\r\nContent-Length: 999999999\r\n\r\n")
        while True:
            line.sock.sendall(b"a" * 65536)

    with Peer(script) as peer:
        sender = sender_to(peer.url)
        for _ in range(2):
            answer = sender.send(BODY, 5)
            assert answer.outcome == "refused"
            assert len(answer.reason) < 250
        assert peer.connections == 2


def test_chunked_answers(sender_to: Callable[..., Sender]) -> None:
    def script(line: Line) -> None:
        while True:
            line.read()
            line.sock.sendall(
                b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n"
                b"2\r\nhi\r\n4\r\n you\r\n0\r\n\r\n"
            )

    with Peer(script) as peer:
        sender = sender_to(peer.url)
        assert [sender.send(BODY, 5).reason for _ in range(2)] == ["HTTP 503 Busy: hi you"] * 2
        assert peer.connections == 1
