"""Text and numbers of the host's that are kept: no longer than need be, and such that they can be sent."""

from typing import Any, Final

MAX_TEXT: Final = 1024

_MAX_INT: Final = 1 << 63


def bounded(text: str, most: int = MAX_TEXT) -> str:
    """`text`, cut off with its length noted where it is too long; the same text always becomes the same.

    A lone surrogate, which no encoding for the wire can hold, becomes U+FFFD. What is bounded already stays as it is.
    """
    if len(text) > most:
        note = f"... ({len(text)} characters)"
        text = text[: most - len(note)] + note
    return text if text.isascii() else _mended(text)


def sendable(found: dict[str, Any]) -> dict[str, Any]:
    """`found`, its texts `bounded`, and without whole numbers that do not fit into 64 bits."""
    unfit = [name for name, value in found.items() if type(value) is int and not -_MAX_INT <= value < _MAX_INT]
    for name in unfit:
        del found[name]
    for name, value in found.items():
        kind = type(value)  # pyright: ignore[reportUnknownVariableType] - that of anything
        if kind is str:
            if len(value) > MAX_TEXT or not value.isascii():
                found[name] = bounded(value)
        elif kind is tuple:
            found[name] = tuple([bounded(each) if type(each) is str else each for each in value])
    return found


def _mended(text: str) -> str:
    try:
        str.encode(text)
    except UnicodeEncodeError:
        return str.encode(text, "utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
