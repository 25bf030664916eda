"""Objects that raise when anyone but their owner touches them, as objects of real hosts sometimes do."""

from collections.abc import Callable, Iterator
from typing import Any


class TouchedError(Exception):
    """Someone has called what nobody was to call."""


def _bite(*args: Any, **kwargs: Any) -> Any:
    raise TouchedError


class Evil:
    """Raises on its text, its truth, its length, its hash, its comparison and every attribute that it does not have."""

    __repr__ = __str__ = __format__ = __bool__ = __len__ = __hash__ = __eq__ = __ne__ = _bite
    __iter__ = __contains__ = __getitem__ = __index__ = __int__ = __float__ = __call__ = __await__ = _bite
    __enter__ = __exit__ = __copy__ = __deepcopy__ = __reduce_ex__ = __dir__ = __sizeof__ = _bite

    def __getattr__(self, name: str) -> Any:
        raise TouchedError(name)


class EvilClass:
    """Lies about its class, as proxies and mocks do."""

    @property
    def __class__(self) -> Any:  # type: ignore[override]
        raise TouchedError


class EvilDescriptor:
    """Raises on every attribute at all."""

    def __getattribute__(self, name: str) -> Any:
        raise TouchedError(name)


class EvilText(str):
    """A string that raises when it is used as one."""

    __slots__ = ()
    __str__ = __repr__ = __format__ = __hash__ = __eq__ = __len__ = encode = _bite  # type: ignore[assignment]


class EvilNumber(int):
    """A number that raises when it is used as one."""

    __str__ = __repr__ = __int__ = __index__ = __add__ = __eq__ = __hash__ = __bool__ = __lt__ = _bite  # type: ignore[assignment]


class EvilMapping(dict[str, Any]):
    """A dictionary that raises when it is read."""

    __getitem__ = __iter__ = __len__ = __contains__ = get = keys = items = values = __bool__ = _bite  # type: ignore[assignment]


class EvilIterable:
    """An iterable that raises in its first step."""

    def __iter__(self) -> Iterator[Any]:
        raise TouchedError


def _made(kind: type[Any], touch: Callable[[Any], Any]) -> Callable[[], Any]:
    def make() -> Any:
        return kind()

    make.__name__ = kind.__name__
    make.touch = touch  # type: ignore[attr-defined]
    return make


EVIL = [
    _made(Evil, bool),
    _made(EvilClass, lambda evil: isinstance(evil, int)),
    _made(EvilDescriptor, lambda evil: evil.name),
    _made(EvilText, hash),
    _made(EvilNumber, bool),
    _made(EvilMapping, len),
    _made(EvilIterable, list),
]


class EvilError(Exception):
    """An exception that raises when its text or its arguments are read."""

    __str__ = __repr__ = __hash__ = __eq__ = _bite  # type: ignore[assignment]

    @property
    def args(self) -> Any:  # type: ignore[override]
        raise TouchedError


class EvilErrorType(type):
    """A class of exceptions that raises when its own name is read."""

    def __getattribute__(cls, name: str) -> Any:
        if name in ("__name__", "__qualname__", "__module__"):
            raise TouchedError(name)
        return super().__getattribute__(name)


class NamelessError(Exception, metaclass=EvilErrorType):
    """Its class does not tell its name."""
