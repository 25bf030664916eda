# ruff: noqa: SLF001 - a stream's inner iterator is replaced
"""A call whose content is recorded: what `_base.py` makes calls as while somebody has asked for that.

It looks at the request before the client sends it, and at the answer before the host gets it, because either may change
what it holds; a stream is watched by one more iterator under the tap that watches it anyway. Nothing else differs.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from worthwhile import _content
from worthwhile._call import CallResponse, Facts
from worthwhile._guard import Guard
from worthwhile.clients import _base
from worthwhile.clients._fields import fields, http_response, outgoing
from worthwhile.clients._pieces import Pieces

if TYPE_CHECKING:
    from worthwhile._content import Content

_GUARD: Final = Guard("what a stream says")


def install(*, is_on: bool) -> None:
    """Have the calls to come looked at, or no longer."""
    _base.record_as(RecordedCall if is_on else None)


class RecordedCall(_base.Call):
    """One call, and what is said in it."""

    __slots__ = ("_content", "_pieces")

    _content: "Content | None"
    _pieces: Pieces | None

    def activate(self) -> None:
        """Copy what is about to be sent; then as every call."""
        self._content = self._pieces = None
        try:
            content = _content.begun(self)
            if content is not None:
                content.request = content.copier.request(outgoing(self.options))
                self._content = content
        except Exception as error:  # noqa: BLE001 - one of ours, and the host is to know nothing of it
            _content.lost(error)
        super().activate()

    def settle(self, result: Any) -> None:
        """Copy what has come, or watch it come; then as every call."""
        if self._content is not None:
            try:
                self._look_at(result)
            except Exception as error:  # noqa: BLE001 - as above
                self._content = None
                _content.lost(error)
        super().settle(result)

    def fail_with(self, error: BaseException) -> None:
        """Copy what had come before the host's own parser refused it; then as every call."""
        if self._answer is not None:
            self._see_answer(self._answer)
        super().fail_with(error)

    def shown(self, see: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Look at what a raw answer consists of as well."""
        if self._content is None:
            return see

        def both(value: Any) -> Any:
            self._see_raw(value)
            return see(value)

        return both

    def _end(self, answer: Facts | CallResponse | None) -> None:
        content, pieces = self._content, self._pieces
        self._content = self._pieces = None  # the span may wait for long
        super()._end(answer)
        if content is not None:
            try:
                if pieces is not None:
                    content.answer = pieces.answer()
                content.end(self)
            except Exception as error:  # noqa: BLE001 - as above
                _content.lost(error)

    def _look_at(self, result: Any) -> None:
        stream: Any = result
        if isinstance(result, self.library.stream):
            stream._iterator = _watched(stream._iterator, self._gather())
        elif isinstance(result, self.library.async_stream):
            stream._iterator = _AsyncWatched(stream._iterator, self._gather())
        elif http_response(result) is None:
            self._see_answer(result)

    def _gather(self) -> Callable[[Any], None]:
        content = self._content
        if content is None:
            return _ignore
        self._pieces = pieces = Pieces(content.copier)
        return pieces.see

    def _see_answer(self, answer: Any) -> None:
        content = self._content
        if content is not None:
            content.answer = content.copier.answer(fields(answer))

    def _see_raw(self, value: Any) -> None:
        """A decoded value of a raw answer: all of it, or an event of a stream."""
        try:
            if not self.is_stream:
                self._see_answer(value)
                return
            if self._pieces is None:
                self._gather()
            if self._pieces is not None:
                self._pieces.see(value)
        except Exception as error:  # noqa: BLE001 - as above
            _GUARD.caught(error)


def _ignore(chunk: Any) -> None:
    """Nothing is recorded."""


def _watched(source: Iterator[Any], see: Callable[[Any], None]) -> Iterator[Any]:
    """The chunks of `source`, each shown to `see` first."""
    for chunk in source:
        try:
            see(chunk)
        except Exception as error:  # noqa: BLE001 - as above
            _GUARD.caught(error)
        yield chunk


class _AsyncWatched:
    """The same of an asynchronous iterator; everything else is asked of that one."""

    __slots__ = ("_pull", "_see", "_source")

    def __init__(self, source: AsyncIterator[Any], see: Callable[[Any], None]) -> None:
        self._source = source
        self._pull = source.__anext__
        self._see = see

    def __aiter__(self) -> "_AsyncWatched":
        return self

    async def __anext__(self) -> Any:
        chunk = await self._pull()
        try:
            self._see(chunk)
        except Exception as error:  # noqa: BLE001 - as above
            _GUARD.caught(error)
        return chunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)
