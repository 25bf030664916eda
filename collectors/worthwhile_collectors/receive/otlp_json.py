"""OTLP/JSON to protobuf bytes, so that everything after the receiver sees one encoding.

OTLP/JSON is protobuf's JSON mapping with two differences: trace and span ids are hexadecimal, not base64, and unknown
fields are ignored. Source: opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding".
"""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any, Final

from worthwhile_collectors.errors import RequestRejectedError
from worthwhile_collectors.receive.protobuf import MESSAGES

MAX_ELEMENTS: Final = 2_000_000
SIGNAL_KEYS: Final = {"resourceSpans": "traces", "resourceLogs": "logs", "resourceMetrics": "metrics"}

_PATHS: Final = {
    "traces": (("resourceSpans", "scopeSpans", "spans"), ("resourceSpans", "scopeSpans", "spans", "links")),
    "logs": (("resourceLogs", "scopeLogs", "logRecords"),),
    "metrics": (),
}
_ID_KEYS: Final = ("traceId", "spanId", "parentSpanId")
_HALF_PAIR: Final = re.compile(rb"\\ud[89a-f]", re.IGNORECASE)


def to_protobuf(signal: str, body: bytes) -> bytes:
    """The protobuf request that an OTLP/JSON body stands for.

    Raises:
        RequestRejectedError: 400 for what is not OTLP/JSON, 413 for what would need too much memory.
    """
    return message_bytes(signal, parse(body))


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object of a body.

    Raises:
        RequestRejectedError: 400 or 413.
    """
    elements = body.count(b",") + body.count(b"[") + body.count(b"{")
    if elements > MAX_ELEMENTS:
        raise RequestRejectedError(
            413,
            f"reading the request: its JSON has about `{elements}` elements, expected at most {MAX_ELEMENTS}",
            hint="send fewer spans at a time, or send protobuf (OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf)",
        )
    try:
        found = json.loads(body)
        if _HALF_PAIR.search(body):
            found = json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    except RecursionError as err:
        raise _unsound("nested too deep") from err
    except ValueError as err:
        raise _unsound(str(err)) from err
    if not isinstance(found, dict):
        raise _unsound(f"a JSON {type(found).__name__}")
    return found


def message_bytes(signal: str, request: dict[str, Any]) -> bytes:
    """The protobuf bytes of a parsed request. The ids in `request` are rewritten in place.

    Raises:
        RequestRejectedError: 400.
    """
    from google.protobuf.json_format import ParseDict, ParseError  # type: ignore[import-untyped]  # ships no types

    for path in _PATHS[signal]:
        for item in _items(request, path):
            _recode_ids(item)
    try:
        message = ParseDict(request, MESSAGES[signal](), ignore_unknown_fields=True)
        return bytes(message.SerializeToString())
    except (ParseError, ValueError, TypeError, AttributeError, RecursionError) as err:
        raise _unsound(str(err) or type(err).__name__) from err


def _items(value: Any, path: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The objects at the end of a path of lists of objects; whatever has another shape is left to the parser."""
    if not isinstance(value, dict):
        return
    if not path:
        yield value
        return
    children = value.get(path[0])
    for child in children if isinstance(children, list) else ():
        yield from _items(child, path[1:])


def _recode_ids(item: dict[str, Any]) -> None:
    for key in _ID_KEYS:
        text = item.get(key)
        if not isinstance(text, str):
            continue
        try:
            item[key] = base64.b64encode(bytes.fromhex(text)).decode("ascii")
        except ValueError as err:
            raise _unsound(f"{key} {text[:64]}", expected="hexadecimal digits") from err


def _unsound(found: str, *, expected: str = "OTLP in JSON") -> RequestRejectedError:
    return RequestRejectedError(
        400,
        f"reading the request: found `{found[:300]}`, expected {expected}",
        hint="the encoding is described at https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding",
    )
