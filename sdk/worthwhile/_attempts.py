"""Sees each HTTP try that a model client makes for one call, its own silent retries included.

Patched: `send` of httpx's and httpx2's clients, the one method that every request of theirs passes. It makes no span;
it tells the call that is running in this context, if there is one, when a try went out and how it ended. Of a first
try that goes well, as nearly all do, nothing is kept.
"""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from worthwhile import _clock
from worthwhile._call import Attempt
from worthwhile._context import CALL_KEY, get_current
from worthwhile._errors import error_type
from worthwhile._guard import Guard

if TYPE_CHECKING:
    from worthwhile._invocation import Invocation
    from worthwhile.clients._base import Patch

_GUARD: Final = Guard("an HTTP try of a model call")

_MARK: Final = "x-stainless-retry-count"
"""Header of the requests that are tries of the call itself; a token that is fetched on the way has none."""


def patches(module: Any, installation: object) -> "list[Patch]":
    """What is wrapped in the loaded `httpx` or `httpx2` package; no call is current where nothing is installed."""
    from worthwhile.clients._base import Patch

    return [
        Patch(module.__name__, "Client.send", _make_send),
        Patch(module.__name__, "AsyncClient.send", _make_async_send),
    ]


# The one signature of `send` in every version of both libraries: what is seldom given stays out of the usual way.


def _make_send(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def send(self: Any, request: Any, *, stream: Any = False, **more: Any) -> Any:
        call: Any = get_current().get(CALL_KEY)
        if call is None:
            return original(self, request, stream=stream, **more)
        started_ns = _clock.perf_ns()
        try:
            if more:
                response = original(self, request, stream=stream, **more)
            else:
                response = original(self, request, stream=stream)
        except BaseException as error:
            _note(call, started_ns, request, None, error)
            raise
        try:
            if response.status_code >= 400 or call.attempts:
                _note(call, started_ns, request, response.status_code, None)
        except Exception as error:  # noqa: BLE001 - as `with _GUARD`, but free where nothing is raised
            _GUARD.caught(error)
        return response

    return send


def _make_async_send(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def send(self: Any, request: Any, *, stream: Any = False, **more: Any) -> Any:
        call: Any = get_current().get(CALL_KEY)
        if call is None:
            return await original(self, request, stream=stream, **more)
        started_ns = _clock.perf_ns()
        try:
            response = await original(self, request, stream=stream, **more)
        except BaseException as error:
            _note(call, started_ns, request, None, error)
            raise
        try:
            if response.status_code >= 400 or call.attempts:
                _note(call, started_ns, request, response.status_code, None)
        except Exception as error:  # noqa: BLE001 - as `with _GUARD`, but free where nothing is raised
            _GUARD.caught(error)
        return response

    return send


def _note(call: "Invocation", started_ns: int, request: Any, status: int | None, error: BaseException | None) -> None:
    ended_ns = _clock.perf_ns()
    with _GUARD:
        if _MARK not in request.headers:
            return
        before = call.attempts
        call.attempt(
            Attempt(
                number=len(before) + 1,
                started_ns=started_ns,
                duration_ns=ended_ns - started_ns,
                wait_ns=started_ns - before[-1].started_ns - before[-1].duration_ns if before else 0,
                status=status,
                error_type=None if error is None else error_type(error),
            )
        )
