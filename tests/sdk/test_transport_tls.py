"""The sender over TLS and through proxies: whose certificate is trusted, what is shown, who sees what."""

import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.sdk.peer import TLS, Line, Peer, answering, server_tls

from worthwhile import _settings
from worthwhile._connection import proxy_of
from worthwhile._transport import Answer, Sender, make_sender

BODY = b"an encoded request" * 20
AUTHORITY, CLIENT, LOCKED = (str(TLS / name) for name in ("authority.pem", "client.pem", "locked.pem"))


@pytest.fixture(autouse=True)
def _fresh(fresh: None, as_in_production: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def sender_to() -> Iterator[Callable[..., Sender]]:
    made: list[Sender] = []

    def make(url: str, **arguments: Any) -> Sender:
        made.append(make_sender(_settings.override({"endpoint": url, **arguments}), "traces"))
        return made[-1]

    yield make
    for sender in made:
        sender.close()


def test_a_receiver_with_a_certificate_of_the_given_authority(sender_to: Callable[..., Sender]) -> None:
    with Peer(answering(), server_tls()) as peer:
        sender = sender_to(peer.url, certificate=AUTHORITY)
        assert [sender.send(BODY * 5000, 5) for _ in range(3)] == [Answer("accepted")] * 3
        assert [request.body for request in peer.requests] == [BODY * 5000] * 3
        assert peer.connections == 1


def test_the_systems_authorities_are_asked_otherwise(
    sender_to: Callable[..., Sender], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Peer(answering(), server_tls()) as peer:
        answer = sender_to(peer.url).send(BODY, 5)
        assert (answer.outcome, "CERTIFICATE_VERIFY_FAILED" in answer.reason) == ("retry", True)
        assert peer.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", AUTHORITY)
        assert sender_to(peer.url).send(BODY, 5).outcome == "accepted"


def test_the_name_is_checked(sender_to: Callable[..., Sender], monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real("127.0.0.1", *rest, **more))
    with Peer(answering(), server_tls()) as peer:
        for host, outcome in (("localhost", "accepted"), ("elsewhere.test", "retry")):
            sender = sender_to(f"https://{host}:{peer.port}", certificate=AUTHORITY)
            assert sender.send(BODY, 5).outcome == outcome
        assert len(peer.requests) == 1


def test_a_client_certificate(sender_to: Callable[..., Sender]) -> None:
    with Peer(answering(), server_tls(asks_client=True)) as peer:
        both = {"certificate": AUTHORITY, "client_certificate": CLIENT}
        assert sender_to(peer.url, **both, client_key=CLIENT).send(BODY, 5).outcome == "accepted"
        _settings.forget()
        assert sender_to(peer.url, **both).send(BODY, 5).outcome == "accepted"
        _settings.forget()
        assert sender_to(peer.url, certificate=AUTHORITY).send(BODY, 5).outcome == "retry"
        assert len(peer.requests) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"certificate": "/nowhere.pem"}, "cannot use the certificates in `/nowhere.pem`"),
        ({"certificate": __file__}, "cannot use the certificates in `"),
        ({"client_certificate": "/nowhere.pem"}, "cannot use the client certificate `/nowhere.pem`"),
        ({"client_certificate": AUTHORITY}, "cannot use the client certificate"),
        ({"client_certificate": LOCKED}, "cannot use the client certificate"),  # and nobody is asked for a password
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    sender_to: Callable[..., Sender], arguments: Mapping[str, str], said: str
) -> None:
    with Peer(answering(), server_tls()) as peer:
        answer = sender_to(peer.url, **arguments).send(BODY, 5)
        assert (answer.outcome, answer.permanent) == ("refused", False)
        assert said in answer.reason
        assert peer.connections == 0


def test_a_directory_of_certificates(sender_to: Callable[..., Sender], tmp_path: Path) -> None:
    (tmp_path / "f20e0b1e.0").write_text((TLS / "authority.pem").read_text())  # named by the hash of its subject
    with Peer(answering(), server_tls()) as peer:
        assert sender_to(peer.url, certificate=str(tmp_path)).send(BODY, 5).outcome == "accepted"


def test_a_handshake_that_hangs_ends_at_the_deadline(sender_to: Callable[..., Sender]) -> None:
    with Peer(lambda line: line.wait_for_the_end()) as peer:
        answer = sender_to(peer.url.replace("http:", "https:"), certificate=AUTHORITY).send(BODY, 0.3)
        assert (answer.outcome, "did not answer in time" in answer.reason) == ("retry", True)


def test_a_receiver_without_tls(sender_to: Callable[..., Sender]) -> None:
    with Peer(answering()) as peer:
        answer = sender_to(peer.url.replace("http:", "https:"), certificate=AUTHORITY).send(BODY, 1)
        assert answer.outcome == "retry"


# proxies


def tunnels(target_port: int) -> Callable[[Line], None]:
    """A proxy that connects to the target, whatever it is asked for."""
    import socket
    import threading

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def script(line: Line) -> None:
        line.read()
        with socket.create_connection(("127.0.0.1", target_port)) as upstream:
            line.sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            thread = threading.Thread(target=pump, args=(upstream, line.sock))
            thread.start()
            pump(line.sock, upstream)
            thread.join()

    return script


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a receiver that is not on this machine, as far as the sender knows."""
    import socket

    real = socket.getaddrinfo

    def resolve(host: str, *rest: Any, **more: Any) -> Any:
        assert host != "elsewhere.test", "the receiver's name is the proxy's to look up"
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return "elsewhere.test"


def test_a_proxy_for_http_gets_the_whole_url(sender_to: Callable[..., Sender], elsewhere: str) -> None:
    with Peer(answering()) as proxy:
        named = proxy.url.replace("http://", "http://me:pa55word@")
        sender = sender_to(f"http://{elsewhere}:4318", http_proxy=named, headers={"tenant": "7"})
        assert sender.send(BODY, 5).outcome == "accepted"
        (request,) = proxy.requests
        assert request.line == f"POST http://{elsewhere}:4318/v1/traces HTTP/1.1"
        assert request.headers["host"] == f"{elsewhere}:4318"
        assert request.headers["proxy-authorization"] == "Basic bWU6cGE1NXdvcmQ="
        assert request.headers["tenant"] == "7"


def test_a_proxy_for_https_sees_nothing_but_the_host(sender_to: Callable[..., Sender], elsewhere: str) -> None:
    tls = server_tls()
    names: list[str | None] = []
    tls.sni_callback = lambda connection, name, context: names.append(name)
    with Peer(answering(), tls) as receiver, Peer(tunnels(receiver.port)) as proxy:
        sender = sender_to(
            f"https://{elsewhere}",
            https_proxy=proxy.url.removeprefix("http://"),
            headers={"a": "hunter2"},
            certificate=AUTHORITY,
        )
        answer = sender.send(BODY, 5)
        assert "CERTIFICATE_VERIFY_FAILED" in answer.reason  # the certificate is localhost's
        assert names == [elsewhere]
        (request,) = proxy.requests
        assert (request.line, request.headers) == (f"CONNECT {elsewhere}:443 HTTP/1.1", {"host": f"{elsewhere}:443"})


def test_a_request_through_a_tunnel(sender_to: Callable[..., Sender], monkeypatch: pytest.MonkeyPatch) -> None:
    from worthwhile import _connection

    monkeypatch.setattr(_connection, "_is_loopback", lambda host: False)
    with Peer(answering(), server_tls()) as receiver, Peer(tunnels(receiver.port)) as proxy:
        named = proxy.url.replace("http://", "http://me:pa55word@")
        sender = sender_to(f"https://localhost:{receiver.port}", https_proxy=named, certificate=AUTHORITY)
        assert [sender.send(BODY, 5).outcome for _ in range(2)] == ["accepted"] * 2
        assert [request.body for request in receiver.requests] == [BODY] * 2
        assert "proxy-authorization" not in receiver.requests[0].headers
        assert [request.headers["proxy-authorization"] for request in proxy.requests] == ["Basic bWU6cGE1NXdvcmQ="]


def test_a_proxy_that_refuses(sender_to: Callable[..., Sender], elsewhere: str) -> None:
    with Peer(answering("407 Proxy Authentication Required")) as proxy:
        answer = sender_to(f"https://{elsewhere}", https_proxy=proxy.url, certificate=AUTHORITY).send(BODY, 5)
        assert answer.outcome == "retry"
        assert "the proxy 127.0.0.1 answered HTTP 407" in answer.reason


@pytest.mark.parametrize(
    ("url", "no_proxy", "is_used"),
    [
        ("http://collector:4318", "", True),
        ("http://127.0.0.1:4318", "", False),
        ("http://localhost:4318", "", False),
        ("http://[::1]:4318", "", False),
        ("http://127.8.9.1", "", False),
        ("http://app.localhost", "", False),
        ("http://collector:4318", "*", False),
        ("http://collector:4318", "other, collector", False),
        ("http://collector:4318", "collector:4318", False),
        ("http://collector:4318", "collector:4317", True),
        ("http://a.example.com", "example.com", False),
        ("http://a.example.com", ".example.com", False),
        ("http://a.example.com", "*.example.com", False),
        ("http://A.Example.com", "example.COM", False),
        ("http://badexample.com", "example.com", True),
        ("http://10.1.2.3", "10.0.0.0/8", False),
        ("http://10.1.2.3", "10.1.2.3", False),
        ("http://11.1.2.3", "10.0.0.0/8", True),
        ("http://[fd00::1]", "fd00::/8", False),
        ("http://[fd00::1]", "[fd00::1]", False),
        ("http://collector", " , ,", True),
    ],
)
def test_when_a_proxy_is_used(url: str, no_proxy: str, is_used: bool) -> None:
    settings = _settings.override({"endpoint": url, "http_proxy": "http://proxy:3128", "no_proxy": no_proxy or None})
    proxy = proxy_of(settings.wire("traces"))
    assert (proxy is not None) == is_used


def test_each_scheme_has_its_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://plain:1")
    monkeypatch.setenv("ALL_PROXY", "any:2")
    assert _settings.override({"endpoint": "http://c"}).wire("traces").proxies == {
        "http": "http://plain:1",
        "https": "http://any:2",
    }


def test_the_tests_certificates_are_what_they_claim() -> None:
    context = ssl.create_default_context(cafile=AUTHORITY)
    (authority,) = context.get_ca_certs()
    assert authority["notAfter"].endswith("2126 GMT")
