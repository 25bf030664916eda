"""`ww.fallback`: one step that several models may do; who did it in the end, and why not those before."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, ParamSpec, TypeAlias, TypeGuard, TypeVar, overload

from worthwhile import _guard, _setup
from worthwhile._errors import error_type
from worthwhile._legs import Chain, Entered
from worthwhile.routing import known_tier

if TYPE_CHECKING:
    from worthwhile._endpoints import Tier

__all__ = ["FallbackBlock", "FallbackLeg", "Leg", "fallback"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

Errors: TypeAlias = type[Exception] | tuple[type[Exception], ...]
Verdict: TypeAlias = bool | str | None

_CHAIN: Final = _guard.Guard("the legs of a fallback")


class Leg(NamedTuple, Generic[T]):
    """One leg of a `ww.fallback` that needs more saying than its target.

    Attributes:
        target: A callable, or a client.
        model: Takes the place of the argument `model` in calls of this leg; `None` leaves the caller's.
        tier: Where the leg's models run; `None` leaves it to what is known about their servers.
        name: What to call the leg where no model call is seen in it; by default the target's name.
    """

    target: T
    model: str | None = None
    tier: "Tier | None" = None
    name: str | None = None


@overload
def fallback() -> "FallbackBlock": ...


@overload
def fallback(
    legs: Sequence[Callable[P, Coroutine[Any, Any, R]]],
    /,
    *,
    on: Errors = Exception,
    when: Callable[[R], Verdict | Awaitable[Verdict]] | None = None,
) -> Callable[P, Coroutine[Any, Any, R]]: ...


@overload
def fallback(
    legs: Sequence[Callable[P, R]], /, *, on: Errors = Exception, when: Callable[[R], Verdict] | None = None
) -> Callable[P, R]: ...


@overload
def fallback(legs: Sequence[Leg[T]], /, *, on: Errors = Exception, when: Callable[[Any], Any] | None = None) -> T: ...


@overload
def fallback(legs: Sequence[T], /, *, on: Errors = Exception, when: Callable[[Any], Any] | None = None) -> T: ...


def fallback(
    legs: Sequence[Any] | None = None, /, *, on: Errors = Exception, when: Callable[[Any], Any] | None = None
) -> Any:
    """Try one leg after the other until one gives a good answer.

    Around callables, `answer = ww.fallback([small, large])` is called as they are: plain functions, coroutine
    functions, and generator functions of either kind, where a leg may be left only before its first item. Around
    clients, `client = ww.fallback([local, ww.Leg(hosted, model="gpt-5")])` is used as they are, for methods that make
    one call, such as `client.chat.completions.create(...)`. All legs are of one kind. Without legs, the host tries them
    itself, each in a `with chain.leg():` within `with ww.fallback() as chain:`.

    Each model call under a leg after the first says what it stands in for, why, and its place in the order. The first
    good answer is returned as it is. The last leg's exception is raised as it is, with those before it as its
    `__context__`; where the last answer is not good enough either, it is returned all the same.

    Args:
        legs: Callables, or clients, in the order in which to try them; each may be wrapped in a `ww.Leg`. For type
            checkers, either all or none of them are.
        on: Exceptions that lead on to the next leg. All others are raised at once.
        when: Given an answer, whether it is not good enough, so that the next leg is tried: `True`, or why in a word or
            two that end up in `worthwhile.fallback.reason`. Not asked about streams. It may be a coroutine function
            where the legs are. What it raises is raised.

    Raises:
        TypeError: `on` is not made of exceptions derived from `Exception`.
        ValueError: There is no leg.
    """
    if legs is None:
        return FallbackBlock()
    from worthwhile._fallbacks import Fallback

    errors = on if isinstance(on, tuple) else (on,)
    given: tuple[Any, ...] = errors
    if not all(isinstance(each, type) and issubclass(each, Exception) for each in given):
        raise TypeError(f"on= of a fallback is `{on!r}`; expected exceptions derived from Exception")
    own = tuple(each if _is_leg(each) else Leg[Any](each) for each in legs)
    if not own:
        raise ValueError("a fallback without legs; expected at least one callable or client")
    _setup.install_adaptors()
    return Fallback(own, errors, when)


def _is_leg(target: object) -> TypeGuard[Leg[Any]]:
    return isinstance(target, Leg)


class FallbackBlock:
    """What `ww.fallback()` returns: within its `with` block, the legs that the host tries itself are one step."""

    __slots__ = ("_chain",)

    def __init__(self) -> None:
        self._chain: Chain | None = None

    def leg(self, name: str | None = None, *, tier: "Tier | None" = None) -> "FallbackLeg":
        """The next leg, for a `with` block around its calls; what that raises goes on its way.

        Args:
            name: What to call the leg where no model call is seen in it.
            tier: Where its models run; `None` leaves it to what is known about their servers.
        """
        if self._chain is None:
            _guard.misuse(
                "a leg outside of its fallback is not recorded", hint="begin with `with ww.fallback() as ...`"
            )
        return FallbackLeg(self._chain, name, None if tier is None else known_tier(tier))

    def __enter__(self) -> "FallbackBlock":
        """Begin the step."""
        with _CHAIN:
            self._chain = Chain()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the step; an exception of the block goes on its way."""
        chain, self._chain = self._chain, None
        with _CHAIN:
            if chain is not None:
                chain.close(error)

    async def __aenter__(self) -> "FallbackBlock":
        """Begin the step."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the step; an exception of the block goes on its way."""
        self.__exit__(kind, error, trace)


class FallbackLeg:
    """One leg of a `with ww.fallback()` block, for one use."""

    __slots__ = ("_chain", "_entered", "_name", "_tier")

    def __init__(self, chain: Chain | None, name: str | None, tier: str | None) -> None:
        self._chain = chain
        self._name = name
        self._tier = tier
        self._entered: Entered | None = None

    def reject(self, reason: str = "rejected") -> None:
        """Say why its answer is not good enough; unsaid, the next leg's reason is `rejected`."""
        with _CHAIN:
            if self._chain is not None:
                self._chain.left(reason, is_rejection=True)

    def __enter__(self) -> "FallbackLeg":
        """Begin the leg."""
        with _CHAIN:
            if self._chain is not None:
                self._entered = self._chain.leg(self._name, self._tier)
                self._entered.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the leg; an exception of the block goes on its way."""
        with _CHAIN:
            if self._entered is not None:
                self._entered.__exit__(None, None, None)
            if self._chain is not None and isinstance(error, Exception):
                self._chain.left(error_type(error), is_rejection=False)

    async def __aenter__(self) -> "FallbackLeg":
        """Begin the leg."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the leg; an exception of the block goes on its way."""
        self.__exit__(kind, error, trace)
