"""Encoded export requests as values: how many items one holds, and the two halves of one that is too large.

A request is resources, each with scopes, each with items. Spans and log records have the same field numbers, so that
nothing here depends on which it is.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from worthwhile._otlp import delimited

_RESOURCES: Final = 1
_SCOPES: Final = 2
_ITEMS: Final = 2
_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5
_MAX_SHIFT: Final = 63


class Field(NamedTuple):
    """One field of a message.

    Attributes:
        number: Its number.
        whole: Its bytes, tag included.
        content: Its value where it is length-delimited, else empty.
        value: Its value where it is a varint, else 0.
    """

    number: int
    whole: bytes
    content: bytes
    value: int


def fields(message: bytes) -> Iterator[Field]:
    """The fields of an encoded message.

    Raises:
        ValueError: `message` is none.
    """
    position = 0
    while position < len(message):
        start = position
        tag, position = _varint(message, position)
        wire_type, content_start, value = tag & 7, position, 0
        if wire_type == _VARINT:
            value, position = _varint(message, position)
            content_start = position
        elif wire_type == _DELIMITED:
            size, content_start = _varint(message, position)
            position = content_start + size
        elif wire_type in (_FIXED64, _FIXED32):
            position = content_start = position + (8 if wire_type == _FIXED64 else 4)
        else:
            raise ValueError(f"wire type {wire_type} in a protobuf message")
        if position > len(message):
            raise ValueError("a protobuf message ends within a field")
        yield Field(tag >> 3, message[start:position], message[content_start:position], value)


def items(request: bytes) -> int:
    """How many spans or log records there are in an encoded request.

    Raises:
        ValueError: `request` is none.
    """
    return sum(
        each.number == _ITEMS
        for resource in fields(request)
        for scope in fields(resource.content)
        if resource.number == _RESOURCES and scope.number == _SCOPES
        for each in fields(scope.content)
    )


def halves(request: bytes) -> tuple[bytes, bytes] | None:
    """Two requests that together hold the items of `request`, in order; None if there are fewer than two items.

    Raises:
        ValueError: `request` is none.
    """
    count = items(request)
    return (_part(request, 0, count // 2), _part(request, count // 2, count)) if count > 1 else None


def _part(request: bytes, first: int, end: int) -> bytes:
    """The request with the items from `first` to before `end`."""
    resources: list[bytes] = []
    index = 0
    for resource in fields(request):
        head: list[bytes] = []
        scopes: list[bytes] = []
        for scope in fields(resource.content):
            if scope.number != _SCOPES:
                head.append(scope.whole)
                continue
            kept: list[bytes] = []
            has_items = False
            for each in fields(scope.content):
                if each.number != _ITEMS:
                    kept.append(each.whole)
                    continue
                if first <= index < end:
                    kept.append(each.whole)
                    has_items = True
                index += 1
            if has_items:
                scopes.append(delimited(b"\x12", b"".join(kept)))
        if scopes:
            resources.append(delimited(b"\x0a", b"".join(head + scopes)))
    return b"".join(resources)


def _varint(message: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while shift <= _MAX_SHIFT:
        if position >= len(message):
            raise ValueError("a protobuf message ends within a number")
        byte = message[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7
    raise ValueError("a number in a protobuf message is too long")
