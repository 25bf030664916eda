"""One HTTP connection to a receiver: TLS, proxies, and a deadline over everything that waits.

`http.client` has a timeout per operation only, so that a server which sends a byte now and then could hold a request
for ever. Here every wait is for the time that is left of the whole request.
"""

import base64
import io
import selectors
import socket
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from urllib.parse import SplitResult, quote, unquote, urlsplit

from worthwhile._resolver import Resolver
from worthwhile._wire import Wire

if TYPE_CHECKING:
    import ssl

MAX_ANSWER: Final = 1 << 16
"""Bytes of an answer's body that are read; the connection of a longer one is given up."""

_CHUNK: Final = 1 << 16
_HTTP_PORTS: Final = {"http": 80, "https": 443}
_URL_SAFE: Final = "%/:=&?~#+!$,;'@()*[]"


class Deadline:
    """The moment at which a request must have ended."""

    __slots__ = ("_ends",)

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then; raises `TimeoutError` if there are none."""
        seconds = self._ends - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds


class Reply(NamedTuple):
    """What the receiver answered.

    Attributes:
        status: HTTP status.
        phrase: Its phrase.
        headers: Headers, names in lower case.
        body: The first `MAX_ANSWER` bytes of the body.
    """

    status: int
    phrase: str
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """Posts bodies to the URL of one wire; opened when needed, kept open between requests."""

    def __init__(self, wire: Wire, headers: Mapping[str, str]) -> None:
        """Connection for `wire` that sends `headers` with each request.

        Raises:
            ValueError: The URL or a file of the wire cannot be used.
        """
        self._url = urlsplit(wire.url)
        if not self._url.hostname or self._url.port == 0:
            raise ValueError("the URL names no host")
        self._headers = dict(headers)
        self._proxy = proxy_of(wire)
        self._target = _target(self._url, through_proxy=self._proxy is not None and self._url.scheme == "http")
        if self._url.username is not None:
            self._headers.setdefault("authorization", _basic(self._url))
        if self._proxy is not None and self._url.scheme == "http" and self._proxy.username is not None:
            self._headers["proxy-authorization"] = _basic(self._proxy)
        self._tls = _tls_context(wire) if self._url.scheme == "https" else None
        self._line: _Line | None = None
        self._resolver = Resolver()
        self._is_aborted = False

    def post(self, body: bytes, deadline: Deadline) -> Reply:
        """Post `body`; once more, on a new connection, if the kept one turns out to have been closed.

        Raises:
            TimeoutError: The deadline passed.
            OSError, http.client.HTTPException: No answer was had.
            ValueError: A header or the URL cannot be sent.
        """
        line = self._line
        if line is not None and line.is_open():
            try:
                return self._exchange(line, body, deadline)
            except ConnectionError:
                if self._is_aborted:
                    raise
        self.close()
        line = self._line = _Line(self._url, self._proxy, self._tls, self._resolver)
        return self._exchange(line, body, deadline)

    def abort(self) -> None:
        """End a request under way, for good; from any thread."""
        self._is_aborted = True
        line = self._line
        if line is not None:
            line.abort()

    def close(self) -> None:
        """Close the connection; while no request is under way."""
        line, self._line = self._line, None
        if line is not None:
            line.hang_up()

    def _exchange(self, line: "_Line", body: bytes, deadline: Deadline) -> Reply:
        line.deadline = deadline
        is_kept = True
        try:
            try:
                line.request("POST", self._target, body, self._headers)
            except ConnectionError:  # the receiver stopped listening, perhaps with an answer that says why
                if not line.is_connected:
                    raise
                is_kept = False
            response = line.getresponse()
            content = response.read(MAX_ANSWER + 1)
            is_kept = is_kept and not response.will_close and len(content) <= MAX_ANSWER
            found = {name.lower(): value for name, value in response.getheaders()}
        except BaseException:
            is_kept = False
            raise
        else:
            return Reply(response.status, response.reason, found, content[:MAX_ANSWER])
        finally:
            if not is_kept:
                self.close()


class _Line(HTTPConnection):
    """`HTTPConnection` whose socket waits no longer than `deadline`."""

    def __init__(
        self, url: SplitResult, proxy: SplitResult | None, tls: "ssl.SSLContext | None", resolver: Resolver
    ) -> None:
        port = url.port or _HTTP_PORTS[url.scheme]
        super().__init__(cast("str", url.hostname), port)
        self.default_port = _HTTP_PORTS[url.scheme]
        self.deadline = Deadline(0)
        self.is_connected = False
        self._proxy = proxy
        self._tls = tls
        self._resolver = resolver
        self._raw: socket.socket | None = None

    def connect(self) -> None:
        """Dial, through the proxy if there is one, and shake hands; `http.client` also does so where it had hung up."""
        self.is_connected = False
        self.hang_up()
        peer, port = self.host, self.port
        if self._proxy is not None:
            peer, port = cast("str", self._proxy.hostname), self._proxy.port or _HTTP_PORTS["http"]
        self._dial(peer, port)
        raw = cast("socket.socket", self._raw)
        self.sock = cast("Any", _BoundedSocket(raw, self))
        if self._tls is not None:
            if self._proxy is not None:
                self._open_tunnel(self._proxy)
            raw.settimeout(self.deadline.left())
            self._raw = raw = self._tls.wrap_socket(raw, server_hostname=self.host)
            self.sock = cast("Any", _BoundedSocket(raw, self))
        self.is_connected = True

    def is_open(self) -> bool:
        """Whether the other side still holds the connection and owes nothing."""
        if self._raw is None:
            return False
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._raw, selectors.EVENT_READ)
                return not selector.select(0)
        except (OSError, ValueError):
            return False

    def abort(self) -> None:
        """Make whoever waits for the socket fail."""
        raw = self._raw
        if raw is not None:
            try:
                raw.shutdown(socket.SHUT_RDWR)
            except OSError:  # never connected, or closed already
                return

    def hang_up(self) -> None:
        """Close the socket."""
        raw, self._raw = self._raw, None
        if raw is not None:
            raw.close()

    def _dial(self, peer: str, port: int) -> None:
        """Connect to the first address of `peer` that answers; each has its share of the time."""
        found = self._resolver.addresses(peer, port, self.deadline.left())
        for index, (family, kind, protocol, _, address) in enumerate(found, 1):
            self._raw = raw = socket.socket(family, kind, protocol)
            try:
                raw.settimeout(self.deadline.left() / (len(found) - index + 1))
                raw.connect(address)
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                self.hang_up()
                if index == len(found):
                    raise
            else:
                return

    def _open_tunnel(self, proxy: SplitResult) -> None:
        authority = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
        if proxy.username is not None:
            lines.append(f"Proxy-Authorization: {_basic(proxy)}")
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        response = HTTPResponse(self.sock, method="CONNECT")
        response.begin()
        if not 200 <= response.status < 300:
            raise OSError(f"the proxy {proxy.hostname} answered HTTP {response.status} {response.reason}")


class _BoundedSocket:
    """What `http.client` uses of a socket, each wait bounded by the line's deadline. Closing is the line's business."""

    def __init__(self, raw: socket.socket, line: _Line) -> None:
        self._raw = raw
        self._line = line

    def sendall(self, data: bytes) -> None:
        """Send everything, however little the other side takes at a time.

        Raises:
            ConnectionAbortedError: It has answered already, which it does with a request that it does not want.
        """
        left = memoryview(data)
        if len(left) > _CHUNK and type(self._raw) is socket.socket:  # of TLS, what can be read may be no answer
            left = self._send_watching(left)
        while left:
            self._raw.settimeout(self._line.deadline.left())
            left = left[self._raw.send(left[:_CHUNK]) :]

    def _send_watching(self, left: memoryview) -> memoryview:
        self._raw.settimeout(0)
        with selectors.DefaultSelector() as selector:
            selector.register(self._raw, selectors.EVENT_READ | selectors.EVENT_WRITE)
            while left:
                ready = [mask for _, mask in selector.select(self._line.deadline.left())]
                if any(mask & selectors.EVENT_READ for mask in ready):
                    raise ConnectionAbortedError("answered before the whole request was sent")
                if ready:
                    left = left[self._raw.send(left[:_CHUNK]) :]
        return left

    def makefile(self, mode: str) -> io.BufferedReader:
        """A reader of the answer."""
        return io.BufferedReader(_BoundedReader(self._raw, self._line))

    def close(self) -> None:
        """Nothing: the answer may still have to be read."""


class _BoundedReader(io.RawIOBase):
    def __init__(self, raw: socket.socket, line: _Line) -> None:
        self._raw = raw
        self._line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._raw.settimeout(self._line.deadline.left())
        return self._raw.recv_into(buffer)


def proxy_of(wire: Wire) -> SplitResult | None:
    """The proxy for the wire's URL, or None; this machine's own addresses never have one."""
    url = urlsplit(wire.url)
    text = wire.proxies.get(url.scheme)
    host = (url.hostname or "").rstrip(".")
    if text is None or _is_loopback(host) or _is_excepted(host, url.port or _HTTP_PORTS[url.scheme], wire.no_proxy):
        return None
    return urlsplit(text)


def _is_loopback(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_excepted(host: str, port: int, no_proxy: str) -> bool:
    from ipaddress import ip_address, ip_network

    for each in no_proxy.lower().replace(" ", ",").split(","):
        rule, _, rule_port = each.rpartition(":") if each.count(":") == 1 else (each, "", str(port))
        rule = rule.strip("[]").removeprefix("*").lstrip(".")
        if each == "*" or (rule and rule_port == str(port) and (host == rule or host.endswith(f".{rule}"))):
            return True
        try:
            if ip_address(host) in ip_network(rule, strict=False):
                return True
        except ValueError:  # a name
            continue
    return False


def _target(url: SplitResult, *, through_proxy: bool) -> str:
    path = quote(url.path or "/", safe=_URL_SAFE) + (f"?{quote(url.query, safe=_URL_SAFE)}" if url.query else "")
    if not through_proxy:
        return path
    return f"http://{url.netloc.rpartition('@')[2]}{path}"


def _basic(url: SplitResult) -> str:
    credentials = f"{unquote(url.username or '')}:{unquote(url.password or '')}"
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


def _tls_context(wire: Wire) -> "ssl.SSLContext":
    """Certificates are checked, always; whose, the wire says.

    Raises:
        ValueError: A file cannot be used.
    """
    import ssl

    try:
        if wire.certificate is None:
            context = ssl.create_default_context(cafile=_bundled_authorities())
        elif Path(wire.certificate).is_dir():
            context = ssl.create_default_context(capath=wire.certificate)
        else:
            context = ssl.create_default_context(cafile=wire.certificate)
    except OSError as error:
        raise ValueError(f"cannot use the certificates in `{wire.certificate}`: {error}") from error
    if wire.client_certificate is not None:
        try:  # an empty password: OpenSSL would ask for one on the terminal
            context.load_cert_chain(wire.client_certificate, wire.client_key, password="")
        except OSError as error:
            raise ValueError(f"cannot use the client certificate `{wire.client_certificate}`: {error}") from error
    return context


def _bundled_authorities() -> str | None:
    """The certificates of the package certifi, where the system has none of its own and it is installed."""
    import ssl

    paths = ssl.get_default_verify_paths()
    if paths.cafile or paths.capath:
        return None
    try:
        from certifi import where
    except ImportError:
        return None
    return where()
