"""What may stand in a file of contract prices: every problem of one, and the amounts that its rows name."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast

from worthwhile_schemas.price_book import Amount

SCHEMA: Final = "worthwhile.price-overrides/1"

Row: TypeAlias = Mapping[str, Any]

PARENTS: Final[Mapping[str, str | None]] = {
    "input": None,
    "output": None,
    "cache_read": "input",
    "cache_write": "input",
    "cache_write_1h": "cache_write",
    "audio_input": "input",
    "reasoning": "output",
    "audio_output": "output",
}
"""Kinds of token that a row may price, and the kind that each is a part of, which must then be priced too."""
EACH: Final = ("web_search", "request")
TIERS: Final = ("standard", "flex", "priority", "fast", "batch", "any")
FIELDS: Final = {
    "provider": "a provider's name, such as `openai`",
    "model": "a model's name or a pattern, such as `gpt-5*`",
    "since": "an ISO day, such as `2026-01-01`",
}
OPTIONAL_FIELDS: Final = ("until", "service_tier", "list_percent")
RATE_FIELDS: Final = {
    "currency": "a currency's code, such as `EUR`",
    "since": FIELDS["since"],
    "source": "who says so, such as `ECB reference rate`",
}

_PRICED: Final = re.compile(r"([a-z]{3})_(per_million_tokens|each|per_hour|per_kwh)")
_KINDS: Final = {"per_million_tokens": tuple(PARENTS), "each": EACH}


def problems_in(document: Row) -> Iterator[str]:
    """Everything that is wrong with the file, one sentence each."""
    if document.get("schema") != SCHEMA:
        yield f"`schema` is `{document.get('schema')}`, expected `{SCHEMA}`"
    if not isinstance(document.get("name"), str) or not document["name"]:
        yield f"`name` is `{document.get('name')}`, expected a name for these prices"
    known = {"schema", "name", "prices", "rates"}
    yield from (f"`{field}` is not known here" for field in document.keys() - known)
    if not isinstance(document.get("prices"), list) or not document["prices"]:
        yield "`prices` is missing or empty, expected a list of rows"
    else:
        yield from _problems_of_each("row", document["prices"], _row_problems)
    if not isinstance(document.get("rates", []), list):
        yield f"`rates` is `{document['rates']}`, expected a list of exchange rates"
    else:
        yield from _problems_of_each("rate", document.get("rates", []), _rate_problems)


def priced_fields(row: Row) -> dict[str, tuple[str, str]]:
    """The fields of a row that hold amounts, each with its currency, such as `USD`, and what the amounts are for."""
    found = {field: match for field in row if (match := _PRICED.fullmatch(field))}
    return {field: (match[1].upper(), match[2]) for field, match in found.items()}


def amounts_of(row: Row) -> dict[str, Amount]:
    """Amounts of a valid row by kind, in picounits of its currency, for one token, search, call, hour or kWh."""
    amounts: dict[str, Amount] = {}
    for field, (_, what) in priced_fields(row).items():
        if what in ("per_hour", "per_kwh"):
            amounts[what.removeprefix("per_")] = pico(Decimal(row[field]))
        else:
            per = 10**6 if what == "per_million_tokens" else 1
            amounts |= {kind: pico(Decimal(amount) / per) for kind, amount in row[field].items()}
    return amounts


def pico(amount: Decimal) -> Amount:
    """An amount in units of 10^-12: whole where it is, else as decimal text."""
    scaled = amount.scaleb(12)
    return int(scaled) if scaled == scaled.to_integral_value() else f"{scaled.normalize():f}"


def _problems_of_each(what: str, rows: list[Any], problems: Any) -> Iterator[str]:
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            yield f"{what} {number} is `{row}`, expected an object"
            continue
        yield from (f"{what} {number}: {problem}" for problem in problems(cast("dict[str, Any]", row)))


def _row_problems(row: dict[str, Any]) -> Iterator[str]:
    yield from _field_problems(row, FIELDS)
    fields = priced_fields(row)
    yield from (f"`{field}` is not known here" for field in row.keys() - {*FIELDS, *OPTIONAL_FIELDS, *fields})
    yield from _day_problems(row, "since", "until")
    if row.get("service_tier", "standard") not in TIERS:
        yield f"`service_tier` is `{row['service_tier']}`, expected one of {', '.join(TIERS)}"
    for field in sorted(fields, key=lambda name: "_each" in name):
        yield from _price_problems(row, field, fields[field][1])
    if len({currency for currency, _ in fields.values()}) > 1:
        yield f"it has prices in more than one currency: {', '.join(f'`{field}`' for field in sorted(fields))}"
    yield from _percent_problems(row, sorted(fields))
    if "list_percent" not in row and all(row[field] == {} for field in fields):
        yield (
            "it has no price, expected `usd_per_million_tokens`, `usd_each`, `usd_per_hour`, `usd_per_kwh`, the same "
            "in another currency, or `list_percent`"
        )


def _field_problems(row: dict[str, Any], fields: Mapping[str, str]) -> Iterator[str]:
    for field, expected in fields.items():
        if not isinstance(row.get(field), str) or not row[field]:
            yield f"`{field}` is `{row.get(field)}`, expected {expected}"


def _day_problems(row: dict[str, Any], *fields: str) -> Iterator[str]:
    for field in fields:
        if row.get(field) and not _is_day(row[field]):
            yield f"`{field}` is `{row[field]}`, expected {FIELDS['since']}"


def _price_problems(row: dict[str, Any], field: str, what: str) -> Iterator[str]:
    prices: Any = row[field]
    expected = f"expected {field[:3].upper()} as a decimal number that is not negative"
    if what not in _KINDS:
        if not _is_amount(prices):
            yield f"`{field}` is `{prices}`, {expected}"
        return
    if not isinstance(prices, dict):
        yield f"`{field}` is `{prices}`, expected an object of prices by kind"
        return
    for kind, amount in cast("dict[str, Any]", prices).items():
        if kind not in _KINDS[what]:
            yield f"`{field}` has the kind `{kind}`, expected one of {', '.join(_KINDS[what])}"
        elif (parent := PARENTS.get(kind)) is not None and parent not in prices:
            yield f"`{field}` prices `{kind}` without `{parent}`, of which it is a part"
        if not _is_amount(amount):
            yield f"`{field}` has `{amount}` for `{kind}`, {expected}"


def _percent_problems(row: dict[str, Any], fields: list[str]) -> Iterator[str]:
    if "list_percent" not in row:
        return
    percent = row["list_percent"]
    if not _is_amount(percent) or Decimal(percent) == 0:
        yield f"`list_percent` is `{percent}`, expected the part of the list price that is paid, such as `85.5`"
    if fields:
        yield f"`list_percent` stands beside `{fields[0]}`, expected one of them"


def _rate_problems(rate: dict[str, Any]) -> Iterator[str]:
    yield from _field_problems(rate, RATE_FIELDS)
    yield from (f"`{field}` is not known here" for field in rate.keys() - {*RATE_FIELDS, "usd"})
    yield from _day_problems(rate, "since")
    if not _is_amount(rate.get("usd")) or Decimal(rate["usd"]) == 0:
        yield f"`usd` is `{rate.get('usd')}`, expected what one unit of the currency is worth, such as `1.0832`"


def _is_day(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _is_amount(amount: object) -> bool:
    if isinstance(amount, bool) or not isinstance(amount, (str, int, Decimal)):
        return False
    try:
        found = Decimal(amount)
    except ArithmeticError:
        return False
    return found.is_finite() and found >= 0
