"""OTLP's protobuf primitives, written by hand: field bytes from Python values, with the bytes that repeat kept.

Why not the protobuf library: it makes an object per attribute and then walks them all again (41 us for a span of 15
attributes), and loading it costs more than the rest of the SDK. What these functions write is what the stock encoder
writes; where that one gives up (a lone surrogate), the text is repaired instead.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from worthwhile import _guard

MAX_DEPTH: Final = 30
"""Deepest nesting of lists and mappings in one value: a receiver parses at most 100 levels of messages."""

SMALL: Final = tuple(
    [bytes((n,)) for n in range(0x80)] + [bytes((n & 0x7F | 0x80, n >> 7)) for n in range(0x80, 0x800)]
)
"""The small numbers as varints."""

SMALL_COUNT: Final = len(SMALL)
_MASK_64: Final = 0xFFFFFFFFFFFFFFFF
_INT_MIN: Final = -(1 << 63)
_INT_MAX: Final = (1 << 63) - 1
_MAX_TOLD: Final = 32
_MAX_READY: Final = 2048
_THREE_BYTES: Final = 1 << 21
"""The least number that takes four bytes; a number of tokens seldom does."""

_HEADED: Final = 126
_KEY_TAG: Final = b"\x0a"
_VALUE_TAG: Final = b"\x12"
_EMPTY_VALUE: Final = b""

double: Final = struct.Struct("<d").pack
fixed64: Final = struct.Struct("<Q").pack
fixed32: Final = struct.Struct("<I").pack

left_out: int = 0
"""Attributes and other parts that could not be written, in this process."""

_told: set[str] = set()


def varint(number: int) -> bytes:
    """`number`, from 0 to 2**64 - 1, as a varint."""
    if 0 <= number < SMALL_COUNT:
        return SMALL[number]
    rest = bytearray()
    while number > 0x7F:
        rest.append(number & 0x7F | 0x80)
        number >>= 7
    rest.append(number)
    return bytes(rest)


def int64(number: int) -> bytes:
    """A signed 64-bit `number` as a varint; a negative one takes ten bytes."""
    if not _INT_MIN <= number <= _INT_MAX:
        raise ValueError("a whole number does not fit into 64 bits")
    return varint(number & _MASK_64)


def delimited(tag: bytes, content: bytes) -> bytes:
    """A length-delimited field: `tag`, the length of `content`, `content`."""
    size = len(content)
    return tag + (SMALL[size] if size < SMALL_COUNT else varint(size)) + content


def utf8(text: str) -> bytes:
    """`text` in UTF-8; a lone surrogate, which UTF-8 cannot hold, becomes U+FFFD."""
    try:
        return str.encode(text)
    except UnicodeEncodeError:
        return str.encode(text, "utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def text_field(tag: bytes, text: str | None) -> bytes:
    """A string field; nothing for an empty text."""
    return delimited(tag, utf8(text)) if text else b""


def any_value(value: object, depth: int = 0) -> bytes:
    """Content of an `AnyValue` message.

    Raises:
        ValueError: `value`, or something in it, has no place in an `AnyValue`.
    """
    kind = type(value)
    if kind is str:
        return delimited(b"\x0a", utf8(cast("str", value)))
    if kind is bool:
        return b"\x10\x01" if value else b"\x10\x00"
    if kind is int:
        return b"\x18" + int64(cast("int", value))
    if kind is float:
        return b"\x21" + double(cast("float", value))
    return _EMPTY_VALUE if value is None else _any_subclass(value, depth)


def key_value(key: str, value: object, depth: int = 0) -> bytes:
    """Content of a `KeyValue` message.

    Raises:
        ValueError: As `any_value`, or `key` is no text.
    """
    if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance] - a foreign span may hold anything
        raise ValueError(f"an attribute's name is a `{type(key).__name__}`, not text")  # noqa: TRY004 - one kind
    return delimited(_KEY_TAG, utf8(key)) + delimited(_VALUE_TAG, any_value(value, depth))


def leave_out(what: str, error: Exception) -> None:
    """Count a part that cannot be written, and say why, once per reason."""
    global left_out  # noqa: PLW0603 - the count belongs to the process
    left_out += 1
    reason = str(error) if isinstance(error, ValueError) else type(error).__name__
    if reason not in _told and len(_told) < _MAX_TOLD:
        _told.add(reason)
        _guard.warn_once(f"left out {what}: {reason}; later ones like it are left out silently")


class CountFields(dict[int | None, bytes]):
    """The entries of one attribute of a span by its number, none for None; those of small numbers are kept."""

    __slots__ = ("_heads",)

    def __init__(self, name: str) -> None:
        super().__init__({None: b""})
        samples = [1 << 7 * size - 1 for size in range(1, 10)] + [-1]
        fields = [delimited(b"\x4a", key_value(name, sample)) for sample in samples]
        self._heads = (b"", *[field[:-size] for size, field in enumerate(fields, 1)])  # by the size of the number

    def __missing__(self, count: int) -> bytes:
        if 0 <= count < SMALL_COUNT:
            number = SMALL[count]
        elif SMALL_COUNT <= count < _THREE_BYTES:
            number = bytes((count & 0x7F | 0x80, count >> 7 & 0x7F | 0x80, count >> 14))
        else:
            number = int64(count)
        field = self._heads[len(number)] + number
        if 0 <= count < _MAX_READY:
            self[count] = field
        return field


def float_head(name: str) -> bytes:
    """What comes before a floating-point number in an attribute of a span."""
    return delimited(b"\x4a", key_value(name, 0.5))[:-8]


def entry_text_head(name: str, size: int) -> bytes:
    """What comes before a text of `size` bytes in an attribute of a span."""
    whole = delimited(b"\x4a", key_value(name, "x" * size))
    return whole[: len(whole) - size]


class AttributeEncoder:
    """Writes attributes as entries of one repeated `KeyValue` field.

    What repeats from span to span is kept ready: the entry of a short text, or of a tuple of them, and the beginning
    of the entry of a number. The memory is bounded; a name whose values never repeat stops being remembered. Any
    thread may use it.
    """

    __slots__ = ("_float_starts", "_int_starts", "_keys", "_ready", "_room", "_tag")

    _MAX_KEYS: Final = 1024
    _MAX_READY: Final = 8192
    _MAX_READY_PER_KEY: Final = 64
    _MAX_TEXT: Final = 64
    _MAX_TUPLE: Final = 4

    def __init__(self, tag: bytes) -> None:
        """Encoder for the field with `tag`: its number and wire type."""
        self._tag = tag
        self._keys: dict[str, bytes] = {}
        self._ready: dict[str, dict[object, bytes]] = {}
        self._int_starts: dict[str, tuple[bytes, ...]] = {}
        self._float_starts: dict[str, bytes] = {}
        self._room = self._MAX_READY

    def append(self, out: list[bytes], attributes: Mapping[str, Any]) -> None:
        """Append the entries of `attributes` to `out`; one that cannot be written is left out, counted and told."""
        size = len(out)
        try:
            self._append(out, attributes)
        except Exception:  # noqa: BLE001 - a foreign value may raise anything; now one by one
            del out[size:]
            out += [self.entry(key, value) for key, value in attributes.items()]

    def entry(self, key: str, value: object) -> bytes:
        """The entry of one attribute; nothing, counted and told, where it cannot be written."""
        out: list[bytes] = []
        try:
            self._append(out, {key: value})
        except Exception as error:  # noqa: BLE001 - a foreign value may raise anything; its neighbours must not be lost
            leave_out(f"the attribute `{key}`" if type(key) is str else "an attribute", error)
            return b""
        return out[0]

    def _append(self, out: list[bytes], attributes: Mapping[str, Any]) -> None:
        ready, int_starts, float_starts = self._ready, self._int_starts, self._float_starts
        put = out.append
        for key, value in attributes.items():
            kind = type(value)  # pyright: ignore[reportUnknownVariableType] - that of anything
            if kind is str:
                known = ready.get(key)
                entry = known.get(value) if known is not None else None
                put(entry if entry is not None else self._text(key, value))
            elif kind is int:
                whole: int = value
                number = SMALL[whole] if 0 <= whole < 0x800 else int64(whole)
                starts = int_starts.get(key)
                put(starts[len(number)] + number if starts is not None else self._int(key, value))
            elif kind is float:
                put((float_starts.get(key) or self._float(key)) + double(value))
            else:
                put(self._tuple(key, value) if kind is tuple else delimited(self._tag, key_value(key, value)))

    def _text(self, key: str, value: str) -> bytes:
        text = utf8(value)
        size = len(text)
        start = self._keys.get(key) or self._key(key)
        head = _TEXT_HEADS[size] if size < _HEADED else _text_head(size)
        entry = delimited(self._tag, start + head + text)
        if size <= self._MAX_TEXT:
            self._remember(key, value, entry)
        return entry

    def _tuple(self, key: str, value: tuple[object, ...]) -> bytes:
        if len(value) > self._MAX_TUPLE:
            return delimited(self._tag, key_value(key, value))
        for each in value:
            if type(each) is not str:  # 1, 1.0 and True are one to a dictionary
                return delimited(self._tag, key_value(key, value))
        known = self._ready.get(key)
        entry = known.get(value) if known is not None else None
        if entry is None:
            entry = delimited(self._tag, key_value(key, value))
            if sum(map(len, cast("tuple[str, ...]", value))) <= self._MAX_TEXT:
                self._remember(key, value, entry)
        return entry

    def _remember(self, key: str, value: object, entry: bytes) -> None:
        known = self._ready.get(key)
        if known is None and len(self._ready) < self._MAX_KEYS:
            known = self._ready[key] = {}
        if known is not None and len(known) < self._MAX_READY_PER_KEY and self._room > 0:
            known[value] = entry
            self._room -= 1

    def _key(self, key: str) -> bytes:
        """What comes before an entry's value: the name, and the tag of the value."""
        start = key_value(key, None)[:-1]
        if len(self._keys) < self._MAX_KEYS:
            self._keys[key] = start
        return start

    def _int(self, key: str, value: int) -> bytes:
        if len(self._int_starts) < self._MAX_KEYS:  # what comes before a whole number, by the size of its varint
            samples = [key_value(key, 1 << 7 * size - 1) for size in range(1, 10)] + [key_value(key, -1)]
            starts = [delimited(self._tag, sample)[:-size] for size, sample in enumerate(samples, 1)]
            self._int_starts[key] = (b"", *starts)
        return delimited(self._tag, key_value(key, value))

    def _float(self, key: str) -> bytes:
        """What comes before a floating-point number in an entry."""
        start = delimited(self._tag, key_value(key, 0.5))[:-8]
        if len(self._float_starts) < self._MAX_KEYS:
            self._float_starts[key] = start
        return start


def _any_subclass(value: object, depth: int) -> bytes:
    if isinstance(value, str):
        return delimited(b"\x0a", utf8(value))
    if isinstance(value, int):
        return b"\x18" + int64(int.__index__(value))
    if isinstance(value, float):
        return b"\x21" + double(value)
    if isinstance(value, bytes):
        return delimited(b"\x3a", value)
    if depth >= MAX_DEPTH:
        raise ValueError(f"a value is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Sequence):
        elements = cast("Sequence[object]", value)
        return delimited(b"\x2a", b"".join([delimited(b"\x0a", any_value(each, depth + 1)) for each in elements]))
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return delimited(
            b"\x32", b"".join([delimited(b"\x0a", key_value(str(key), each, depth + 1)) for key, each in items])
        )
    raise ValueError(f"a `{type(value).__name__}` is no attribute value")


def _text_head(size: int) -> bytes:
    """What comes before a text in an `AnyValue` field: the length of the value, the text's tag, its length."""
    length = varint(size)
    return varint(size + 1 + len(length)) + b"\x0a" + length


_TEXT_HEADS: Final = tuple([_text_head(size) for size in range(_HEADED)])

SPAN_ATTRIBUTES: Final = AttributeEncoder(b"\x4a")
"""`Span.attributes`."""

EVENT_ATTRIBUTES: Final = AttributeEncoder(b"\x1a")
"""`Span.Event.attributes`, and `InstrumentationScope.attributes`, which have the same number."""

LINK_ATTRIBUTES: Final = AttributeEncoder(b"\x22")
"""`Span.Link.attributes`."""

LOG_ATTRIBUTES: Final = AttributeEncoder(b"\x32")
"""`LogRecord.attributes`."""

RESOURCE_ATTRIBUTES: Final = AttributeEncoder(b"\x0a")
"""`Resource.attributes`."""
