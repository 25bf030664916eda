"""Takes single values out of what goes to a provider and what comes back; nobody has validated either.

Two steps, far apart. While the host waits, a `Selection` and `fields` pick values by name and ask no questions. Where
the span is read, `number`, `text`, `texts` and `scalars` see whether they are what they ought to be.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from operator import itemgetter
from typing import Any, Final, TypeAlias, cast

from opentelemetry.util.types import AttributeValue

from worthwhile._call import Format
from worthwhile_schemas.attributes import Attribute

Attributes = dict[str, AttributeValue]

Kept: TypeAlias = tuple[tuple[str, Any], ...]
"""What is kept of a JSON object: pairs of the names of interest and what is kept of their values."""

_NOTHING: Final[Mapping[str, Any]] = {}
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_INNER: Final = ("type", "effort", "id", "format")
_MAX_REASONS: Final = 128


def fields(node: Any) -> Mapping[str, Any]:
    """The fields of a client's object or of decoded JSON, by name; none of anything else.

    Both shapes occur for the same thing: the clients' models, which differ between their versions and keep fields that
    they do not know apart, and the JSON of answers that the host decodes itself.
    """
    try:
        found: dict[str, Any] = node.__dict__
        unknown = node.__pydantic_extra__
    except AttributeError:
        return _other_fields(node)
    return {**unknown, **found} if unknown else found


def _other_fields(node: Any) -> Mapping[str, Any]:
    if isinstance(node, dict):
        return cast("dict[str, Any]", node)
    return getattr(node, "__dict__", _NOTHING)


def kept(value: Any) -> Any:
    """`value` if it is a scalar, the few inner fields of interest if it is an object, else None."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, str):  # an enumeration's member, for one
        return str.__str__(value)
    if isinstance(value, dict):
        inside = cast("dict[str, Any]", value)
        return tuple([(name, kept(inside[name])) for name in _INNER if name in inside])
    return None  # a list, or what a library puts where the host has said nothing


def reasons(choices: Any) -> Any:
    """The `finish_reason` of each choice: its own value for the only one, a tuple for several."""
    if type(choices) is not list:
        return None
    found = cast("list[Any]", choices)  # type: ignore[redundant-cast]  # only mypy knows it already
    if len(found) == 1:
        return fields(found[0]).get("finish_reason")
    return tuple([fields(choice).get("finish_reason") for choice in found[:_MAX_REASONS]])


def texts(found: Any) -> tuple[str, ...]:
    """The texts among what `reasons` found."""
    if type(found) is str:
        return (found,) if found else ()
    if type(found) is not tuple:
        return ()
    values: Any = found  # pyright: ignore[reportUnknownVariableType] - JSON
    return tuple(each for each in values if isinstance(each, str) and each)


def inner(found: Any, name: str) -> Any:
    """The value of `name` in what `kept` left of a JSON object; None where there is none."""
    if type(found) is not tuple:
        return None
    return next((value for key, value in cast("Kept", found) if key == name), None)


def number(value: Any) -> int | None:
    """`value` if it is a whole number."""
    return value if type(value) is int else None


def text_of(value: Any) -> str | None:
    """The text that `value` is, as that of an enumeration's member, if it is one."""
    return str.__str__(value) if isinstance(value, str) else None


def text(value: Any) -> str | None:
    """`value` if it is text."""
    return value if isinstance(value, str) else None


def scalars(found: Mapping[str, Any], table: Mapping[str, Attribute]) -> Attributes:
    """Attributes of what `ask` found under the names of `table`, where its values have the attribute's type."""
    attributes: Attributes = {}
    for name, attribute in table.items():
        value = found.get(name)
        if value is None:
            continue
        if attribute.type == "int" and type(value) is int:
            attributes[attribute] = value
        elif attribute.type == "double" and type(value) in (int, float):
            attributes[attribute] = float(value)
        elif attribute.type == "string" and isinstance(value, str):
            attributes[attribute] = str.__str__(value)
    return attributes


def outgoing(options: Any) -> dict[str, Any]:
    """The JSON that goes out."""
    body, extra = options.json_data, options.extra_json
    found = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    return {**found, **extra} if extra and isinstance(extra, dict) else found


def http_response(result: Any) -> Any:
    """The HTTP response that the host reads itself; `None` where the client has read it."""
    # `APIResponse` and openai's `LegacyAPIResponse` hold it; it is the result itself where the host asked for that.
    response = getattr(result, "http_response", None)
    return result if response is None and hasattr(result, "iter_bytes") else response


class Selection:
    """Which values are kept of the requests that have the same fields, and how they are taken out.

    Programs send few kinds of requests. To look at the names of each again would take longer than all else that is done
    with it, so it is done once for all those that have the same fields.

    Attributes:
        format: How calls with these requests are read.
        names: The fields that are kept.
        take: Their values, from the request. A scalar is taken as it is, for JSON is made of it and so it is nothing
            else; an object is not, for it may hold content.
    """

    __slots__ = ("_read", "format", "names", "take")

    def __init__(
        self, fields: tuple[Any, ...], scalars: Collection[str], objects: Collection[str], of_endpoint: Format
    ) -> None:
        """Of requests with `fields`, those that are among `scalars` or `objects`; `of_endpoint` reads them by name."""
        names = [name for name in fields if type(name) is str]
        plain = [name for name in names if name in scalars and name not in objects]
        nested = [name for name in names if name in objects]
        self.names = (*plain, *nested)
        self.take = _taker(plain, nested)
        self._read = of_endpoint.request
        self.format = replace(of_endpoint, request=self._request)

    def by_name(self, values: tuple[Any, ...]) -> dict[str, Any]:
        """What was kept of a request."""
        return dict(zip(self.names, values, strict=True))

    def _request(self, values: tuple[Any, ...]) -> Mapping[str, AttributeValue]:
        return self._read(self.by_name(values))


def _taker(plain: list[str], nested: list[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(plain) + len(nested) == 1:
        (only,) = (*plain, *nested)
        return (lambda body: (body[only],)) if plain else (lambda body: (kept(body[only]),))
    if not nested:
        return itemgetter(*plain) if plain else lambda body: ()
    return lambda body: (*[body[name] for name in plain], *[kept(body[name]) for name in nested])
