"""What stands between a client and the stream that it reads: it passes everything on, and tells a `Reading` of it.

Only the inner iterator of a client's stream is replaced, by a tap that sees each chunk as it passes, and the body of
its HTTP response, by a proxy that notices when it is closed.
"""

from collections.abc import AsyncIterator, Iterator
from operator import attrgetter
from typing import Any, Final, Protocol
from weakref import ref

from worthwhile._call import EVENTS, NO_SKIPS, PIECES, STRIPPED_PIECES
from worthwhile._guard import Guard
from worthwhile._streams import Reading

_GUARD: Final = Guard("what a stream told about its call")


def stream_tap(source: Iterator[Any], reading: Reading) -> Iterator[Any]:
    """What stands in for the inner iterator of a client's `Stream`: a generator, as that is."""
    tap = _tapped(source, reading)
    reading.watch = ref(tap, reading.forget)  # it goes with its frame, started or not
    return tap


def _tapped(source: Iterator[Any], reading: Reading) -> Iterator[Any]:
    skipped, telling = NO_SKIPS
    reading.is_pulling = True
    try:
        for chunk in source:
            reading.is_pulling = False
            try:
                if skipped is PIECES or skipped is STRIPPED_PIECES:
                    found = chunk.__dict__
                    tells = (
                        found["choices"][0].finish_reason is not None
                        or found["usage"] is not None
                        or (telling and found[telling] is not None)
                    )
                    if skipped is STRIPPED_PIECES and not tells:
                        chunk.__pydantic_fields_set__.discard("usage")
                else:
                    tells = skipped is not EVENTS or chunk.type in telling
            except Exception:  # noqa: BLE001 - it is nothing that the library makes
                tells = True
            if tells:
                is_hidden = reading.see(chunk)
                skipped, telling = reading.skips
                if is_hidden:
                    reading.is_pulling = True
                    continue
            yield chunk
            reading.is_pulling = True
    except GeneratorExit:  # closed or collected: `watch` notices
        raise
    except BaseException as error:
        reading.is_pulling = False
        reading.fail(error)
        raise
    reading.is_pulling = False
    reading.end()


class AsyncStreamTap:
    """Stands in for the inner iterator of a client's `AsyncStream`; everything else is asked of that iterator."""

    __slots__ = ("_pull", "_reading", "_source")

    def __init__(self, source: AsyncIterator[Any], reading: Reading) -> None:
        self._source = source
        self._pull = source.__anext__
        self._reading = reading

    def __aiter__(self) -> "AsyncStreamTap":
        return self

    async def __anext__(self) -> Any:
        reading = self._reading
        while True:
            reading.is_pulling = True
            try:
                chunk = await self._pull()
            except StopAsyncIteration:
                reading.end()
                raise
            except BaseException as error:
                reading.fail(error)
                raise
            finally:
                reading.is_pulling = False
            skipped, telling = reading.skips
            try:
                if skipped is PIECES or skipped is STRIPPED_PIECES:
                    found = chunk.__dict__
                    tells = (
                        found["choices"][0].finish_reason is not None
                        or found["usage"] is not None
                        or (telling and found[telling] is not None)
                    )
                    if skipped is STRIPPED_PIECES and not tells:
                        chunk.__pydantic_fields_set__.discard("usage")
                else:
                    tells = skipped is not EVENTS or chunk.type in telling
            except Exception:  # noqa: BLE001 - it is nothing that the library makes
                tells = True
            if not tells or not reading.see(chunk):
                return chunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def __del__(self) -> None:
        self._reading.drop()


class BodyTap:
    """Passes for the body of an HTTP response, whichever library made it, and tells when the body is closed.

    A client closes the body when a stream is exhausted, when the host closes the stream or a helper around it, and
    when a stream is garbage-collected: one place that all of them pass.
    """

    __slots__ = ("__weakref__", "__wrapped__", "_reading", "stream_observer")

    def __init__(self, body: Any, reading: Reading) -> None:
        self.__wrapped__ = body
        self._reading = reading
        # anthropic asks the body for this with every event, and a miss would cost more than all else here.
        self.stream_observer: Any = getattr(body, "stream_observer", None)

    # What `isinstance` asks where the type says no; in C, as every stream is asked.
    __class__ = property(attrgetter("__wrapped__.__class__"))  # pyright: ignore[reportIncompatibleMethodOverride]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.__wrapped__)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self.__wrapped__)

    def close(self) -> None:
        """Close the body, as the client asked."""
        try:
            self.__wrapped__.close()
        finally:
            self._reading.close()

    async def aclose(self) -> None:
        """Close the body, as the client asked."""
        try:
            await self.__wrapped__.aclose()
        finally:
            self._reading.close()


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

    __slots__ = ("_scanner",)

    def __init__(self, body: Any, reading: Reading, scanner: Scanner) -> None:
        super().__init__(body, reading)
        self._scanner = scanner

    def __iter__(self) -> Iterator[bytes]:
        reading, scanner = self._reading, self._scanner
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
        reading, scanner = self._reading, self._scanner
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
