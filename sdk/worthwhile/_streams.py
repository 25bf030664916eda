"""Follows a streamed answer while the host reads it: nothing is read ahead, kept back or buffered.

The host keeps the client's own stream object. Only its inner iterator is replaced, by a tap that looks at each chunk
as it passes, and the body of its HTTP response gets a proxy that notices when the host closes it. A call ends once:
when the stream is exhausted, fails, is closed, or is dropped; its usage is what the provider had told by then.

A dropped stream is noticed while garbage is collected, which may happen in the middle of anything and under any lock,
that of an exporter's queue included. So its call is ended by a thread of ours, which waits for nothing else.
"""

import atexit
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Protocol

import wrapt

from worthwhile._guard import Guard
from worthwhile._invocation import CallResponse, Invocation

if TYPE_CHECKING:
    _Proxy = wrapt.ObjectProxy[Any]
else:  # not generic before wrapt 2
    _Proxy = wrapt.ObjectProxy

_GUARD: Final = Guard("what a stream told about its call")

_EXIT_TIMEOUT_S: Final = 1.0

_open: "set[Reading]" = set()
"""Every stream whose call has not ended."""

_dropped: "SimpleQueue[Reading | threading.Event]" = SimpleQueue()
"""Streams whose calls the thread is to end; unlike other queues, this one may be put into by a finalizer."""

_thread: threading.Thread | None = None
_has_hooks = False


class Collector(Protocol):
    """Gathers what the chunks of one stream tell. Used by one reader at a time."""

    @property
    def is_complete(self) -> bool:
        """Whether the provider has said all that it has to say about the call."""
        ...

    def see(self, chunk: Any, /) -> bool:
        """Look at one chunk, an object of the client or decoded JSON; True hides it from the host."""
        ...

    def response(self) -> CallResponse:
        """What has been told so far."""
        ...


def settle_dropped(timeout_s: float) -> bool:
    """Wait until the calls of all streams that were dropped before have ended; False if that takes too long."""
    if _thread is None:
        return True
    reached = threading.Event()
    _dropped.put(reached)
    return reached.wait(timeout_s)


class Reading:
    """One streamed answer on its way to the host; ends the call exactly once, however the host stops reading."""

    __slots__ = ("_collector", "_invocation", "_is_begun", "_is_over", "is_pulling")

    def __init__(self, invocation: Invocation, collector: Collector) -> None:
        self._invocation = invocation
        self._collector = collector
        self._is_begun = False
        self._is_over = False
        self.is_pulling = False
        """Whether a tap waits for the next chunk: the client closes the body itself then, which is not abandonment."""
        _open.add(self)
        if _thread is None:
            _start()

    def see(self, chunk: Any) -> bool:
        """Take note of `chunk`; True when the host is not to see it."""
        with _GUARD:
            if not self._is_begun:
                self._is_begun = True
                self._invocation.first_chunk()
            return self._collector.see(chunk)
        return False

    def end(self) -> None:
        """The stream is exhausted."""
        with _GUARD:
            if self._take_end():
                self._invocation.finish(self._collector.response())

    def fail(self, error: BaseException) -> None:
        """Reading raised `error`, which goes on to the host untouched."""
        with _GUARD:
            if self._take_end():
                self._invocation.fail(error, self._collector.response())

    def close(self) -> None:
        """The body of the response was closed."""
        if self.is_pulling or self._is_over:
            return
        if isinstance(sys.exception(), GeneratorExit):  # by the client's generator, which may be being collected
            self.drop()
        else:
            self.abandon()

    def drop(self) -> None:
        """The stream is being collected: have its call ended elsewhere, as nothing may wait here."""
        if not self._is_over:
            _dropped.put(self)

    def abandon(self) -> None:
        """The host reads no further."""
        with _GUARD:
            if self._take_end():
                end = self._invocation.finish if self._collector.is_complete else self._invocation.abandon
                end(self._collector.response())

    def disown(self) -> None:
        """In a forked child: the parent ends this call."""
        self._is_over = True

    def _take_end(self) -> bool:
        self._is_over = True
        try:
            _open.remove(self)  # atomic, so that only one thread gets to end the call
        except KeyError:
            return False
        return True


def _start() -> None:
    global _has_hooks, _thread  # noqa: PLW0603 - one thread per process
    with _GUARD:
        _thread = threading.Thread(target=_end_dropped, name="worthwhile-streams", daemon=True)
        _thread.start()
    if not _has_hooks:
        _has_hooks = True
        # Runs before the hook that delivers the last spans, which was registered when the first call began.
        atexit.register(_abandon_open)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_start_afresh)


def _end_dropped() -> None:
    while True:
        _settle(_dropped.get())


def _settle(dropped: Reading | threading.Event) -> None:
    if isinstance(dropped, Reading):
        dropped.abandon()
    else:
        dropped.set()


def _abandon_open() -> None:
    """End, at the end of the process, the calls of streams that are still open."""
    settle_dropped(_EXIT_TIMEOUT_S)  # an exporter at work in a daemon thread would be cut off in mid-write
    for reading in tuple(_open):
        reading.abandon()


def _start_afresh() -> None:
    """Leave, in a forked child, the parent's streams to the parent."""
    global _dropped, _thread
    _dropped, _thread = SimpleQueue(), None
    for reading in tuple(_open):
        reading.disown()
    _open.clear()


class StreamTap:
    """Stands in for the inner iterator of a client's `Stream`; everything else is asked of that iterator."""

    __slots__ = ("_reading", "_source")

    def __init__(self, source: Iterator[Any], reading: Reading) -> None:
        self._source = source
        self._reading = reading

    def __iter__(self) -> "StreamTap":
        return self

    def __next__(self) -> Any:
        reading = self._reading
        reading.is_pulling = True
        try:
            chunk = next(self._source)
            while reading.see(chunk):
                chunk = next(self._source)
        except StopIteration:
            reading.end()
            raise
        except BaseException as error:
            reading.fail(error)
            raise
        finally:
            reading.is_pulling = False
        return chunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def __del__(self) -> None:
        self._reading.drop()


class AsyncStreamTap:
    """Stands in for the inner iterator of a client's `AsyncStream`; everything else is asked of that iterator."""

    __slots__ = ("_reading", "_source")

    def __init__(self, source: AsyncIterator[Any], reading: Reading) -> None:
        self._source = source
        self._reading = reading

    def __aiter__(self) -> "AsyncStreamTap":
        return self

    async def __anext__(self) -> Any:
        reading = self._reading
        reading.is_pulling = True
        try:
            chunk = await anext(self._source)
            while reading.see(chunk):
                chunk = await anext(self._source)
        except StopAsyncIteration:
            reading.end()
            raise
        except BaseException as error:
            reading.fail(error)
            raise
        finally:
            reading.is_pulling = False
        return chunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def __del__(self) -> None:
        self._reading.drop()


class BodyTap(_Proxy):
    """Passes for the body of an HTTP response, whichever library made it, and tells when the body is closed.

    A client closes the body when a stream is exhausted, when the host closes the stream or a helper around it, and
    when a stream is garbage-collected: one place that all of them pass.
    """

    def __init__(self, body: Any, reading: Reading) -> None:
        super().__init__(body)
        self._self_reading = reading

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.__wrapped__)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self.__wrapped__)

    def close(self) -> None:
        """Close the body, as the client asked."""
        try:
            self.__wrapped__.close()
        finally:
            self._self_reading.close()

    async def aclose(self) -> None:
        """Close the body, as the client asked."""
        try:
            await self.__wrapped__.aclose()
        finally:
            self._self_reading.close()


class Scanner(Protocol):
    """Reads the raw bytes of a body as they pass."""

    def feed(self, data: bytes) -> bytes:
        """Take in `data` as it came over the wire; return the bytes that go on to the host."""
        ...

    def flush(self) -> bytes:
        """The body has ended: return what was still held back."""
        ...


class RawBodyTap(BodyTap):
    """A body whose bytes the host, not the client's stream object, reads (`with_raw_response` and the like)."""

    def __init__(self, body: Any, reading: Reading, scanner: Scanner) -> None:
        super().__init__(body, reading)
        self._self_scanner = scanner

    def __iter__(self) -> Iterator[bytes]:
        reading, scanner = self._self_reading, self._self_scanner
        try:
            for data in self.__wrapped__:
                if passed := _feed(scanner, data):
                    yield passed
            if passed := _flush(scanner):
                yield passed
        except Exception as error:
            reading.fail(error)
            raise
        reading.end()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        reading, scanner = self._self_reading, self._self_scanner
        try:
            async for data in self.__wrapped__:
                if passed := _feed(scanner, data):
                    yield passed
            if passed := _flush(scanner):
                yield passed
        except Exception as error:
            reading.fail(error)
            raise
        reading.end()


def _feed(scanner: Scanner, data: bytes) -> bytes:
    with _GUARD:
        return scanner.feed(data)
    return data


def _flush(scanner: Scanner) -> bytes:
    with _GUARD:
        return scanner.flush()
    return b""
