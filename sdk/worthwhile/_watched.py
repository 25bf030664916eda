"""Callables that are no functions, watched: cached functions, partials and instances that can be called."""

from collections.abc import Callable
from copy import copy, deepcopy
from types import MethodType
from typing import TYPE_CHECKING, Any

import wrapt

Rewatch = Callable[[Callable[..., Any]], object]

if TYPE_CHECKING:

    class _Proxy:
        """What both versions of wrapt that we work with have, whose types differ."""

        __wrapped__: object

        def __init__(self, wrapped: object) -> None: ...

else:
    _Proxy = getattr(wrapt, "BaseObjectProxy", wrapt.ObjectProxy)  # since 2.0 the latter claims to be iterable


class Watched(_Proxy):
    """Stands for a callable in everything, but a call goes through `run`."""

    def __init__(self, target: Callable[..., Any], run: Callable[..., Any], rewatch: Rewatch) -> None:
        """Stand for `target`.

        Args:
            target: The host's callable.
            run: What runs it as a task.
            rewatch: Makes another of these for a copy of `target`.
        """
        super().__init__(target)
        self._self_run = run
        self._self_rewatch = rewatch

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the callable as a task."""
        return self._self_run(*args, **kwargs)

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """Become a method where the callable itself does, as a cached function does."""
        binds = instance is not None and hasattr(type(self.__wrapped__), "__get__")
        return MethodType(self, instance) if binds else self

    def __copy__(self) -> Any:
        """Watch a copy; what is its own copy stays so."""
        return self._self_of(copy(self.__wrapped__))

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """Watch a deep copy."""
        return self._self_of(deepcopy(self.__wrapped__, memo))

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle as the callable: by its name, under which this is found again, or by its parts."""
        return self.__wrapped__.__reduce_ex__(protocol)

    def _self_of(self, other: Any) -> Any:
        return self if other is self.__wrapped__ else self._self_rewatch(other)
