"""Threads of our own, and how they are woken."""

import threading
from collections.abc import Callable
from contextlib import suppress

from opentelemetry import context as otel_context
from opentelemetry.context import (
    _SUPPRESS_INSTRUMENTATION_KEY,  # pyright: ignore[reportPrivateUsage] - no public name
)

from worthwhile._guard import THREAD_NAME


class Bell:
    """Wakes one thread. Ringing takes no lock that the ringing thread could hold already: collecting garbage may ring.

    Attributes:
        is_rung: Whether the thread is about to wake.
    """

    __slots__ = ("_lock", "is_rung")

    def __init__(self, make_lock: Callable[[], threading.Lock]) -> None:
        self._lock = make_lock()
        self._lock.acquire()
        self.is_rung = False

    def ring(self) -> None:
        """Wake the thread, or have its next wait end at once."""
        if not self.is_rung:
            self.is_rung = True
            with suppress(RuntimeError):  # two threads rang at the same time
                self._lock.release()

    def wait(self, timeout: float) -> None:
        """Wait up to `timeout` seconds, negative for ever."""
        self._lock.acquire(timeout=timeout if timeout < 0 else min(timeout, threading.TIMEOUT_MAX))
        self.is_rung = False


def start_thread(run: Callable[[], object], name: str) -> bool:
    """Start a daemon thread whose own requests nobody records; `False` if it is too late for that."""

    def run_invisibly() -> None:
        otel_context.attach(otel_context.set_value(_SUPPRESS_INSTRUMENTATION_KEY, value=True))
        run()

    try:
        threading.Thread(target=run_invisibly, name=f"{THREAD_NAME}{name}", daemon=True).start()
    except RuntimeError:  # the interpreter is about to exit; the flush at its exit does the thread's work
        return False
    return True
