"""How `ww.cached` wraps a function: find the answer, or call the function and keep what it answers."""

import functools
import inspect
from collections.abc import Callable, Mapping
from types import CoroutineType
from typing import Any, Final

from worthwhile import _guard, _setup
from worthwhile._cache_keys import Unkeyable, text_of
from worthwhile._cache_rows import Misses, record_hit
from worthwhile._cache_store import CacheEntry, CacheKind, CacheStore, MemoryCache
from worthwhile._legs import Entered, current_scope, within
from worthwhile._wrappers import KeyFinder, find_key, is_coroutine_function

_KEEPING: Final = _guard.Guard("what an answer that is cached has cost")


def cache_of(
    function: Callable[..., Any],
    key: str | Callable[[Mapping[str, Any]], object] | None,
    store: CacheStore | None,
    ttl_s: float | None,
) -> Callable[..., Any]:
    """`function` with its answers cached; `function` itself where they cannot be."""
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        _guard.misuse(
            f"@ww.cached on the generator function `{_name_of(function)}` caches nothing",
            hint="collect the items in a plain function and decorate that",
        )
        return function
    _setup.install_adaptors()
    cache = _Cache(function, key, MemoryCache() if store is None else store, ttl_s)
    return _wrap_coroutine(function, cache) if is_coroutine_function(function) else _wrap_function(function, cache)


class _Cache:
    """The cache of one function: keys of its calls, and a store that may fail."""

    __slots__ = ("_find_key", "_name", "_store", "_ttl_s", "kind")

    def __init__(
        self,
        function: Callable[..., Any],
        key: str | Callable[[Mapping[str, Any]], object] | None,
        store: CacheStore,
        ttl_s: float | None,
    ) -> None:
        self._name = _name_of(function)
        self._find_key: KeyFinder | None = find_key(function, _all if key is None else key)
        self._store = store
        self._ttl_s = ttl_s
        self.kind: CacheKind = getattr(store, "kind", "exact")  # of older stores that do not say
        if self._find_key is None:
            _guard.misuse(
                f"key= of the cache of `{self._name}` is `{key}`, which is not one of its arguments; nothing is cached",
                hint="give the name of an argument, or a callable that takes the arguments by name",
            )

    def key_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
        """The key of a call; `None` if it has none."""
        if self._find_key is None:
            return None
        try:
            return text_of(self._name, self._find_key(args, kwargs))
        except Unkeyable as unkeyable:
            _guard.misuse(
                f"a call of `{self._name}` is not cached: its arguments hold a `{unkeyable}`",
                hint="name what tells its answers apart with key=",
            )
        except Exception as error:  # noqa: BLE001 - of the host's key= or of its arguments
            self._warn("key=", error)
        return None

    def get(self, key: str) -> Any:
        """What the store has under `key`, or something to await for it."""
        try:
            return self._store.get(key)
        except Exception as error:  # noqa: BLE001 - of the host's store
            return self._warn("get", error)

    async def get_async(self, key: str) -> Any:
        """What the store has under `key`."""
        found = self.get(key)
        try:
            return await found if inspect.isawaitable(found) else found
        except Exception as error:  # noqa: BLE001 - of the host's store
            return self._warn("get", error)

    def keep(self, key: str, value: object, misses: Misses) -> Any:
        """Put an answer into the store; returns something to await where the store wants that."""
        kind = type(value)
        if kind is CoroutineType or any(hasattr(kind, name) for name in ("__next__", "__anext__")):
            _guard.misuse(
                f"an answer of `{self._name}` is not cached: it is a `{kind.__qualname__}`, read only once",
                hint="collect it within the function",
            )
            return None
        entry = CacheEntry(value)
        with _KEEPING:
            entry = misses.entry(value)
        try:
            return self._store.set(key, entry, self._ttl_s)
        except Exception as error:  # noqa: BLE001 - of the host's store
            return self._warn("set", error)

    async def keep_async(self, key: str, value: Any, misses: Misses) -> None:
        """Put an answer into the store."""
        kept = self.keep(key, value, misses)
        try:
            if inspect.isawaitable(kept):
                await kept
        except Exception as error:  # noqa: BLE001 - of the host's store
            self._warn("set", error)

    def _warn(self, what: str, error: Exception) -> None:
        _guard.warn_once(
            f"{what} of the cache of `{self._name}` raised `{type(error).__qualname__}`; its calls go on without it"
        )


def _wrap_function(function: Callable[..., Any], cache: _Cache) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        key = cache.key_of(args, kwargs)
        if key is None:
            return function(*args, **kwargs)
        found = cache.get(key)
        if isinstance(found, CacheEntry):
            record_hit(found, cache.kind)
            return found.value
        misses = Misses()
        with Entered(within(current_scope(), ledger=misses)):
            value = function(*args, **kwargs)
        cache.keep(key, value, misses)
        return value

    return run


def _wrap_coroutine(function: Callable[..., Any], cache: _Cache) -> Callable[..., Any]:
    @functools.wraps(function)
    async def run(*args: Any, **kwargs: Any) -> Any:
        key = cache.key_of(args, kwargs)
        if key is None:
            return await function(*args, **kwargs)
        found = await cache.get_async(key)
        if isinstance(found, CacheEntry):
            record_hit(found, cache.kind)
            return found.value
        misses = Misses()
        with Entered(within(current_scope(), ledger=misses)):
            value = await function(*args, **kwargs)
        await cache.keep_async(key, value, misses)
        return value

    return run


def _all(arguments: Mapping[str, Any]) -> object:
    return dict(arguments)


def _name_of(function: Callable[..., Any]) -> str:
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return f"{module}.{name}"
