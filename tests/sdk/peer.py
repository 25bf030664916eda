"""A receiver that behaves as a script says: one function per connection, with the raw socket in its hands."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

TLS = Path(__file__).with_name("tls")


@dataclass
class Request:
    line: str
    headers: dict[str, str]
    body: bytes


class Line:
    """One accepted connection."""

    def __init__(self, sock: socket.socket, peer: "Peer") -> None:
        self.sock = sock
        self._peer = peer
        self._buffer = b""

    def read(self) -> Request:
        """The next request; EOFError if the other side has hung up."""
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
        size = int(headers.get("content-length", "0"))
        while len(self._buffer) < size:
            self._more()
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        request = Request(first, headers, body)
        self._peer.requests.append(request)
        return request

    def answer(self, status: str = "200 OK", body: bytes = b"", **headers: str) -> None:
        """A whole answer; `_` in a header's name is `-`."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def wait_for_the_end(self) -> None:
        """Until the other side hangs up."""
        with contextlib.suppress(OSError):
            while self.sock.recv(65536):
                pass

    def reset(self) -> None:
        """Hang up with a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def _more(self) -> None:
        more = self.sock.recv(65536)
        if not more:
            raise EOFError
        self._buffer += more


@dataclass
class Peer:
    """Accepts connections and runs `script` on each, in a thread of its own.

    Attributes:
        requests: What has been read so far.
        connections: How many connections were made.
    """

    script: Callable[[Line], None]
    tls: ssl.SSLContext | None = None
    host: str = "127.0.0.1"
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(
            (self.host, 0), family=socket.AF_INET6 if ":" in self.host else socket.AF_INET
        )
        self.port = self._listener.getsockname()[1]
        self._lines: list[Line] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{name}:{self.port}"

    def stop_listening(self) -> None:
        """Refuse new connections; those that were made go on."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_listening()
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()
        for line in self._lines:
            line.sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._run, args=(sock,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _run(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            if self.tls is not None:
                try:
                    sock = self.tls.wrap_socket(sock, server_side=True)
                except OSError:
                    sock.close()
                    raise
            line = Line(sock, self)
            self._lines.append(line)
            self.script(line)


def answering(status: str = "200 OK", body: bytes = b"", **headers: str) -> Callable[[Line], None]:
    """Every request gets the same answer, on a connection that is kept open."""

    def script(line: Line) -> None:
        while True:
            line.read()
            line.answer(status, body, **headers)

    return script


def server_tls(*, asks_client: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "server.pem")
    if asks_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(TLS / "authority.pem")
    return context
