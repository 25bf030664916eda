"""`ww.cached` and `ww.cache_hit`: answers that cost nothing, and what they would have cost.

A miss runs the host's function, and notes what its model calls cost. A hit is recorded as a call of its own, with the
model of the answer, no tokens, no cost, and what it saved: the cost of that miss.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ParamSpec, TypeVar, overload

from worthwhile import _clock
from worthwhile._cache_store import CacheEntry, CacheKind, CacheStore, MemoryCache
from worthwhile.usage import Usage

__all__ = ["CacheEntry", "CacheKind", "CacheStore", "MemoryCache", "cache_hit", "cached"]

P = ParamSpec("P")
R = TypeVar("R")


@overload
def cached(target: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def cached(
    *,
    key: str | Callable[[Mapping[str, Any]], object] | None = None,
    store: CacheStore | None = None,
    ttl_s: float | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def cached(
    target: Callable[..., Any] | None = None,
    /,
    *,
    key: str | Callable[[Mapping[str, Any]], object] | None = None,
    store: CacheStore | None = None,
    ttl_s: float | None = None,
) -> Any:
    """Answer again what a function was asked before, and record what that saved.

    Works bare (`@ww.cached`) and with arguments, on functions and coroutine functions. Each hit returns the very object
    that the first call returned. Exceptions are never kept. Generators and streams are not either, because what was
    read of one is gone: collect the answer within the function. A store that fails is as good as an empty one.

    Args:
        target: Bare, what is decorated.
        key: What answers are told apart by: the name of an argument, or a callable that takes the arguments by name.
            Text goes to the store as it is, after the function's name; everything else as a digest. By default all
            arguments, which then have to be text, numbers, `None`, or lists, sets and mappings of such: a call with
            any other argument is not cached.
        store: Where the answers are; by default in memory, the last 1,024 of this function.
        ttl_s: How long an answer holds, in seconds; `None` for as long as the store keeps it.
    """
    from worthwhile._cached import cache_of

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        return cache_of(function, key, store, ttl_s)

    return decorate if target is None else decorate(target)


def cache_hit(
    *,
    kind: CacheKind = "semantic",
    model: str,
    provider: str | None = None,
    operation: str = "chat",
    saved: Usage | Decimal | None = None,
) -> None:
    """Record that a cache of the host's own answered in place of a model.

    The call is recorded with no tokens and no cost. It belongs to the current task, as a model call would.

    Args:
        kind: `exact` if the same was asked before, `semantic` if something like it, `gateway` if a gateway says so.
        model: Model that would have been asked.
        provider: Who would have answered, such as `openai`; `None` if unknown.
        operation: Kind of call.
        saved: US dollars that the answer would have cost, or its tokens, to be priced at today's list price for `model`
            of `provider`; `None` if unknown.
    """
    from worthwhile._cache_rows import cost_of, record_hit

    if isinstance(saved, Usage):
        now_ns = _clock.time_ns()
        saved = None if provider is None else cost_of(saved, provider=provider, model=model, at_ns=now_ns)
    entry = CacheEntry(None, operation=operation, provider=provider, model=model, response_model=model, saved_usd=saved)
    record_hit(entry, kind)
