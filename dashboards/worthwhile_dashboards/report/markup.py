"""HTML elements from values: text is escaped unless it is an element already, so that no caller can forget it."""

from collections.abc import Iterable
from html import escape

_VOID = frozenset({"meta", "link", "br", "hr"})

Attribute = str | int | float | None


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, /, *children: Markup | str | None, **attributes: Attribute) -> Markup:
    """Element with its children; `class_` gives `class`, `aria_label` gives `aria-label`, `None` is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def join(children: Iterable[Markup | str | None]) -> Markup:
    """Children one after the other, texts escaped."""
    return Markup("".join(c if isinstance(c, Markup) else escape(c) for c in children if c is not None))
