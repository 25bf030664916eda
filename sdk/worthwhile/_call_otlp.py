# ruff: noqa: SLF001 - a record's ids and times have the names that the SDK reads
# pyright: reportPrivateUsage=false
"""The bytes of a model call's span, made straight from its scalars.

What says the same for many calls, the request, the server and most of the answer, is one fragment, kept ready; ids,
counts and cost are put beside it. A span that is not of the usual kind goes the general way, which says the same: one
on which somebody has written, one that stands in for another, one whose HTTP tries are told.
"""

import struct
from collections.abc import Mapping
from marshal import dumps
from operator import getitem
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from worthwhile import pricing
from worthwhile._call import COUNTS, normal_tier
from worthwhile._otlp import SPAN_ATTRIBUTES, CountFields, entry_text_head, float_head, text_field, utf8
from worthwhile._text import bounded, sendable
from worthwhile_schemas import attributes as names
from worthwhile_schemas.units import NANOSECONDS_PER_SECOND, PICODOLLARS_PER_USD

if TYPE_CHECKING:
    from worthwhile._call import CallResponse, Format
    from worthwhile._call_span import CallSpan
    from worthwhile.pricing import Cost
    from worthwhile.usage import Usage

_COSTS: Final = (
    names.COST_AMOUNT,
    names.COST_INPUT,
    names.COST_CACHE_READ,
    names.COST_CACHE_WRITE,
    names.COST_OUTPUT,
    names.COST_SERVER_TOOLS,
    names.COST_CACHE_SAVING,
)

_BESIDE: Final = frozenset((
    *COUNTS,
    *_COSTS,
    names.COST_BASIS,
    names.ERROR_TYPE,
    names.PRICE_VERSION,
    names.RESPONSE_ID,
    names.TASK_ANCESTORS,
    names.TASK_ID,
    names.TASK_KEY,
    names.TIME_TO_FIRST_CHUNK,
    names.USAGE_BASIS,
    names.WORKLOAD,
))  # fmt: skip
"""What is written beside a shape, and so must not be in it as well."""

_MAX_SHAPES: Final = 512
_MAX_SHAPE_KEY: Final = 2048
_MAX_SHAPE_ATTRIBUTES: Final = 64
_LEAST_LIMIT: Final = _MAX_SHAPE_ATTRIBUTES + len(_BESIDE)
_MAX_ID: Final = 80
_MAX_LABELS: Final = 64
_MAX_BASES: Final = 64

_STATUS: Final = b"\x7a\x00\x85\x01\x00\x01\x00\x00"
_FAILED: Final = b"\x7a\x02\x18\x02"
_PARENT_IS_REMOTE: Final = b"\x85\x01\x00\x03\x00\x00"
"""These stand after others of their kind: where a field is there twice, the last one counts."""


class _Shape:
    """What many calls have in common.

    Attributes:
        fields: Name, kind and attributes, as bytes.
        response: The answer, without its id and what it counted.
        held: What must live as long as the shape, which is found by its identity.
        provider: Whose prices apply; `None` where that takes a closer look.
        model: The model that they are for.
        tier: Its service tier, in our words.
        prices: What was known about the prices when a call was last written, as `pricing.entry_at` has it.
        generation: The price list that it is of.
        priced_fields: `fields`, with what says the same for every call that has these prices.
    """

    __slots__ = ("fields", "generation", "held", "model", "priced_fields", "prices", "provider", "response", "tier")

    def __init__(
        self,
        fields: bytes,
        response: "CallResponse | None",
        held: tuple[object, ...],
        provider: str | None = None,
        model: str = "",
        tier: str | None = None,
    ) -> None:
        self.fields = fields
        self.response = response
        self.held = held
        self.provider = provider
        self.model = model
        self.tier = tier
        self.prices: pricing.Entry | None = None
        self.generation = 0
        self.priced_fields = b""


_GENERAL: Final = _Shape(b"", None, ())
"""Stands for calls that go the general way."""


def encoded(span: "CallSpan") -> bytes | None:
    """Content of the OTLP message of a span that has ended; `None` where it has to go the general way."""
    if span._written is not None or span._sampled is not None or span.leg is not None or span.attempts or span._state:
        return None
    limits = span._origin.limits
    if limits is not _roomy and not _has_room(limits):
        return None
    answer = span.answer
    try:  # nearly always: an answer as an adaptor took it, of a kind that was seen before
        shape = _shapes[
            span.format, id(span.known), span.model, span.is_stream, dumps(span.asked, 2), answer[2:]  # type: ignore[index]
        ]
    except (KeyError, TypeError, ValueError):
        shape = _shape_of(span)
    if shape is _GENERAL:
        return None
    if shape.provider is not None and span._priced is None and type(answer) is tuple:
        found = _counted(span, shape, answer)
        if found is not None:
            return found
    return _any(span, shape)


def _counted(span: "CallSpan", shape: _Shape, answer: tuple[Any, ...]) -> bytes | None:
    """The span of a call whose tokens have a price and are as they should be; `None` for another one."""
    id_, counts, count = answer[0], answer[1], span.format.counted
    if type(id_) is not str or len(id_) >= _MAX_ID or counts is None or count is None:
        return None
    usage, reported = count(counts)
    if reported is not None:
        return None
    start_ns, prices = span._start_time, shape.prices
    if prices is None or shape.generation != pricing.generation or not prices[0] <= start_ns < prices[1]:
        prices = _find_prices(shape, start_ns)
    amounts = pricing.short_cost(prices[3], usage)
    if amounts is None:
        return None
    total, answered, read, write, hour, reasoning, heard, spoken, searches = usage
    if reasoning is not None and reasoning > answered:  # type: ignore[operator]  # pyright: ignore[reportOptionalOperand]
        return None
    id_bytes = id_.encode()
    whole, input_, of_read, of_write, output, tools, saving, _, _ = amounts
    return b"".join([
        b"\x0a\x10",
        span._trace_id.to_bytes(16, "big"),
        b"\x12\x08",
        span._span_id.to_bytes(8, "big"),
        shape.priced_fields,
        _times_and_doubles(
            0x39, start_ns, 0x41, span._end_time,
            _AMOUNT, whole / PICODOLLARS_PER_USD,
            _OF_INPUT, input_ / PICODOLLARS_PER_USD,
            _OF_READ, of_read / PICODOLLARS_PER_USD,
            _OF_WRITE, of_write / PICODOLLARS_PER_USD,
            _OF_OUTPUT, output / PICODOLLARS_PER_USD,
            _OF_TOOLS, tools / PICODOLLARS_PER_USD,
            _SAVING, saving / PICODOLLARS_PER_USD,
        ),
        _input_field[total],
        _output_field[answered],
        _read_field[read],
        _write_field[write],
        _hour_field[hour],
        _reasoning_field[reasoning],
        _heard_field[heard],
        _spoken_field[spoken],
        _search_field[searches],
        _ID_HEADS[len(id_bytes)],
        id_bytes,
        *(
            ()
            if span._parent is None and span.labels is None and span.first_chunk_ns is None and span.reason is None
            else _circumstances(span)
        ),
    ])  # fmt: skip


def _find_prices(shape: _Shape, at_ns: int) -> "pricing.Entry":
    """What is known about the prices of calls of `shape` at `at_ns`."""
    generation = pricing.generation
    found = pricing.entry_at(at_ns, shape.provider or "", shape.model, shape.tier)
    version, basis = found[3][-2:]
    shape.prices = None  # as long as the fields are not those of its prices
    shape.priced_fields = shape.fields + _STATUS + _basis_fields(("reported", basis, version))
    shape.generation = generation
    shape.prices = found
    return found


def _any(span: "CallSpan", shape: _Shape) -> bytes:
    """The span of any call of `shape`."""
    id_, usage, reported = span.counts(shape.response)
    priced, cost = span._priced, None
    if priced is None and shape.provider is not None and usage is not None and reported is None:
        cost = pricing.price_call(
            usage, provider=shape.provider, model=shape.model, at_ns=span._start_time, service_tier=shape.tier
        )
    if cost is None:
        priced = priced or span.price(shape.response, usage, reported)
        cost, cost_basis, amounts = priced.parts, priced.basis, _amount(priced.amount)
    else:
        cost_basis, amounts = cost.basis, b""
    bases = ("missing" if usage is None else usage.basis, cost_basis, None if cost is None else cost.price_version)
    return b"".join([
        b"\x0a\x10",
        span._trace_id.to_bytes(16, "big"),
        b"\x12\x08",
        span._span_id.to_bytes(8, "big"),
        shape.fields,
        _both_times(0x39, span._start_time, 0x41, span._end_time),
        _STATUS,
        _bases.get(bases) or _basis_fields(bases),
        amounts if cost is None else _parts(cost),
        *(() if usage is None else map(getitem, _count_fields, usage)),
        *(() if id_ is None else _id_field(id_)),
        *_circumstances(span),
    ])  # fmt: skip


def _circumstances(span: "CallSpan") -> list[bytes]:
    """What only some calls have: a parent, a task, a first chunk, an error."""
    out: list[bytes] = []
    parent = span._parent
    if parent is not None:
        _, parent_id, is_remote, *_ = parent
        out += (b"\x22\x08", parent_id.to_bytes(8, "big"))
        if is_remote:
            out.append(_PARENT_IS_REMOTE)
    labels = span.labels
    if labels is not None:
        known = _labels.get(id(labels))
        out.append(_label_fields(labels) if known is None else known[1])
    if span.first_chunk_ns is not None:
        waited_ns = span.first_chunk_ns - span.started_perf_ns
        out += (_FIRST_CHUNK_HEAD, _double(waited_ns / NANOSECONDS_PER_SECOND))
    if span.reason is not None:
        out += (_FAILED, SPAN_ATTRIBUTES.entry(names.ERROR_TYPE, bounded(span.reason)))
    return out


def _id_field(id_: str) -> tuple[bytes, bytes]:
    """The answer's id: what comes before it, and the text."""
    text = utf8(id_ if len(id_) <= _MAX_ID else bounded(id_))
    size = len(text)
    return _ID_HEADS[size] if size < _MAX_ID else entry_text_head(names.RESPONSE_ID, size), text


def _parts(cost: "Cost") -> bytes:
    """The seven amounts of a cost."""
    return _seven_doubles(
        _HEADS[0], cost.total / PICODOLLARS_PER_USD,
        _HEADS[1], cost.input / PICODOLLARS_PER_USD,
        _HEADS[2], cost.cache_read / PICODOLLARS_PER_USD,
        _HEADS[3], cost.cache_write / PICODOLLARS_PER_USD,
        _HEADS[4], cost.output / PICODOLLARS_PER_USD,
        _HEADS[5], cost.server_tools / PICODOLLARS_PER_USD,
        _HEADS[6], cost.cache_saving / PICODOLLARS_PER_USD,
    )  # fmt: skip


def _amount(amount: int | None) -> bytes:
    """The whole amount alone; nothing where it is unknown."""
    return b"" if amount is None else _HEADS[0] + _double(amount / PICODOLLARS_PER_USD)


def _shape_of(span: "CallSpan") -> _Shape:
    """The shape of a span, remembered under what makes it the same for others."""
    answer = span.answer
    rest: tuple[Any, ...] | None = None
    if type(answer) is tuple:
        rest = answer[2:]
    elif answer is not None:
        response = cast("CallResponse", answer)
        rest = response.model, response.finish_reasons, response.service_tier
        if response.attributes or not _is_plain(response.usage):
            return _GENERAL
    try:  # two that are equal need not be the same, as 1 and True; of the rest only texts are told
        told, asked = dumps((span.model, span.is_stream, rest), 2), dumps(span.asked, 2)
    except ValueError:  # there is something of the host's own making among the scalars
        return _GENERAL
    key = (span.format, id(span.known), span.model, span.is_stream, asked, rest)
    return _shapes.get(key) or _remember(key, len(told) + len(asked), span)


def _remember(key: "_Key", size: int, span: "CallSpan") -> _Shape:
    shape = _shape(span)
    if size <= _MAX_SHAPE_KEY:
        if len(_shapes) >= _MAX_SHAPES:
            _shapes.clear()
        _shapes[key] = shape
    return shape


def _shape(span: "CallSpan") -> _Shape:
    found, known, response = sendable(span.lasting_attributes()), span.known, span.response()
    if len(found) > _MAX_SHAPE_ATTRIBUTES or not found.keys().isdisjoint(_BESIDE):
        return _GENERAL
    entries = [SPAN_ATTRIBUTES.entry(name, value) for name, value in found.items()]
    if not all(entries):  # the general way counts what it has to leave out
        return _GENERAL
    fields = b"".join((text_field(b"\x2a", span.name), b"\x30\x03", *entries))
    held = (span.format, known)
    if response is None:
        return _Shape(fields, None, held)
    common = response._replace(id=None, usage=None, reported_cost_usd=None)
    if response.model is None or known.is_own:
        return _Shape(fields, common, held)
    return _Shape(fields, common, held, known.provider, response.model, normal_tier(response.service_tier))


def _label_fields(labels: Mapping[str, str]) -> bytes:
    """The labels of a task, which are the same object for each of its calls."""
    out: list[bytes] = []
    SPAN_ATTRIBUTES.append(out, sendable(dict(labels)))
    fields = b"".join(out)
    if len(_labels) >= _MAX_LABELS:
        _labels.clear()
    _labels[id(labels)] = (labels, fields)
    return fields


def _basis_fields(bases: tuple[str, str, str | None]) -> bytes:
    usage_basis, cost_basis, version = bases
    found: dict[str, str] = {names.USAGE_BASIS: usage_basis, names.COST_BASIS: cost_basis}
    if version is not None:
        found[names.PRICE_VERSION] = version
    out: list[bytes] = []
    SPAN_ATTRIBUTES.append(out, found)
    fields = b"".join(out)
    if len(_bases) >= _MAX_BASES:
        _bases.clear()
    _bases[bases] = fields
    return fields


def _is_plain(usage: "Usage | None") -> bool:
    return usage is None or all(count is None or type(count) is int for count in usage)


def _has_room(limits: Any) -> bool:
    """Whether `limits` cut nothing off a span that goes this way."""
    global _roomy  # noqa: PLW0603 - the one that was found to last
    most = limits.max_span_attributes
    has_room = limits.max_span_attribute_length is None and (most is None or most >= _LEAST_LIMIT)
    if has_room:
        _roomy = limits
    return has_room


_HEADS: Final = tuple([float_head(name) for name in _COSTS])
_AMOUNT, _OF_INPUT, _OF_READ, _OF_WRITE, _OF_OUTPUT, _OF_TOOLS, _SAVING = _HEADS
_ID_HEADS: Final = tuple([entry_text_head(names.RESPONSE_ID, size) for size in range(_MAX_ID)])
_FIRST_CHUNK_HEAD: Final = float_head(names.TIME_TO_FIRST_CHUNK)

_double: Final = struct.Struct("<d").pack
_COSTS_FORMAT: Final = "".join([f"{len(head)}sd" for head in _HEADS])
_both_times: Final = struct.Struct("<BQBQ").pack
_seven_doubles: Final = struct.Struct("<" + _COSTS_FORMAT).pack
_times_and_doubles: Final = struct.Struct("<BQBQ" + _COSTS_FORMAT).pack
"""The two in one."""

_count_fields: Final = tuple([CountFields(name) for name in COUNTS])
(
    _input_field,
    _output_field,
    _read_field,
    _write_field,
    _hour_field,
    _reasoning_field,
    _heard_field,
    _spoken_field,
    _search_field,
) = _count_fields

_Key: TypeAlias = tuple["Format", int, str | None, bool, bytes, tuple[Any, ...] | None]
"""Format, server, model, whether it is a stream, and what was asked; the answer beside its id and counts."""

_shapes: Final[dict[_Key, _Shape]] = {}
_labels: Final[dict[int, tuple[Mapping[str, str], bytes]]] = {}
_bases: Final[dict[tuple[str, str, str | None], bytes]] = {}
_roomy: Any = None
