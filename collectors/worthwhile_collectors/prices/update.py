"""Put a price list into force in the store: the shipped one, or that of a file."""

import argparse
import json
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from worthwhile_collectors.database import open_database
from worthwhile_collectors.settings import add_flags
from worthwhile_collectors.settings import load as settings_of
from worthwhile_collectors.store.price_changes import PriceChange, price_changes
from worthwhile_collectors.store.prices import load_list, version_in_force
from worthwhile_collectors.terminal import aligned, say
from worthwhile_schemas.price_book import load, shipped

PER: Final = 1_000_000
EACH: Final = ("web_search", "request")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds which list, and where."""
    parser.add_argument(
        "file", metavar="FILE", nargs="?", type=Path, help="price snapshot [the one of this worthwhile]"
    )
    parser.add_argument("--dry-run", action="store_true", help="only list what would change")
    parser.add_argument("--json", action="store_true", help="one object")
    add_flags(parser, "data", "clickhouse")


def run(arguments: argparse.Namespace) -> int:
    """Loads the list, or says what it would change. A list that is in force already changes nothing."""
    book = load(arguments.file) if arguments.file else shipped()
    with open_database(settings_of(arguments).settings) as database:
        before = version_in_force(database)
        changes = [] if before == book.version else price_changes(database, book)
        if not arguments.dry_run:
            load_list(database, book, again=True)
    if arguments.json:
        told = [_to_json(change) for change in changes]
        sys.stdout.write(
            json.dumps({"dry_run": arguments.dry_run, "before": before, "version": book.version, "changes": told})
            + "\n"
        )
        return 0
    if changes:
        sys.stdout.write(_table(changes))
    if before == book.version:
        say(f"up to date: `{book.version}` is in force")
        return 0
    counts = Counter(change.change for change in changes)
    summary = f"{counts['added']} models added, {counts['removed']} removed, {counts['changed']} prices changed"
    if arguments.dry_run:
        say(f"`{book.version}` would replace `{before}`: {summary}; nothing was changed")
    else:
        say(f"`{book.version}` is in force instead of `{before}`: {summary}")
        say("\nhint: calls keep their cost; worthwhile reprice shows what they cost at these prices")
    return 0


def _to_json(change: PriceChange) -> dict[str, Any]:
    names = PriceChange.__slots__
    return {name: _plain(value) if isinstance(value := getattr(change, name), Decimal) else value for name in names}


def _table(changes: list[PriceChange]) -> str:
    header = ("change", "provider", "model", "tier", "price", "since", "USD before", "USD after")
    lines = [
        (
            change.change,
            change.provider,
            change.model,
            change.tier or "",
            change.kind or "",
            change.since or "",
            _shown(change.kind, change.old_usd),
            _shown(change.kind, change.new_usd),
        )
        for change in changes
    ]
    return aligned([header, *lines], {6, 7})


def _shown(kind: str | None, usd: Decimal | None) -> str:
    """A price of a million tokens, or of one search or call."""
    if usd is None:
        return "" if kind is None else "none"
    return _plain(usd if kind in EACH else usd * PER) + ("" if kind in EACH else "/M")


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
