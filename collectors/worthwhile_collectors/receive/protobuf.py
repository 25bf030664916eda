"""Checks an OTLP request in protobuf without keeping anything of it, in bounded memory.

The bytes go to ClickHouse as they came, so all that is needed here is the promise that they are sound. Parsing the
whole request at once would need up to 40 times its size (two bytes on the wire can be an empty event); parsing runs of
its fields, a mebibyte at a time, gives the same verdict in the memory of one run.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from worthwhile_collectors.errors import RequestRejectedError

MESSAGES: Final[dict[str, type[Any]]] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
RUN_BYTES: Final = 1 << 20
MAX_FIELDS: Final = 1 << 20
MAX_DEPTH: Final = 64
MAX_REPEATED_BYTES: Final = 512 << 20


@dataclass(frozen=True, slots=True)
class Outline:
    """How much a request holds.

    Attributes:
        items: Spans, log records or metrics.
        repeated_bytes: Size of the resource and scope of each item, summed over items: a stored row has a copy of both.
    """

    items: int
    repeated_bytes: int


def check(signal: str, body: bytes, *, max_items: int) -> Outline:
    """Checks that a body is a sound request of bounded cost.

    Args:
        signal: "traces", "logs" or "metrics".
        body: The request.
        max_items: Most spans, log records or metrics.

    Raises:
        RequestRejectedError: 400 for what is not OTLP, 413 for what is too much at once.
    """
    try:
        outline = _outline(body, max_items)
        _parse(MESSAGES[signal], memoryview(body), 0)
    except _UnsoundError as err:
        raise RequestRejectedError(
            400,
            f"reading the request: `{err}`, expected an {MESSAGES[signal].DESCRIPTOR.name} in protobuf",
            hint="check the sender's protocol: http/protobuf or http/json on this port, not gRPC",
        ) from err
    if outline.repeated_bytes > MAX_REPEATED_BYTES:
        raise RequestRejectedError(
            413,
            f"reading the request: with its resources and scopes its rows take `{outline.repeated_bytes}` bytes, "
            f"expected at most {MAX_REPEATED_BYTES}",
            hint="send fewer spans at a time, or fewer resource attributes",
        )
    return outline


class _UnsoundError(Exception):
    """The bytes are not a message."""


def _outline(body: bytes, max_items: int) -> Outline:
    """Walks the outer levels, the same for all signals: request > resource group > scope group > item."""
    items = repeated = visited = 0
    for number, start, end in _fields(body, 0, len(body)):
        if number != 1:
            continue
        resource_bytes = resource_items = 0
        for inner, inner_start, inner_end in _fields(body, start, end):
            visited += 1
            if inner == 1:
                resource_bytes += inner_end - inner_start
            elif inner == 2:
                scope_bytes, scope_items = _scope_group(body, inner_start, inner_end, max_items - items)
                items += scope_items
                resource_items += scope_items
                repeated += scope_bytes * scope_items
            if visited > max_items * 2:
                raise _too_many(max_items)
        repeated += resource_bytes * resource_items
    return Outline(items, repeated)


def _scope_group(body: bytes, start: int, end: int, max_items: int) -> tuple[int, int]:
    scope_bytes = items = 0
    for number, field_start, field_end in _fields(body, start, end):
        if number == 1:
            scope_bytes += field_end - field_start
        elif number == 2:
            items += 1
            if items > max_items:
                raise _too_many(max_items)
    return scope_bytes, items


def _parse(message: type[Any], data: memoryview, depth: int) -> None:
    """Parses a message in runs of whole fields; a field that is itself a large message is descended into."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf ships no types

    if depth > MAX_DEPTH:
        msg = f"messages nested more than {MAX_DEPTH} deep"
        raise _UnsoundError(msg)
    try:
        if len(data) <= RUN_BYTES:
            message().ParseFromString(data)
            return
        for child, start, end in _runs(message, data):
            if child is None:
                message().ParseFromString(data[start:end])
            else:
                _parse(child, data[start:end], depth + 1)
    except DecodeError as err:
        raise _UnsoundError(str(err)) from err


def _runs(message: type[Any], data: memoryview) -> Iterator[tuple[type[Any] | None, int, int]]:
    """Splits a large message into runs of its fields (None) and the contents of large messages in it (their type)."""
    from google.protobuf.message_factory import GetMessageClass  # type: ignore[import-untyped]  # ships no types

    run_start = field_start = 0
    known = message.DESCRIPTOR.fields_by_number
    for number, start, end in _fields(data, 0, len(data)):
        field = known.get(number)
        if end - start > RUN_BYTES and field is not None and field.message_type is not None:
            yield None, run_start, field_start
            yield GetMessageClass(field.message_type), start, end
            run_start = end
        elif end - run_start > RUN_BYTES:
            yield None, run_start, end
            run_start = end
        field_start = end
    yield None, run_start, len(data)


def _fields(data: bytes | memoryview, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number and extent of the contents of each field between two places."""
    count = 0
    while at < end:
        count += 1
        if count > MAX_FIELDS:
            msg = f"a message of more than {MAX_FIELDS} fields"
            raise _UnsoundError(msg)
        tag, at = _varint(data, at, end)
        match tag & 7:
            case 2:
                size, start = _varint(data, at, end)
                at = start + size
            case 0:
                start = at
                _, at = _varint(data, at, end)
            case 1:
                start, at = at, at + 8
            case 5:
                start, at = at, at + 4
            case wire_type:
                msg = f"wire type {wire_type}"
                raise _UnsoundError(msg)
        if at > end or tag < 8:
            msg = "a field that ends after its message" if at > end else "field number 0"
            raise _UnsoundError(msg)
        yield tag >> 3, start, at


def _varint(data: bytes | memoryview, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    msg = "an unfinished number"
    raise _UnsoundError(msg)


def _too_many(max_items: int) -> RequestRejectedError:
    return RequestRejectedError(
        413,
        f"reading the request: it holds more than {max_items} spans or records",
        hint="send fewer at a time (OTEL_BSP_MAX_EXPORT_BATCH_SIZE), or raise --max-spans of the collector",
    )
