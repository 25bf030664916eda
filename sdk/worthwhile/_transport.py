"""Sends OTLP requests over HTTP and says what became of each: taken, taken in part, to be tried again, or refused.

It neither waits between attempts nor keeps anything: its callers do. `http.client` and `ssl` are loaded with the first
request.
"""

import math
import os
import threading
import zlib
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from worthwhile._request import fields
from worthwhile._settings import Settings, shown_url
from worthwhile._wire import Compression, Signal, Wire, is_header

if TYPE_CHECKING:
    from worthwhile._connection import Connection, Deadline, Reply

Outcome = Literal["accepted", "partial", "retry", "split", "refused"]

MAX_RETRY_AFTER_S: Final = 3600.0

_MAX_REASON: Final = 200
_SUCCESS, _REDIRECT = 2, 3
_GZIP: Final = 16
_INT64_END: Final = 1 << 63
_LEAST_SECRET: Final = 4
_RETRYABLE: Final = frozenset({429, 502, 503, 504})
_BAD_DATA: Final = frozenset({400, 422})
_TOO_LARGE: Final = 413
_OWN_HEADERS: Final = frozenset({"connection", "content-encoding", "content-length", "expect", "transfer-encoding"})
_CLOSED: Final = "the sender is closed"


class Answer(NamedTuple):
    """What became of a request.

    Attributes:
        outcome: "accepted"; "partial": the receiver took the rest and must not get it again; "retry": later, the same
            request; "split": the request is too large for the receiver; "refused": trying again soon is of no use.
        reason: Why, for a person; of an accepted request a warning of the receiver, or empty.
        rejected: How many spans or records the receiver threw away, of a partial success.
        after_s: Shortest wait that the receiver asked for, before it is tried again.
        permanent: Of a refused request: its data are at fault. Else the receiver or its address is, and the same
            request may well be taken once that is mended.
    """

    outcome: Outcome
    reason: str = ""
    rejected: int = 0
    after_s: float | None = None
    permanent: bool = False


class Sender:
    """Posts the requests of one signal over one connection, which it keeps open; any thread may use it, one at a time.

    In a forked child it opens a connection of its own. `close` ends a request under way.
    """

    def __init__(self, wire: Wire) -> None:
        """Sender for `wire`; connects with the first request."""
        self._wire = wire
        self._is_closed = False
        self._connection: Connection | None = None
        self._lock = threading.Lock()
        self._pid = os.getpid()

    @property
    def target(self) -> str:
        """Where the requests go, for messages."""
        return shown_url(self._wire.url).partition("?")[0]

    def send(self, body: bytes, timeout_s: float | None = None) -> Answer:
        """Post `body`, an encoded export request.

        Args:
            body: The request's bytes, not compressed.
            timeout_s: Longest time for everything: looking up the host's name, connecting, sending, receiving. The
                wire's own, if it is shorter.
        """
        from worthwhile._connection import Deadline

        if self._pid != os.getpid():
            self._after_fork()
        limit = self._wire.timeout_s if timeout_s is None else min(timeout_s, self._wire.timeout_s)
        deadline = Deadline(limit)
        if not self._lock.acquire(timeout=max(limit, 0)):
            return Answer("retry", f"another request to {self.target} is under way")
        try:
            return self._post(body, deadline)
        finally:
            self._lock.release()

    def close(self) -> None:
        """Send nothing more. Does not wait; a request under way fails at once."""
        self._is_closed = True
        connection = self._connection
        if connection is None or self._pid != os.getpid():
            return
        connection.abort()
        if self._lock.acquire(blocking=False):
            connection.close()
            self._lock.release()

    def _after_fork(self) -> None:
        """Let go of what belongs to the parent; closing the child's copy of a socket says nothing to the other side."""
        inherited, self._connection = self._connection, None
        if inherited is not None:
            inherited.close()
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def _post(self, body: bytes, deadline: "Deadline") -> Answer:
        from http.client import HTTPException

        from worthwhile._connection import Connection

        try:
            if self._is_closed:
                return Answer("retry", _CLOSED)
            connection = self._connection
            if connection is None:
                connection = self._connection = Connection(self._wire, _headers(self._wire))
            return _judged(connection.post(_compressed(body, self._wire.compression), deadline), self._wire)
        except TimeoutError:
            return Answer("retry", f"{self.target} did not answer in time")
        except (OSError, HTTPException) as error:
            reason = _cleaned(f"{type(error).__name__}: {error}", self._wire)
            return Answer("retry", _CLOSED if self._is_closed else f"{self.target} cannot be reached ({reason})")
        except ValueError as error:
            return Answer("refused", f"nothing can be sent to {self.target}: {_cleaned(str(error), self._wire)}")
        finally:
            if self._is_closed and self._connection is not None:
                self._connection.close()


def make_sender(settings: Settings, signal: Signal) -> Sender:
    """The sender of one signal's requests by OTLP/HTTP."""
    return Sender(settings.wire(signal))


def _headers(wire: Wire) -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    try:
        name = f"worthwhile/{version('worthwhile')}"
    except PackageNotFoundError:  # run from a source tree
        name = "worthwhile"
    own = {"user-agent": f"{name} OTLP-HTTP-Python", "content-type": "application/x-protobuf"}
    if wire.compression != "none":
        own["content-encoding"] = wire.compression
    given = {key.lower(): value for key, value in wire.headers.items()}
    if not all(is_header(key, value) for key, value in given.items()):
        raise ValueError("a header's name or value has characters that no header may have")
    # `http.client` writes text as Latin-1; receivers read UTF-8, if anything beyond ASCII
    sent = {key: value.encode().decode("latin-1") for key, value in given.items() if key not in _OWN_HEADERS}
    return own | sent


def _compressed(body: bytes, compression: Compression) -> bytes:
    if compression == "gzip":
        return zlib.compress(body, wbits=zlib.MAX_WBITS | _GZIP)
    return zlib.compress(body) if compression == "deflate" else body


def _judged(reply: "Reply", wire: Wire) -> Answer:
    status = reply.status
    if status // 100 == _SUCCESS:
        return _success(reply, wire)
    reason = f"HTTP {status} {reply.phrase}".rstrip()
    said = _cleaned(_said(reply), wire)
    if said:
        reason = f"{reason}: {said}"
    if status in _RETRYABLE:
        return Answer("retry", reason, after_s=_retry_after(reply.headers.get("retry-after")))
    if status == _TOO_LARGE:
        return Answer("split", reason)
    if status // 100 == _REDIRECT:
        return Answer("refused", f"{reason}; redirects are not followed, set the endpoint that it leads to")
    return Answer("refused", reason, permanent=status in _BAD_DATA)


def _success(reply: "Reply", wire: Wire) -> Answer:
    rejected, message = 0, ""
    if reply.body and "json" not in reply.headers.get("content-type", ""):
        try:
            for partial in fields(reply.body):
                if partial.number == 1:
                    inner = {field.number: field for field in fields(partial.content)}
                    rejected = inner[1].value if 1 in inner else 0
                    message = inner[2].content.decode(errors="replace") if 2 in inner else ""
        except ValueError:  # no protobuf; the status has said it all
            rejected, message = 0, ""
    reason = _cleaned(message, wire) if message else ""
    return Answer("partial", reason, rejected) if 0 < rejected < _INT64_END else Answer("accepted", reason)


def _said(reply: "Reply") -> str:
    """What the body of an error says: the message of a `google.rpc.Status`, or text."""
    kind = reply.headers.get("content-type", "")
    if "protobuf" in kind:
        try:
            found = [field.content for field in fields(reply.body) if field.number == 2]
        except ValueError:
            return ""
        return found[0].decode(errors="replace") if found else ""
    return reply.body.decode(errors="replace") if kind.startswith(("text/plain", "application/json")) else ""


def _cleaned(text: str, wire: Wire) -> str:
    """`text` on one line, not long, and without anything that the wire's headers or URL keep secret."""
    for secret in _secrets(wire):
        text = text.replace(secret, "(hidden)")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text[:_MAX_REASON]).split())


def _secrets(wire: Wire) -> list[str]:
    found = [word for value in wire.headers.values() for word in (value, *value.split())]
    for url in (wire.url, *wire.proxies.values()):
        userinfo = url.partition("://")[2].partition("/")[0].rpartition("@")[0]
        found += [userinfo, *userinfo.split(":")]
    return sorted({word for word in found if len(word) >= _LEAST_SECRET}, key=len, reverse=True)


def _retry_after(text: str | None) -> float | None:
    """Seconds of a `Retry-After` header, which has seconds or a date."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        from datetime import UTC, datetime
        from email.utils import parsedate_to_datetime

        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S) if not math.isnan(seconds) else None
