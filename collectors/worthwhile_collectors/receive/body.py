"""Reads the body of one request within bounds: size after decompression, pace, and what all requests hold together."""

import asyncio
import contextlib
import importlib
import time
import zlib
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Any, Final, Protocol

from starlette.requests import Request

from worthwhile_collectors.errors import RequestRejectedError

ENCODINGS: Final = ("identity", "gzip", "deflate", "zstd")
PACE_BYTES_PER_SECOND: Final = 64 << 10
_MAX_MEMBERS: Final = 1000
_ZSTD_WINDOW_LOG: Final = 23  # 8 MiB, what RFC 9659 allows on the web


class Budget:
    """Memory for the bodies of all requests in flight. Used from one event loop."""

    def __init__(self, total_bytes: int) -> None:
        self._total_bytes = total_bytes
        self._held_bytes = 0

    def share(self) -> "Share":
        """One request's part, empty at first."""
        return Share(self)

    def take(self, size_bytes: int) -> None:
        """Takes memory, or refuses the request for now."""
        if self._held_bytes + size_bytes > self._total_bytes:
            raise RequestRejectedError(
                429,
                f"reading the body: requests in flight hold `{self._held_bytes}` of {self._total_bytes} bytes",
                hint="send again after the time in Retry-After",
            )
        self._held_bytes += size_bytes

    def give(self, size_bytes: int) -> None:
        """Gives memory back."""
        self._held_bytes -= size_bytes


class Share:
    """What one request holds; given back at the end of the `with` block."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._held_bytes = 0

    def grow(self, size_bytes: int) -> None:
        """Takes so many bytes more."""
        self._budget.take(size_bytes)
        self._held_bytes += size_bytes

    def __enter__(self) -> "Share":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._budget.give(self._held_bytes)


async def read_body(request: Request, share: Share, *, limit_bytes: int, timeout_seconds: float) -> bytes:
    """The body of a request, decompressed.

    Args:
        request: Its body was not touched yet.
        share: Grows with the body.
        limit_bytes: Most bytes after decompression.
        timeout_seconds: After this time the sender must have kept a pace of 64 KiB/s on average.

    Raises:
        RequestRejectedError: 400, 408, 413, 415 or 429.
        ClientDisconnect: The sender went away.
    """
    inflater = _inflater(request.headers.get("content-encoding", "").strip().lower() or "identity", limit_bytes)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit_bytes:
        raise _too_large(limit_bytes)
    async for chunk in _chunks(request, timeout_seconds):
        before = len(inflater.out)
        inflater.feed(chunk)
        share.grow(len(inflater.out) - before)
    inflater.finish()
    return bytes(inflater.out)


async def _chunks(request: Request, timeout_seconds: float) -> AsyncIterator[bytes]:
    began, received = time.perf_counter(), 0
    stream = request.stream()
    while True:
        left = began + timeout_seconds + received / PACE_BYTES_PER_SECOND - time.perf_counter()
        try:
            async with asyncio.timeout(left):
                chunk = await anext(stream, None)
        except TimeoutError as err:
            raise RequestRejectedError(
                408,
                f"reading the body: `{received}` bytes came in {timeout_seconds:g} s, "
                f"expected the whole of it or at least {PACE_BYTES_PER_SECOND} bytes per second",
                hint="send again, in smaller requests",
            ) from err
        if chunk is None:
            return
        received += len(chunk)
        yield chunk


class _Inflater(Protocol):
    out: bytearray

    def feed(self, data: bytes) -> None: ...

    def finish(self) -> None: ...


def _inflater(encoding: str, limit_bytes: int) -> _Inflater:
    match encoding:
        case "identity":
            return _Identity(limit_bytes)
        case "gzip":
            return _Members(limit_bytes, lambda: zlib.decompressobj(zlib.MAX_WBITS | 16), zlib.error)
        case "deflate":
            return _Members(limit_bytes, zlib.decompressobj, zlib.error)
        case "zstd" if (zstd := _zstd()) is not None:
            options = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
            return _Members(limit_bytes, lambda: zstd.ZstdDecompressor(options=options), zstd.ZstdError)
    raise RequestRejectedError(
        415,
        f"reading the body: its Content-Encoding is `{encoding[:64]}`, expected one of {', '.join(ENCODINGS)}",
        hint="set OTEL_EXPORTER_OTLP_COMPRESSION=gzip or none in the sender",
    )


def _zstd() -> Any | None:
    """The zstd module of Python 3.14 or of the package backports.zstd; None where there is neither."""
    for name in ("compression.zstd", "backports.zstd"):
        with contextlib.suppress(ImportError):
            return importlib.import_module(name)
    return None


class _Identity:
    def __init__(self, limit_bytes: int) -> None:
        self.out = bytearray()
        self._limit_bytes = limit_bytes

    def feed(self, data: bytes) -> None:
        if len(self.out) + len(data) > self._limit_bytes:
            raise _too_large(self._limit_bytes)
        self.out += data

    def finish(self) -> None:
        """Any number of bytes is a whole body."""


class _Members:
    """Decompresses one stream, or several one after the other, never producing more than one byte over the limit."""

    def __init__(self, limit_bytes: int, begin: Callable[[], Any], error: type[Exception]) -> None:
        self.out = bytearray()
        self._limit_bytes = limit_bytes
        self._begin = begin
        self._error = error
        self._member = begin()
        self._members = 1

    def feed(self, data: bytes) -> None:
        while data:
            if self._member.eof:
                self._begin_member()
            try:
                self.out += self._member.decompress(data, self._limit_bytes + 1 - len(self.out))
            except self._error as err:
                raise _corrupt(str(err)) from err
            if len(self.out) > self._limit_bytes:
                raise _too_large(self._limit_bytes)
            data = self._member.unused_data if self._member.eof else b""

    def finish(self) -> None:
        if not self._member.eof:
            raise _corrupt("it ends too early")

    def _begin_member(self) -> None:
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise _corrupt(f"it has more than {_MAX_MEMBERS} parts")
        self._member = self._begin()


def _corrupt(reason: str) -> RequestRejectedError:
    return RequestRejectedError(
        400,
        f"decompressing the body: `{reason}`, expected what its Content-Encoding says",
        hint="compress the body once, as its Content-Encoding says",
    )


def _too_large(limit_bytes: int) -> RequestRejectedError:
    return RequestRejectedError(
        413,
        f"reading the body: it is larger than {limit_bytes} bytes after decompression",
        hint="send fewer spans at a time (OTEL_BSP_MAX_EXPORT_BATCH_SIZE), or raise --max-body of the collector",
    )
