"""Results as Python values: exact decimals, aware datetimes, NULL as None."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

ROW_FORMAT: Final = "JSONCompactEachRowWithNamesAndTypes"

SESSION: Final = {
    "output_format_json_quote_decimals": "1",
    "output_format_json_quote_64bit_integers": "0",
    "output_format_json_quote_denormals": "0",
    # Text that is not UTF-8 is shown with replacement characters instead of breaking the whole answer.
    "output_format_json_validate_utf8": "1",
    # 26.9 fails to read one key of a Map from a part that a TTL has emptied.
    "optimize_functions_to_subcolumns": "0",
    "session_timezone": "UTC",
    # On a cluster: an insert is done when its shards have it, and a join of sharded tables is exact wherever rows lie.
    "distributed_foreground_insert": "1",
    "distributed_product_mode": "global",
}
"""Settings under which `rows` loses nothing; NaN and infinities become None."""

_WRAPPER: Final = re.compile(r"^(?:Nullable|LowCardinality)\((.*)\)$")
_ARRAY: Final = re.compile(r"^Array\((.*)\)$")
_SIMPLE: Final = re.compile(r"^SimpleAggregateFunction\(\w+, (.*)\)$")


def rows(result: bytes) -> list[dict[str, object]]:
    """Rows of a result in `ROW_FORMAT`."""
    lines = result.splitlines()
    if not lines:
        return []
    names, types = json.loads(lines[0]), json.loads(lines[1])
    converters = [_converter(kind) for kind in types]
    return [
        {
            name: value if value is None else convert(value)
            for name, convert, value in zip(names, converters, json.loads(line), strict=True)
        }
        for line in lines[2:]
        if line
    ]


def _converter(kind: str) -> Callable[..., object]:
    while match := _WRAPPER.match(kind) or _SIMPLE.match(kind):
        kind = match.group(1)
    if match := _ARRAY.match(kind):
        inner = _converter(match.group(1))
        return lambda values: [value if value is None else inner(value) for value in values]
    if kind.startswith("Decimal"):
        return Decimal
    if kind.startswith("DateTime"):
        return _datetime
    if kind.startswith("Date"):
        return date.fromisoformat
    if kind.startswith("Float"):
        return float
    return lambda value: value


def _datetime(text: str) -> datetime:
    """An aware UTC datetime; digits beyond microseconds are cut."""
    return datetime.fromisoformat(text[:26]).replace(tzinfo=UTC)
