"""Tell whether the price files are in order, and what has no price in the store."""

import argparse
import json
import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from worthwhile_collectors.database import open_database
from worthwhile_collectors.period import period
from worthwhile_collectors.settings import add_flags, load
from worthwhile_collectors.store.unpriced import Unpriced, unpriced
from worthwhile_collectors.terminal import aligned, say
from worthwhile_schemas.price_book import shipped
from worthwhile_schemas.prices import overrides

OLD_DAYS: Final = 90


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what to check."""
    parser.add_argument("--overrides", metavar="FILE", help="contract prices to check [WORTHWHILE_PRICES]")
    parser.add_argument(
        "--store", action="store_true", help="also list what is unpriced in the store; --data and --clickhouse imply it"
    )
    parser.add_argument("--since", metavar="WHEN", help="of the calls from then on: 30d, 12h, 2026-01-31 [30d]")
    parser.add_argument("--json", action="store_true", help="one object")
    add_flags(parser, "data", "clickhouse")


def run(arguments: argparse.Namespace) -> int:
    """Checks."""
    found, age_days = _files(arguments.overrides or os.environ.get("WORTHWHILE_PRICES"))
    lacking = _unpriced(arguments) if arguments.store or arguments.data or arguments.clickhouse else None
    if arguments.json:
        listed = {} if lacking is None else {"unpriced": [row.to_json() for row in lacking]}
        sys.stdout.write(json.dumps(found | listed, indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{name.replace('_', ' '):<22}{value}\n" for name, value in found.items()))
        if lacking:
            sys.stdout.write("\n" + _table(lacking))
    if age_days > OLD_DAYS:
        say(f"the price list is {age_days} days old\n\nhint: pip install --upgrade worthwhile")
    if lacking is not None:
        _say_what_lacks(lacking)
    return 0


def _files(path: str | None) -> tuple[dict[str, Any], int]:
    """The state of the price files, and how old the list is."""
    book = shipped()
    models = list(book.listed())
    age = datetime.now(UTC).date() - date.fromisoformat(book.date)
    found: dict[str, Any] = {
        "version": book.version,
        "date": book.date,
        "age_days": age.days,
        "sha256": book.sha256,
        "source": " ".join((book.source["package"], book.source["version"], f"({book.source['license']})")),
        "providers": len(book.providers),
        "models": len(models),
        "models_without_price": sum(not any(model.rows) for model in models),
        "dated_rows": sum("since" in row for model in models for row in (*model.rows, *model.variants)),
    }
    if path:
        contract = overrides.load(Path(path))
        found |= {"overrides": path, "overrides_version": contract.version, "overrides_rows": len(contract.rows)}
    return found, age.days


def _unpriced(arguments: argparse.Namespace) -> list[Unpriced]:
    since, until = period(arguments.since, None, now=datetime.now(UTC))
    with open_database(load(arguments).settings) as database:
        return unpriced(database, since, until)


def _table(rows: list[Unpriced]) -> str:
    header = ("provider", "model", "tier", "calls", "input tokens", "output tokens", "first seen", "last seen", "why")
    lines = [
        (
            row.provider,
            row.model,
            row.service_tier,
            f"{row.calls:,}",
            _count(row.input_tokens),
            _count(row.output_tokens),
            f"{row.first_seen:%Y-%m-%d %H:%M}",
            f"{row.last_seen:%Y-%m-%d %H:%M}",
            row.why + (f" (listed: {', '.join(row.nearest)})" if row.nearest else ""),
        )
        for row in rows
    ]
    return aligned([header, *lines], {3, 4, 5})


def _count(tokens: int | None) -> str:
    return "unknown" if tokens is None else f"{tokens:,}"


def _say_what_lacks(rows: list[Unpriced]) -> None:
    if not rows:
        say("every call has a cost")
        return
    say(
        f"{sum(row.calls for row in rows):,} calls have no cost\n\n"
        "hint: worthwhile prices update, or prices override add FILE; then worthwhile reprice fills in their cost"
    )
