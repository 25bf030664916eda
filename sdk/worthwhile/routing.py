"""`ww.route`: where the models of some calls run, where their servers' addresses do not tell."""

from types import TracebackType
from typing import TYPE_CHECKING

from worthwhile import _guard
from worthwhile._legs import Entered, current_scope, within

if TYPE_CHECKING:
    from worthwhile._endpoints import Tier

__all__ = ["Route", "route"]


def route(tier: "Tier") -> "Route":
    """Say where the models of the calls in a `with` block run, where their servers' addresses do not tell.

    Args:
        tier: `edge`, `local`, `gateway`, `cloud` or `frontier`. It takes the place of what is known about the server.
    """
    return Route(tier)


class Route:
    """What `ww.route(...)` returns: a context manager, to be used any number of times, also with `async with`."""

    __slots__ = ("_open", "_tier")

    def __init__(self, tier: "Tier") -> None:
        self._tier = known_tier(tier)
        self._open: list[Entered] = []

    def __enter__(self) -> None:
        """Begin the block."""
        entered = Entered(within(current_scope(), tier=self._tier))
        entered.__enter__()
        self._open.append(entered)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the block; an exception of the block goes on its way."""
        entered = next((each for each in reversed(self._open) if each.is_current), None)
        if entered is not None:
            self._open.remove(entered)
            entered.__exit__(kind, error, trace)

    async def __aenter__(self) -> None:
        """Begin the block."""
        self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the block; an exception of the block goes on its way."""
        self.__exit__(kind, error, trace)


def known_tier(tier: str) -> str | None:
    """`tier`, or `None` and a warning if there is no such tier."""
    from worthwhile._endpoints import TIERS

    if tier in TIERS:
        return tier
    _guard.misuse(f"unknown tier `{tier}`; the calls keep their servers' tier", hint=f"one of {', '.join(TIERS)}")
    return None
