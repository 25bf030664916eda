"""The sender over real sockets: requests, connections, deadlines, secrets, threads and forks."""

import contextlib
import socket
import threading
import time
import zlib
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


def test_a_request(sender_to: Callable[..., Sender]) -> None:
    with Peer(answering()) as peer:
        sender = sender_to(f"{peer.url}/prefix", headers={"Tenant": "é 7"})
        assert sender.send(BODY, 5) == Answer("accepted")
        (request,) = peer.requests
        assert request.line == "POST /prefix/v1/traces HTTP/1.1"
        assert request.body == BODY
        assert request.headers["content-type"] == "application/x-protobuf"
        assert request.headers["host"] == f"127.0.0.1:{peer.port}"
        assert request.headers["tenant"].encode("latin-1").decode() == "é 7"
        assert request.headers["user-agent"].startswith("worthwhile")
        assert "content-encoding" not in request.headers


@pytest.mark.parametrize(("name", "bits"), [("gzip", 31), ("deflate", 15)])
def test_compression(sender_to: Callable[..., Sender], name: str, bits: int) -> None:
    with Peer(answering()) as peer:
        assert sender_to(peer.url, compression=name).send(BODY, 5).outcome == "accepted"
        (request,) = peer.requests
        assert request.headers["content-encoding"] == name
        assert zlib.decompress(request.body, bits) == BODY


def test_headers_that_frame_the_request_stay_ours(sender_to: Callable[..., Sender]) -> None:
    given = {"Content-Length": "3", "Transfer-Encoding": "chunked", "Connection": "close", "User-Agent": "mine"}
    with Peer(answering()) as peer:
        assert sender_to(peer.url, headers=given).send(BODY, 5).outcome == "accepted"
        (request,) = peer.requests
        assert request.headers["content-length"] == str(len(BODY))
        assert request.headers["user-agent"] == "mine"
        assert not {"transfer-encoding", "connection"} & set(request.headers)


def test_credentials_and_odd_characters_of_the_url(sender_to: Callable[..., Sender]) -> None:
    with Peer(answering()) as peer:
        url = peer.url.replace("http://", "http://me:s%3Acret@") + "/a b/é"
        sender = sender_to(url)
        assert sender.send(BODY, 5).outcome == "accepted"
        (request,) = peer.requests
        assert request.line == "POST /a%20b/%C3%A9/v1/traces HTTP/1.1"
        assert request.headers["authorization"] == "Basic bWU6czpjcmV0"
        assert request.headers["host"] == f"127.0.0.1:{peer.port}"
        assert sender.target == f"{peer.url}/a b/é/v1/traces"


def test_ipv6(sender_to: Callable[..., Sender]) -> None:
    try:
        peer = Peer(answering(), host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    with peer:
        assert sender_to(peer.url).send(BODY, 5).outcome == "accepted"
        assert peer.requests[0].headers["host"] == f"[::1]:{peer.port}"


@pytest.mark.parametrize("is_silent", [False, True], ids=["refused", "silent"])
def test_the_second_address_of_a_name_is_tried(
    sender_to: Callable[..., Sender], monkeypatch: pytest.MonkeyPatch, *, is_silent: bool
) -> None:
    def two(host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, ("127.0.0.2", port)), (*kind, ("127.0.0.1", port))]

    with Peer(answering()) as peer, contextlib.ExitStack() as stack:
        if is_silent:
            stack.enter_context(silent("127.0.0.2", peer.port))
        monkeypatch.setattr(socket, "getaddrinfo", two)
        assert sender_to(peer.url).send(BODY, 2).outcome == "accepted"


@contextlib.contextmanager
def silent(host: str, port: int = 0) -> Iterator[int]:
    """A port on which connections are neither accepted nor refused."""
    with socket.socket() as full, contextlib.ExitStack() as stack:
        try:
            full.bind((host, port))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield full.getsockname()[1]


# connections


def test_the_connection_is_kept(sender_to: Callable[..., Sender]) -> None:
    with Peer(answering()) as peer:
        sender = sender_to(peer.url)
        for _ in range(3):
            assert sender.send(BODY, 5).outcome == "accepted"
        assert (peer.connections, len(peer.requests)) == (1, 3)


def test_an_answer_that_closes_the_connection_is_followed_by_a_new_one(sender_to: Callable[..., Sender]) -> None:
    with Peer(answering(Connection="close")) as peer:
        sender = sender_to(peer.url)
        assert [sender.send(BODY, 5).outcome for _ in range(2)] == ["accepted"] * 2
        assert (peer.connections, len(peer.requests)) == (2, 2)


def test_a_connection_that_the_receiver_closed_meanwhile_is_replaced_and_nothing_sent_twice(
    sender_to: Callable[..., Sender],
) -> None:
    closed = threading.Event()

    def script(line: Line) -> None:
        line.read()
        line.answer()
        line.sock.shutdown(socket.SHUT_WR)
        closed.set()
        line.read()  # would still take a request, and not answer it

    with Peer(script) as peer:
        sender = sender_to(peer.url)
        assert sender.send(BODY, 5).outcome == "accepted"
        assert closed.wait(5)
        assert sender.send(BODY, 5).outcome == "accepted"
        assert (peer.connections, len(peer.requests)) == (2, 2)


def test_a_connection_that_breaks_under_the_second_request_is_replaced_once(sender_to: Callable[..., Sender]) -> None:
    def script(line: Line) -> None:
        line.read()
        line.answer()
        line.read()
        line.reset()

    with Peer(script) as peer:
        sender = sender_to(peer.url)
        assert [sender.send(BODY, 5).outcome for _ in range(2)] == ["accepted"] * 2
        assert (peer.connections, len(peer.requests)) == (2, 3)


def test_a_new_connection_that_breaks_is_not_tried_again_here(sender_to: Callable[..., Sender]) -> None:
    def script(line: Line) -> None:
        line.read()
        line.reset()

    with Peer(script) as peer:
        answer = sender_to(peer.url).send(BODY, 5)
        assert (answer.outcome, answer.after_s) == ("retry", None)
        assert "cannot be reached (ConnectionResetError" in answer.reason
        assert peer.connections == 1


def test_a_kept_connection_that_cannot_be_opened_anew(sender_to: Callable[..., Sender]) -> None:
    with Peer(answering()) as peer:
        sender = sender_to(peer.url)
        assert sender.send(BODY, 5).outcome == "accepted"
        peer.stop_listening()
        sender._connection._line.close()  # as `http.client` does to itself; the socket is still open
        answer = sender.send(BODY, 5)
    assert (answer.outcome, "ConnectionRefusedError" in answer.reason) == ("retry", True)


def test_what_is_no_http_answer_is_tried_again_later(sender_to: Callable[..., Sender]) -> None:
    def script(line: Line) -> None:
        line.read()
        line.sock.sendall(b"220 smtp ready\r\n")
        line.sock.shutdown(socket.SHUT_RDWR)

    with Peer(script) as peer:
        assert sender_to(peer.url).send(BODY, 5).outcome == "retry"


def test_nothing_listens(sender_to: Callable[..., Sender]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    answer = sender_to(f"http://127.0.0.1:{port}").send(BODY, 5)
    assert (answer.outcome, answer.permanent) == ("retry", False)
    assert f"http://127.0.0.1:{port}/v1/traces cannot be reached (ConnectionRefusedError" in answer.reason


def test_an_unknown_host(sender_to: Callable[..., Sender], monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    answer = sender_to("http://nowhere.invalid:4318").send(BODY, 5)
    assert (answer.outcome, "Name or service not known" in answer.reason) == ("retry", True)


# deadlines


def hangs(line: Line) -> None:
    line.wait_for_the_end()


def trickles_the_head(line: Line) -> None:
    line.read()
    for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 10_000:
        line.sock.sendall(bytes((byte,)))
        time.sleep(0.02)


def trickles_the_body(line: Line) -> None:
    line.read()
    line.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    for _ in range(10_000):
        line.sock.sendall(b"a")
        time.sleep(0.02)


def continues_for_ever(line: Line) -> None:
    line.read()
    while True:
        line.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.02)


def reads_slowly(line: Line) -> None:
    line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    while line.sock.recv(1024):
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("script", "size"),
    [
        (hangs, 10),
        (trickles_the_head, 10),
        (trickles_the_body, 10),
        (continues_for_ever, 10),
        (reads_slowly, 32 << 20),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_the_deadline_is_for_everything(
    sender_to: Callable[..., Sender], script: Callable[[Line], None], size: int
) -> None:
    with Peer(script) as peer:
        started = time.monotonic()
        answer = sender_to(peer.url).send(b"x" * size, 0.5)
        assert time.monotonic() - started < 3  # the scripts go on for minutes
        assert answer == Answer("retry", f"{peer.url}/v1/traces did not answer in time")


def test_a_receiver_that_does_not_accept(sender_to: Callable[..., Sender]) -> None:
    with silent("127.0.0.1") as port:
        started = time.monotonic()
        answer = sender_to(f"http://127.0.0.1:{port}").send(BODY, 0.5)
        assert time.monotonic() - started < 3
        assert (answer.outcome, "did not answer in time" in answer.reason) == ("retry", True)


def test_the_settings_limit_the_time_too(sender_to: Callable[..., Sender]) -> None:
    with Peer(hangs) as peer:
        sender = sender_to(peer.url, timeout_s=0.2)
        for timeout_s in (None, 60):
            started = time.monotonic()
            assert sender.send(BODY, timeout_s).outcome == "retry"
            assert time.monotonic() - started < 3


def test_no_time_is_a_retry(sender_to: Callable[..., Sender]) -> None:
    with Peer(answering()) as peer:
        sender = sender_to(peer.url)
        assert [sender.send(BODY, timeout_s).outcome for timeout_s in (0, -1)] == ["retry"] * 2
        assert sender.send(BODY, 5).outcome == "accepted"


# secrets


def test_no_secret_is_told_even_if_the_receiver_repeats_it(
    sender_to: Callable[..., Sender], caplog: pytest.LogCaptureFixture
) -> None:
    told = b"token hunter2-token of user:pa55word (dXNlcjpwYTU1d29yZA==) is wrong"
    with Peer(answering("401 No", told, Content_Type="text/plain")) as peer:
        url = peer.url.replace("http://", "http://user:pa55word@") + "?key=s3cret"
        sender = sender_to(url, headers={"authorization": "Bearer hunter2-token"})
        answer = sender.send(BODY, 5)
        shown = f"{answer} {sender.target} {sender!r} {caplog.text}"
        assert "is wrong" in answer.reason
        for secret in ("hunter2", "pa55word", "s3cret"):
            assert secret not in shown


def test_a_header_that_cannot_be_sent_is_refused_without_being_shown(sender_to: Callable[..., Sender]) -> None:
    with Peer(answering()) as peer:
        answer = sender_to(peer.url, headers={"authorization": "hunter2\r\nEvil: yes"}).send(BODY, 5)
        assert (answer.outcome, answer.permanent) == ("refused", False)
        assert "hunter2" not in answer.reason
        assert peer.connections == 0


@pytest.mark.parametrize("url", ["http://:4318", "http://h:99999999", "http://h:port", "http://[::1"])
def test_a_url_that_cannot_be_used_is_refused(sender_to: Callable[..., Sender], url: str) -> None:
    answer = sender_to(url).send(BODY, 5)
    assert (answer.outcome, answer.permanent) == ("refused", False)
