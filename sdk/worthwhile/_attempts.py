"""Sees each HTTP try that a model client makes for one call, its own silent retries included.

Patched: `send` of httpx's and httpx2's clients, the one method that every request of theirs passes. It makes no span;
it tells the call that is running in this context, if there is one, when a try went out and how it ended.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from worthwhile import _clock
from worthwhile._context import current_call
from worthwhile._errors import error_type
from worthwhile._guard import Guard
from worthwhile._invocation import Attempt, Invocation

if TYPE_CHECKING:
    from worthwhile.clients._base import Patch

_GUARD: Final = Guard("an HTTP try of a model call")

_MARK: Final = "x-stainless-retry-count"
"""Header of the requests that are tries of the call itself; a token that is fetched on the way has none."""

_last: ContextVar[tuple[Invocation, Attempt] | None] = ContextVar("worthwhile_last_attempt", default=None)


def patches(module: Any, is_installed: Callable[[], bool]) -> "list[Patch]":
    """What is wrapped in the loaded `httpx` or `httpx2` package."""
    from worthwhile.clients._base import Patch

    return [
        Patch(module.__name__, "Client.send", _send_wrapper(is_installed)),
        Patch(module.__name__, "AsyncClient.send", _async_send_wrapper(is_installed)),
    ]


def _send_wrapper(is_installed: Callable[[], bool]) -> Callable[..., Any]:
    def send(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = _call_of(args, kwargs) if is_installed() else None
        if call is None:
            return wrapped(*args, **kwargs)
        started_ns = _clock.perf_ns()
        try:
            response = wrapped(*args, **kwargs)
        except BaseException as error:
            _note(call, started_ns, None, error)
            raise
        _note(call, started_ns, response, None)
        return response

    return send


def _async_send_wrapper(is_installed: Callable[[], bool]) -> Callable[..., Any]:
    async def send(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = _call_of(args, kwargs) if is_installed() else None
        if call is None:
            return await wrapped(*args, **kwargs)
        started_ns = _clock.perf_ns()
        try:
            response = await wrapped(*args, **kwargs)
        except BaseException as error:
            _note(call, started_ns, None, error)
            raise
        _note(call, started_ns, response, None)
        return response

    return send


def _call_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Invocation | None:
    with _GUARD:
        call = current_call()
        if call is None:
            return None
        request = args[0] if args else kwargs["request"]
        return call if _MARK in request.headers else None
    return None


def _note(call: Invocation, started_ns: int, response: Any, error: BaseException | None) -> None:
    with _GUARD:
        before = _last.get()
        number, wait_ns = 1, 0
        if before is not None and before[0] is call:
            previous = before[1]
            number = previous.number + 1
            wait_ns = started_ns - previous.started_ns - previous.duration_ns
        attempt = Attempt(
            number=number,
            started_ns=started_ns,
            duration_ns=_clock.perf_ns() - started_ns,
            wait_ns=wait_ns,
            status=None if response is None else response.status_code,
            error_type=None if error is None else error_type(error),
        )
        _last.set((call, attempt))
        call.attempt(attempt)
