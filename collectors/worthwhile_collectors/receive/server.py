"""Sockets and the HTTP server: one event loop serves the public address and the control socket."""

import asyncio
import contextlib
import errno
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from worthwhile_collectors.errors import BindError

CONNECTIONS: Final = 512
LAST_REQUESTS_SECONDS: Final = 1

Side = tuple[Starlette, socket.socket]


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on an address, of IPv4 where a name has both; port 0 takes a free one.

    Raises:
        BindError: The port is busy, or the address is not one of this machine.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as err:
        raise _bind_error(host, port, err) from err
    return listener


@contextlib.contextmanager
def listen_privately(path: Path) -> Iterator[socket.socket]:
    """A listening UNIX socket that only this user may open."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(16)
    try:
        yield listener
    finally:
        listener.close()


def url_of(listener: socket.socket) -> str:
    """The http address of a listening socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(public: Side, control: Side, ready: Callable[[], None], *, header_seconds: float) -> float:
    """Serves both sides until SIGINT, SIGTERM or SIGHUP, then lets the requests in flight end.

    Args:
        public: The application for everybody and its socket.
        control: The application for the owner of the data folder and its socket.
        ready: Called once both sides take requests.
        header_seconds: How long a peer may take for the headers of a request.

    Returns:
        When the signal came, on the clock of `time.perf_counter`.
    """
    logging.getLogger("uvicorn.error").addFilter(_is_unexpected)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    servers = [_Server(_config(app, header_seconds)) for app, _ in (public, control)]
    tasks = [
        asyncio.create_task(server.serve([listener]))
        for server, (_, listener) in zip(servers, (public, control), strict=True)
    ]
    starting = asyncio.gather(*(server.has_started.wait() for server in servers))
    stopping = asyncio.create_task(stop.wait())
    first: list[asyncio.Future[Any]] = [starting, stopping, *tasks]
    await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        ready()
    await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    stopped_at = time.perf_counter()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)
    return stopped_at


class _Server(uvicorn.Server):
    """Leaves signals to `serve`, because two servers share the process, and says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.has_started = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.has_started.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Patient(H11Protocol):
    """Hangs up on a peer that neither has a request in progress nor finishes sending the headers of one.

    uvicorn limits the time between requests only; its timer is off as soon as a first byte has come.
    """

    header_seconds: float
    _hang_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._unwatch()
        elif self._hang_up is None:
            self._hang_up = self.loop.call_later(self.header_seconds, self.transport.close)

    def _unwatch(self) -> None:
        if self._hang_up is not None:
            self._hang_up.cancel()
            self._hang_up = None


def _config(app: Starlette, header_seconds: float) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=type("_PatientForSeconds", (_Patient,), {"header_seconds": header_seconds}),
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=LAST_REQUESTS_SECONDS,
        h11_max_incomplete_event_size=64 << 10,
    )


def _is_unexpected(record: logging.LogRecord) -> bool:
    """Whether uvicorn tells of more than requests that were cut off because the collector ends."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, asyncio.CancelledError) and not str(record.msg).startswith("Cancel ")


def _bind_error(host: str, port: int, err: OSError) -> BindError:
    doing = f"listening on `{host}:{port}`"
    if err.errno == errno.EADDRINUSE:
        return BindError(
            f"{doing}: another program uses this port",
            hint="is `worthwhile up` running already? Stop it, or take another port with --port (0 takes a free one)",
            code="port_busy",
        )
    if err.errno == errno.EACCES:
        return BindError(f"{doing}: {err.strerror}", hint="take a port above 1023 with --port", code="port_forbidden")
    return BindError(
        f"{doing}: {err.strerror}, expected an address of this machine", hint="--host 127.0.0.1", code="address_unknown"
    )
