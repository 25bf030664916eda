"""The text by which an answer is found again: the same for arguments that are equal, whoever computes it and when."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

_ATOMS: Final = (str, bytes, int, float, bool, type(None))

_MAX_DEPTH: Final = 50


class Unkeyable(Exception):  # noqa: N818 - an answer, not an error
    """Part of the arguments has no value that says all about it, as a client or an open file has none."""

    def __init__(self, kind: type) -> None:
        self.kind = kind
        super().__init__(kind.__qualname__)


def text_of(namespace: str, value: object) -> str:
    """Key of `value`: text as it is, everything else as a digest of what it holds.

    Args:
        namespace: What the answers of one function have before their keys.
        value: Text, numbers, `None`, and lists, tuples, sets and mappings of such.

    Raises:
        Unkeyable: `value` holds something else.
    """
    if type(value) is str:
        return f"{namespace}:{value}"
    digest = hashlib.sha256()
    _add(digest.update, value, 0)
    return f"{namespace}#{digest.hexdigest()}"


def _add(update: Any, value: object, depth: int) -> None:
    kind = type(value)
    if depth > _MAX_DEPTH:  # as deep as this, it goes in circles
        raise Unkeyable(kind)
    if kind in _ATOMS:
        # With its kind and its length, so that neither `1` and `"1"` nor `("a", "b")` and `("ab",)` are the same.
        text = value if kind is bytes else repr(value).encode("utf-8", "surrogatepass")
        update(b"%b %d:" % (kind.__name__.encode(), len(text)))  # type: ignore[arg-type]
        update(text)
    elif kind in (list, tuple):
        update(b"%b %d[" % (kind.__name__.encode(), len(value)))  # type: ignore[arg-type]
        for item in cast("Sequence[object]", value):
            _add(update, item, depth + 1)
    elif kind in (set, frozenset):
        _add(update, sorted(_digest(item, depth) for item in value), depth)  # type: ignore[attr-defined]
    elif issubclass(kind, Mapping):  # not isinstance, which would ask the host's object for its class
        items: Any = value
        pairs = sorted(((_digest(name, depth), item) for name, item in items.items()), key=lambda pair: pair[0])
        update(b"mapping %d{" % len(pairs))
        for name, item in pairs:
            update(name)
            _add(update, item, depth + 1)
    else:
        raise Unkeyable(kind)


def _digest(value: object, depth: int) -> bytes:
    digest = hashlib.sha256()
    _add(digest.update, value, depth + 1)
    return digest.digest()
