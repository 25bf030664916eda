"""What the provider server counted and told, request by request: the truth that exported spans are held against."""

import dataclasses
import threading
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one request by kind. Input includes its cached parts, output its reasoning; None: not counted."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    web_searches: int | None = None

    def only(self, *kinds: str) -> "Tokens":
        """These tokens without every kind that is not named."""
        return Tokens(**{kind: getattr(self, kind) for kind in kinds})


KINDS = tuple(f.name for f in dataclasses.fields(Tokens))
INPUT_KINDS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens")
NOTHING = Tokens()


@dataclass(slots=True)
class Entry:
    """One HTTP request as the server saw it.

    Attributes:
        number: 1 for the server's first request.
        attempt: The client's own retry count of the call, 0 for its first try.
        counted: Tokens that the server counted, and would bill, for this request.
        sent: Of those, what it told the client. They differ when a stream ends early or the client did not ask.
        cost_usd: Amount that it told the client, as decimal text.
    """

    number: int
    path: str
    model: str
    is_stream: bool
    attempt: int
    headers: dict[str, str]
    body: dict[str, Any]
    status: int = 0
    counted: Tokens = NOTHING
    sent: Tokens = NOTHING
    service_tier: str | None = None
    cost_usd: str | None = None
    is_complete: bool = False

    def as_json(self) -> dict[str, Any]:
        """The entry as plain values, for another process."""
        return dataclasses.asdict(self)


@dataclass
class Ledger:
    """Every request of one server, in order of arrival; safe to use from any thread."""

    entries: list[Entry] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _settled: threading.Condition = field(default_factory=threading.Condition)
    _open: int = 0

    def open(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> Entry:
        """Enter a request that is about to be answered."""
        with self._lock:
            entry = Entry(
                number=len(self.entries) + 1,
                path=path,
                model=str(body.get("model", "")),
                is_stream=body.get("stream") is True,
                attempt=int(headers.get("x-stainless-retry-count", "0")),
                headers=headers,
                body=body,
            )
            self.entries.append(entry)
        with self._settled:
            self._open += 1
            self._settled.notify_all()
        return entry

    def settle(self) -> None:
        """Say that a request has been dealt with, however it ended."""
        with self._settled:
            self._open -= 1
            self._settled.notify_all()

    def wait(self, timeout_s: float = 20.0) -> list[Entry]:
        """The entries, once the server is done with every request that it accepted."""
        with self._settled:
            if not self._settled.wait_for(lambda: self._open == 0, timeout_s):
                raise TimeoutError(f"waiting for the provider server: {self._open} requests still open")
        with self._lock:
            return list(self.entries)

    def wait_for_request(self, timeout_s: float = 20.0) -> None:
        """Wait until the server works on a request."""
        with self._settled:
            if not self._settled.wait_for(lambda: self._open > 0, timeout_s):
                raise TimeoutError("waiting for a request to the provider server: none has come")

    def clear(self) -> None:
        """Forget every entry."""
        with self._lock:
            self.entries.clear()


def total(tokens: list[Tokens]) -> dict[str, int]:
    """The sum of each kind over those that are known; a kind that none of them knows is left out."""
    sums: dict[str, int] = {}
    for one in tokens:
        for kind in KINDS:
            count = getattr(one, kind)
            if count is not None:
                sums[kind] = sums.get(kind, 0) + count
    return sums
