"""Tell what a model costs and since when."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from worthwhile_collectors.errors import UsageError
from worthwhile_collectors.terminal import aligned, say
from worthwhile_schemas.price_book import (
    BEGINNING,
    END,
    NS_PER_SECOND,
    ListedModel,
    PriceBook,
    shipped,
    steps,
)

COLUMNS: Final = ("input", "cache_read", "cache_write", "cache_write_1h", "output")
TIER_KEYS: Final = ("service_tier", "processing", "speed")

Row = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what to show."""
    parser.add_argument("model", metavar="MODEL", nargs="?", help="a model's name in any usual spelling [every model]")
    parser.add_argument("--provider", help="only this provider [every provider that lists the model]")
    parser.add_argument("--at", metavar="DATE", help="ISO day or UTC instant [now]")
    parser.add_argument("--json", action="store_true", help="one object for each price")


def run(arguments: argparse.Namespace) -> int:
    """Shows what is listed; exit status 1 when no price is."""
    book = shipped()
    at = _instant(arguments.at)
    rows = [row for model in _found(book, arguments.provider, arguments.model) for row in _rows(book, model, at)]
    if arguments.json:
        sys.stdout.write("[" + ",\n ".join(json.dumps(row) for row in rows) + "]\n")
    elif rows:
        say(f"USD per million tokens, in force at {at:%Y-%m-%d %H:%M} UTC (price list {book.version})")
        sys.stdout.write(_table(rows))
    if not rows:
        say(f"no price is listed for `{arguments.model or ''}` at `{arguments.provider or 'any provider'}`")
        return 1
    return 0


def _instant(text: str | None) -> datetime:
    if not text:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as err:
        raise UsageError(
            f"reading --at: found `{text}`, expected an ISO day or instant", hint="--at 2026-11-21"
        ) from err
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _found(book: PriceBook, provider: str | None, model: str | None) -> Iterator[ListedModel]:
    """The models asked for, each at every provider asked for."""
    if provider is not None and book.provider(provider) is None:
        known = ", ".join(book.providers)
        raise UsageError(f"looking up prices: found the provider `{provider}`, expected one of {known}")
    entry = book.provider(provider) if provider is not None else None
    names = [entry["id"]] if entry is not None else list(book.providers)
    if model is None:
        yield from (listed for listed in book.listed() if listed.provider in names)
        return
    for name in names:
        if (listed := book.find(name, model)) is not None:
            yield listed


def _rows(book: PriceBook, model: ListedModel, at: datetime) -> Iterator[Row]:
    """One row for each kind, context step and tier that costs something else than the standard one."""
    at_ns = int(at.timestamp()) * NS_PER_SECOND
    standard = model.prices_at(at_ns, {})
    for context in model.contexts():
        prices = model.prices_at(at_ns, context)
        if context and prices.by_kind == standard.by_kind:
            continue
        for kind, price in prices.by_kind.items():
            unit = book.units[kind]
            per = 1_000_000 if unit in ("token", "character") else 1
            for tokens, amount in steps(price):
                yield {
                    "provider": model.provider,
                    "model": model.model,
                    "tier": _tier(context),
                    "kind": kind,
                    "above_input_tokens": max(tokens, 0),
                    "usd": f"{(Decimal(amount).scaleb(-12) * per).normalize():f}",
                    "per": per,
                    "unit": unit,
                    "from": _iso(prices.from_ns),
                    "until": _iso(prices.until_ns),
                }


def _tier(context: Mapping[str, str]) -> str:
    names = [value if key in TIER_KEYS else f"{key}={value}" for key, value in context.items()]
    return "+".join(names) or "standard"


def _iso(at_ns: int) -> str | None:
    if at_ns in (BEGINNING, END):
        return None
    return datetime.fromtimestamp(at_ns // NS_PER_SECOND, UTC).isoformat().replace("+00:00", "Z")


def _table(rows: list[Row]) -> str:
    """One line for each model, tier and context step."""
    lines: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        above = f"{row['above_input_tokens']:,}" if row["above_input_tokens"] else ""
        key = (row["provider"], row["model"], row["tier"], above, (row["from"] or "")[:10])
        lines.setdefault(key, {})[row["kind"]] = row["usd"] + ("" if row["unit"] == "token" else f"/{row['unit']}")
    header = ("provider", "model", "tier", "input above", "since", *COLUMNS, "other")
    table: list[tuple[str, ...]] = [header]
    for line_key, kinds in lines.items():
        other = ", ".join(f"{kind} {usd}" for kind, usd in kinds.items() if kind not in COLUMNS)
        table.append((*line_key, *(kinds.get(column, "") for column in COLUMNS), other))
    return aligned(table, {place for place, name in enumerate(header) if name == "input above" or name in COLUMNS})
