"""Contract prices: a JSON file whose rows win over the list prices of the snapshot.

    {"schema": "worthwhile.price-overrides/1", "name": "acme-2026", "prices": [
      {"provider": "openai", "model": "gpt-5*", "since": "2026-01-01",
       "usd_per_million_tokens": {"input": "1.10", "cache_read": "0.11", "output": "8.80"},
       "usd_each": {"web_search": "0.008"}}]}

`model` is a pattern with `*` and `?` over the model's name, or over its id in the snapshot, so that `gpt-4o` also
covers its dated names. `since` is the first UTC day, the optional `until` the first day after. `service_tier` is
`standard` unless given; `any` is every tier and batch job. Of the rows that fit, the one with the latest `since`
counts, and of equals the later one in the file. A row replaces the list's prices as a whole: a kind that it does not
name costs what it is a part of (cached and audio input: `input`; reasoning and audio output: `output`).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, cast

from worthwhile_schemas.price_book import BEGINNING, END, Amount, Price, PriceBook, PriceBookError, Prices, day_ns

SCHEMA: Final = "worthwhile.price-overrides/1"

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
OPTIONAL_FIELDS: Final = ("until", "service_tier", "usd_per_million_tokens", "usd_each")


@dataclass(frozen=True, slots=True)
class Override:
    """One row: the prices that a contract sets for a provider's models from a day on."""

    provider: str
    model: str
    since: str
    until: str | None
    service_tier: str
    prices: Mapping[str, Price]


@dataclass(frozen=True, slots=True)
class Overrides:
    """A valid overrides file; `version` names it wherever a cost is stored."""

    version: str
    rows: tuple[Override, ...]

    def prices_at(self, book: PriceBook, provider: str, model: str, tier: str, at_ns: int) -> Prices:
        """Prices of the row that holds for a call at `at_ns`, empty when none does, and for how long that stays so."""
        names = {model.lower()}
        if (listed := book.find(provider, model)) is not None:
            names.add(listed.model.lower())
        fitting = [row for row in self.rows if _fits(row, book, provider, names, tier)]
        spans = [(day_ns(row.since), day_ns(row.until) if row.until else END) for row in fitting]
        edges = [edge for span in spans for edge in span]
        holding = [(since, row) for row, (since, until) in zip(fitting, spans, strict=True) if since <= at_ns < until]
        best = max((since for since, _ in holding), default=None)
        prices = [row.prices for since, row in holding if since == best]
        from_ns = max((edge for edge in edges if edge <= at_ns), default=BEGINNING)
        until_ns = min((edge for edge in edges if edge > at_ns), default=END)
        return Prices(prices[-1] if prices else {}, from_ns, until_ns)


def load(path: Path) -> Overrides:
    """Read and check an overrides file.

    Raises:
        PriceBookError: The file cannot be used; the message lists every problem in it.
    """
    try:
        content = path.read_bytes()
        raw: Any = json.loads(content, parse_float=Decimal)
    except (OSError, ValueError) as err:
        raise _unusable(path, [f"it cannot be read as JSON: {err}"]) from err
    if not isinstance(raw, dict):
        raise _unusable(path, ["it is no JSON object"])
    document = cast("dict[str, Any]", raw)
    problems = list(_problems(document))
    if problems:
        raise _unusable(path, problems)
    sha256 = hashlib.sha256(content).hexdigest()
    return Overrides(f"{document['name']}.{sha256[:8]}", tuple(_override(row) for row in document["prices"]))


def _unusable(path: Path, problems: list[str]) -> PriceBookError:
    listed = "\n".join(f"  - {problem}" for problem in problems)
    hint = "correct the file; its format is described in worthwhile_schemas/prices/README.md"
    return PriceBookError(f"loading the price overrides `{path}`:\n{listed}", hint=hint)


def _problems(document: dict[str, Any]) -> Iterator[str]:
    if document.get("schema") != SCHEMA:
        yield f"`schema` is `{document.get('schema')}`, expected `{SCHEMA}`"
    if not isinstance(document.get("name"), str) or not document["name"]:
        yield f"`name` is `{document.get('name')}`, expected a name for these prices"
    yield from (f"`{field}` is not known here" for field in document.keys() - {"schema", "name", "prices"})
    if not isinstance(document.get("prices"), list) or not document["prices"]:
        yield "`prices` is missing or empty, expected a list of rows"
        return
    rows: list[Any] = document["prices"]
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            yield f"row {number} is `{row}`, expected an object"
            continue
        yield from (f"row {number}: {problem}" for problem in _row_problems(cast("dict[str, Any]", row)))


def _row_problems(row: dict[str, Any]) -> Iterator[str]:
    for field, expected in FIELDS.items():
        if not isinstance(row.get(field), str) or not row[field]:
            yield f"`{field}` is `{row.get(field)}`, expected {expected}"
    yield from (f"`{field}` is not known here" for field in row.keys() - {*FIELDS, *OPTIONAL_FIELDS})
    for field in ("since", "until"):
        if row.get(field) and not _is_day(row[field]):
            yield f"`{field}` is `{row[field]}`, expected {FIELDS['since']}"
    if row.get("service_tier", "standard") not in TIERS:
        yield f"`service_tier` is `{row['service_tier']}`, expected one of {', '.join(TIERS)}"
    yield from _price_problems(row, "usd_per_million_tokens", tuple(PARENTS))
    yield from _price_problems(row, "usd_each", EACH)


def _price_problems(row: dict[str, Any], field: str, kinds: tuple[str, ...]) -> Iterator[str]:
    prices: Any = row.get(field, {})
    if not isinstance(prices, dict):
        yield f"`{field}` is `{prices}`, expected an object of prices by kind"
        return
    for kind, usd in cast("dict[str, Any]", prices).items():
        if kind not in kinds:
            yield f"`{field}` has the kind `{kind}`, expected one of {', '.join(kinds)}"
        elif (parent := PARENTS.get(kind)) is not None and parent not in prices:
            yield f"`{field}` prices `{kind}` without `{parent}`, of which it is a part"
        if not _is_amount(usd):
            yield f"`{field}` has `{usd}` for `{kind}`, expected USD as a decimal number that is not negative"
    if field == "usd_per_million_tokens" and not prices and not row.get("usd_each"):
        yield "it has no price, expected `usd_per_million_tokens` or `usd_each`"


def _is_day(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _is_amount(usd: object) -> bool:
    if isinstance(usd, bool) or not isinstance(usd, (str, int, Decimal)):
        return False
    try:
        amount = Decimal(usd)
    except ArithmeticError:
        return False
    return amount.is_finite() and amount >= 0


def _override(row: dict[str, Any]) -> Override:
    prices: dict[str, Price] = {}
    for kind, usd in row.get("usd_per_million_tokens", {}).items():
        prices[kind] = _picodollars(Decimal(usd) / 10**6)
    for kind, usd in row.get("usd_each", {}).items():
        prices[kind] = _picodollars(Decimal(usd))
    tier = row.get("service_tier", "standard")
    return Override(row["provider"], row["model"].lower(), row["since"], row.get("until"), tier, prices)


def _picodollars(usd: Decimal) -> Amount:
    amount = usd.scaleb(12)
    return int(amount) if amount == amount.to_integral_value() else f"{amount.normalize():f}"


def _fits(row: Override, book: PriceBook, provider: str, names: set[str], tier: str) -> bool:
    if row.service_tier not in ("any", tier) or not any(fnmatchcase(name, row.model) for name in names):
        return False
    ours, theirs = book.provider(row.provider), book.provider(provider)
    if ours is None or theirs is None:
        return row.provider.lower() == provider.lower()
    return ours is theirs
