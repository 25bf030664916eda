"""Follows a streamed answer while the host reads it: nothing is read ahead, kept back or buffered.

The host keeps the client's own stream object. Its taps (`_taps.py`) tell a `Reading` of what passes and of how the host
stops. A call ends once: when the stream is exhausted, fails, is closed, or is dropped; its usage is what the provider
had told by then.

A dropped stream is noticed while garbage is collected, which may happen in the middle of anything and under any lock,
that of an exporter's queue included. So its call is ended by a thread of ours, which waits for nothing else.
"""

import atexit
import os
import sys
import threading
from queue import SimpleQueue
from typing import Any, Final

from worthwhile._call import Facts, Skips
from worthwhile._guard import Guard
from worthwhile._invocation import Invocation

_GUARD: Final = Guard("what a stream told about its call")

_EXIT_TIMEOUT_S: Final = 1.0

_open: "set[Reading]" = set()
"""Every stream whose call has not ended."""

_dropped: "SimpleQueue[Reading | threading.Event]" = SimpleQueue()
"""Streams whose calls the thread is to end; unlike other queues, this one may be put into by a finalizer."""

_thread: threading.Thread | None = None
_has_hooks = False


def settle_dropped(timeout_s: float) -> bool:
    """Wait until the calls of all streams that were dropped before have ended; False if that takes too long."""
    if _thread is None:
        return True
    reached = threading.Event()
    _dropped.put(reached)
    return reached.wait(timeout_s)


class Reading:
    """One streamed answer on its way to the host; ends the call exactly once, however the host stops reading.

    Each kind of answer gathers in `take` and `facts` what its chunks tell. Both are one object, as the call and its
    span are: it is made without arguments and begun by `begin`, which costs less than one that its class fills in.

    Attributes:
        is_pulling: Whether a tap waits for the next chunk: the client closes the body itself then, which is not
            abandonment.
        skips: Which of the chunks to come need not be shown to `see`; the first always is.
        watch: What notices that a tap is gone, as long as this is here.
    """

    __slots__ = ("_invocation", "_is_begun", "_is_over", "is_pulling", "skips", "watch")

    is_pulling: bool
    skips: Skips
    watch: object
    _invocation: Invocation
    _is_begun: bool
    _is_over: bool

    @property
    def is_complete(self) -> bool:
        """Whether the provider has said all that it has to say about the call."""
        raise NotImplementedError

    def take(self, chunk: Any, /) -> bool:
        """Gather what one chunk tells, an object of the client or decoded JSON; True hides it from the host."""
        raise NotImplementedError

    def facts(self) -> Facts:
        """What has been told so far."""
        raise NotImplementedError

    def begin(self, invocation: Invocation) -> None:
        """Answer for the end of `invocation` from now on."""
        self._invocation = invocation
        self._is_begun = self._is_over = self.is_pulling = False
        self.watch = None
        _open.add(self)
        if _thread is None:
            _start()

    def see(self, chunk: Any) -> bool:
        """Take note of `chunk`; True when the host is not to see it."""
        try:
            if not self._is_begun:
                self._is_begun = True
                self._invocation.first_chunk()
            return self.take(chunk)
        except Exception as error:  # noqa: BLE001 - as `with _GUARD`, but free where nothing is raised
            _GUARD.caught(error)
            return False

    def end(self) -> None:
        """The stream is exhausted."""
        try:
            self._is_over = True
            try:
                _open.remove(self)  # as `_take_end`, without its call
            except KeyError:
                return
            self._invocation.finish(self.facts())
        except Exception as error:  # noqa: BLE001 - as `with _GUARD`, but free where nothing is raised
            _GUARD.caught(error)

    def fail(self, error: BaseException) -> None:
        """Reading raised `error`, which goes on to the host untouched."""
        with _GUARD:
            if self._take_end():
                self._invocation.fail(error, self.facts())

    def close(self) -> None:
        """The body of the response was closed."""
        if self.is_pulling or self._is_over:
            return
        with _GUARD:
            if isinstance(sys.exception(), GeneratorExit):  # by the client's generator, which may be being collected
                self.drop()
            else:
                self.abandon()

    def forget(self, tap: object) -> None:
        """The tap is gone."""
        if not self._is_over:
            self.drop()

    def drop(self) -> None:
        """The stream is being collected: have its call ended elsewhere, as nothing may wait here."""
        try:
            if not self._is_over:
                _dropped.put(self)
        except Exception as error:  # noqa: BLE001 - as `with _GUARD`, but free where nothing is raised
            _GUARD.caught(error)

    def abandon(self) -> None:
        """The host reads no further."""
        with _GUARD:
            if self._take_end():
                facts = self.facts()
                end = self._invocation.finish if self.is_complete else self._invocation.abandon
                end(facts)

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
