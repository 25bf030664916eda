"""Reads single values out of what goes to a provider and what comes back; nobody has validated either."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from opentelemetry.util.types import AttributeValue

from worthwhile_schemas.attributes import Attribute

Attributes = dict[str, AttributeValue]


def field(node: Any, name: str) -> Any:
    """The value of `name` in a client's object or in decoded JSON; None where there is none.

    Both shapes occur for the same thing: the clients' models, whose fields differ between their versions and which
    keep unknown fields as attributes, and the JSON of answers that the host decodes itself.
    """
    if isinstance(node, dict):
        return node.get(name)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - unvalidated
    return getattr(node, name, None)


def mapping(node: Any) -> dict[str, Any] | None:
    """`node` if it is a JSON object."""
    return cast("dict[str, Any]", node) if isinstance(node, dict) else None


def items(node: Any, name: str) -> Sequence[Any]:
    """The elements of the list `name`; none if it is not a list."""
    value = field(node, name)
    return value if isinstance(value, list) else ()  # pyright: ignore[reportUnknownVariableType] - unvalidated


def whole_number(node: Any, name: str) -> int | None:
    """The value of `name` if it is a whole number."""
    value = field(node, name)
    return value if type(value) is int else None


def text(node: Any, name: str) -> str | None:
    """The value of `name` if it is text."""
    value = field(node, name)
    return value if isinstance(value, str) else None


def scalars(body: Mapping[str, Any], table: Mapping[str, Attribute]) -> Attributes:
    """Attributes of the fields of `body` that `table` names, where their values have the attribute's type."""
    found: Attributes = {}
    for name, attribute in table.items():
        value = body.get(name)
        if value is None:
            continue
        if attribute.type == "int" and type(value) is int:
            found[attribute] = value
        elif attribute.type == "double" and type(value) in (int, float):
            found[attribute] = float(value)
        elif attribute.type == "string" and isinstance(value, str):
            found[attribute] = value
    return found
