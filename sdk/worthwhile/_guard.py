"""The one place where an exception of ours is swallowed, so that the host never sees it.

Under pytest the guard re-raises instead, so that developers and their tests see what production would only log.
"""

import logging
import os
import threading
from types import TracebackType
from typing import Final

from worthwhile._errors import MisuseError

logger: Final = logging.getLogger("worthwhile")

_MAX_CAUSES: Final = 1024

THREAD_NAME: Final = "worthwhile-"
"""How the names of our own threads begin."""

reraises: bool | None = None
"""True: internal errors reach the caller. False: they never do. None: they do under pytest."""

internal_errors: int = 0
"""Exceptions swallowed so far in this process."""

_seen: set[tuple[object, ...]] = set()


class Guard:
    """Swallows and counts an `Exception` raised in its `with` block; logs it once per cause.

    Stateless: one instance serves every thread and may be entered again while it is entered. `KeyboardInterrupt` and
    other non-`Exception`s pass through.
    """

    __slots__ = ("_lost",)

    def __init__(self, lost: str) -> None:
        """Guard work whose failure loses `lost`, e.g. "the span of a model call"."""
        self._lost = lost

    def __enter__(self) -> None:
        """Start of the guarded work."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Swallow `error` unless it is none of ours to swallow."""
        try:
            return isinstance(error, Exception) and _swallow(error, self._lost)
        except RecursionError:  # what was guarded came too close to the limit, and so does this
            return True

    def caught(self, error: Exception) -> None:
        """Swallow `error` as `with` does, for an `except` on the way of every call, where entering costs too much."""
        try:
            is_swallowed = _swallow(error, self._lost)
        except RecursionError:
            return
        if not is_swallowed:
            raise error


def misuse(message: str, *, hint: str) -> None:
    """Tell the host's developer, once per message, about a call that loses data; raise `MisuseError` under pytest."""
    if _is_reraising():
        raise MisuseError(message, hint=hint)
    warn_once(f"{message}; {hint}")


def warn_once(message: str) -> None:
    """Log `message` as a warning the first time it is seen in this process."""
    try:
        if _is_new("warning", message):
            logger.warning("%s", message)
    except Exception:  # noqa: BLE001, S110 - the host's log filters and handlers may raise anything
        pass


def _swallow(error: Exception, lost: str) -> bool:
    global internal_errors  # noqa: PLW0603 - the count belongs to the process
    internal_errors += 1
    try:
        if _is_reraising():
            return False
        if _is_new(lost, id(type(error)), _origin(error)):
            logger.error("lost %s because of an internal error; please report it", lost, exc_info=error)
    except Exception:  # noqa: BLE001, S110 - of the host's log filters and handlers, or the recursion limit again
        pass
    return True


def _is_reraising() -> bool:
    if reraises is not None:
        return reraises
    # A thread of ours has nobody to raise into: pytest would blame whichever test runs just then.
    return "PYTEST_CURRENT_TEST" in os.environ and not threading.current_thread().name.startswith(THREAD_NAME)


def _is_new(*cause: object) -> bool:
    if cause in _seen or len(_seen) >= _MAX_CAUSES:
        return False
    _seen.add(cause)
    return True


def _origin(error: Exception) -> tuple[str, int]:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (trace.tb_frame.f_code.co_filename, trace.tb_lineno) if trace is not None else ("", 0)
