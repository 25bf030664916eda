"""Contract prices: a JSON file whose rows win over the list prices of the snapshot.

    {"schema": "worthwhile.price-overrides/1", "name": "acme-2026", "prices": [
      {"provider": "openai", "model": "gpt-5*", "since": "2026-01-01",
       "usd_per_million_tokens": {"input": "1.10", "cache_read": "0.11", "output": "8.80"},
       "usd_each": {"web_search": "0.008"}},
      {"provider": "anthropic", "model": "*", "since": "2026-01-01", "list_percent": "85.5"},
      {"provider": "mistral", "model": "*", "since": "2026-01-01", "eur_per_million_tokens": {"input": 1, "output": 3}},
      {"provider": "vllm", "model": "*", "since": "2026-01-01", "usd_per_hour": "2.10", "usd_per_kwh": "0.31"}],
     "rates": [{"currency": "EUR", "since": "2026-01-01", "usd": "1.0832", "source": "ECB reference rate"}]}

`model` is a pattern with `*` and `?` over the model's name, or over its id in the snapshot, so that `gpt-4o` also
covers its dated names. `since` is the first UTC day, the optional `until` the first day after. `service_tier` is
`standard` unless given; `any` is every tier and batch job. Of the rows that fit, the one with the latest `since`
counts, and of equals the later one in the file. A row replaces the list's prices as a whole: a kind that it does not
name costs what it is a part of (cached and audio input: `input`; reasoning and audio output: `output`).

`list_percent` is the part of the list price that is paid. An amount in another currency than the dollar is changed at
the rate of the call's day, the last one with a `since` up to it. Prices by hour and kilowatt-hour are for hardware of
the host's own, which a call occupies; only the store knows how long, so the SDK leaves such calls to it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final, cast

from worthwhile_schemas.price_book import BEGINNING, END, Amount, Price, PriceBook, PriceBookError, Prices, day_ns
from worthwhile_schemas.prices.override_file import SCHEMA, amounts_of, priced_fields, problems_in
from worthwhile_schemas.prices.rows import context_of

__all__ = ["SCHEMA", "Override", "Overrides", "Rate", "load"]

OF_HARDWARE: Final = ("hour", "kwh")
LEFT_TO_THE_STORE: Final[Mapping[str, Price]] = {"store": 0}
"""Prices of nothing that a call's usage counts: a contract holds, and what it comes to is not known here."""


@dataclass(frozen=True, slots=True)
class Override:
    """One row: the prices that a contract sets for a provider's models from a day on.

    Attributes:
        provider: Its name, as in the file.
        model: Pattern, lower case.
        since: First UTC day.
        until: First UTC day after, None if open.
        service_tier: Tier that it is for, or `any`.
        prices: Picounits of the currency for one of each kind.
        currency: Code, such as `USD`.
        list_percent: Part of the list price that is paid instead; None if the row has amounts.
    """

    provider: str
    model: str
    since: str
    until: str | None
    service_tier: str
    prices: Mapping[str, Amount]
    currency: str = "USD"
    list_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of a currency is worth in USD, from a UTC day on."""

    currency: str
    since: str
    usd: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Overrides:
    """A valid overrides file; `version` names it wherever a cost is stored."""

    version: str
    rows: tuple[Override, ...]
    rates: tuple[Rate, ...] = ()

    @property
    def name(self) -> str:
        """The name in the file."""
        return self.version.rpartition(".")[0]

    def prices_at(self, book: PriceBook, provider: str, model: str, tier: str, at_ns: int) -> Prices:
        """Prices of the row that holds for a call at `at_ns`, empty when none does, and for how long that stays so."""
        names = {model.lower()}
        if (listed := book.find(provider, model)) is not None:
            names.add(listed.model.lower())
        fitting = [row for row in self.rows if _fits(row, book, provider, names, tier)]
        spans = [(day_ns(row.since), day_ns(row.until) if row.until else END) for row in fitting]
        edges = [edge for span in spans for edge in span] + [day_ns(rate.since) for rate in self.rates]
        holding = [(since, row) for row, (since, until) in zip(fitting, spans, strict=True) if since <= at_ns < until]
        best = max((since for since, _ in holding), default=None)
        rows = [row for since, row in holding if since == best]
        prices: Mapping[str, Price] = {}
        if rows and rows[-1].list_percent is not None:
            at_list = listed.prices_at(at_ns, context_of("" if tier == "standard" else tier)) if listed else None
            edges += [at_list.from_ns, at_list.until_ns] if at_list else []
            prices = _multiplied(at_list.by_kind if at_list else {}, rows[-1].list_percent / 100)
        elif rows:
            prices = self._in_usd(rows[-1], at_ns)
        from_ns = max((edge for edge in edges if edge <= at_ns), default=BEGINNING)
        until_ns = min((edge for edge in edges if edge > at_ns), default=END)
        return Prices(prices, from_ns, until_ns)

    def _in_usd(self, row: Override, at_ns: int) -> Mapping[str, Price]:
        if any(kind in row.prices for kind in OF_HARDWARE):
            return LEFT_TO_THE_STORE
        if row.currency == "USD":
            return row.prices
        rates = [rate for rate in self.rates if rate.currency == row.currency and day_ns(rate.since) <= at_ns]
        if not rates:
            return LEFT_TO_THE_STORE
        return _multiplied(row.prices, max(rates, key=lambda rate: rate.since).usd)


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
    problems = list(problems_in(document))
    if problems:
        raise _unusable(path, problems)
    sha256 = hashlib.sha256(content).hexdigest()
    rows = tuple(_override(row) for row in document["prices"])
    rates = tuple(_rate(rate) for rate in document.get("rates", ()))
    return Overrides(f"{document['name']}.{sha256[:8]}", rows, rates)


def _unusable(path: Path, problems: list[str]) -> PriceBookError:
    listed = "\n".join(f"  - {problem}" for problem in problems)
    hint = "correct the file; its format is described in worthwhile_schemas/prices/README.md"
    return PriceBookError(f"loading the price overrides `{path}`:\n{listed}", hint=hint)


def _override(row: dict[str, Any]) -> Override:
    currencies = [currency for currency, _ in priced_fields(row).values()]
    percent = row.get("list_percent")
    return Override(
        row["provider"],
        row["model"].lower(),
        row["since"],
        row.get("until"),
        row.get("service_tier", "standard"),
        amounts_of(row),
        currencies[0] if currencies else "USD",
        None if percent is None else Decimal(percent),
    )


def _rate(rate: dict[str, Any]) -> Rate:
    return Rate(rate["currency"].upper(), rate["since"], Decimal(rate["usd"]), rate["source"])


def _multiplied(prices: Mapping[str, Price], factor: Decimal) -> Mapping[str, Price]:
    """Each price times `factor`, as exact as the store has it: rounded half to even at 10^-12 of a picodollar."""

    def times(price: Price) -> Price:
        if isinstance(price, list):
            return [times(price[0]), *([tokens, times(amount)] for tokens, amount in price[1:])]
        with localcontext(prec=80):
            amount = (Decimal(price) * factor).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)
            return int(amount) if amount == amount.to_integral_value() else f"{amount.normalize():f}"

    return {kind: times(price) for kind, price in prices.items()} or LEFT_TO_THE_STORE


def _fits(row: Override, book: PriceBook, provider: str, names: set[str], tier: str) -> bool:
    if row.service_tier not in ("any", tier) or not any(fnmatchcase(name, row.model) for name in names):
        return False
    ours, theirs = book.provider(row.provider), book.provider(provider)
    if ours is None or theirs is None:
        return row.provider.lower() == provider.lower()
    return ours is theirs
