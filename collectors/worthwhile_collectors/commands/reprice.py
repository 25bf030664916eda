"""Show what calls cost as billed then and at the prices in force, and fill that in on demand."""

import argparse
import json
import secrets
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from worthwhile_collectors.database import open_database
from worthwhile_collectors.period import period
from worthwhile_collectors.settings import add_flags, load
from worthwhile_collectors.store.prices import version_in_force
from worthwhile_collectors.store.reprice import Compared, Revision, Selection, apply, compare
from worthwhile_collectors.terminal import aligned, say

SCHEMA: Final = "worthwhile.reprice/1"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds which calls, and whether to change them."""
    parser.add_argument(
        "--since", metavar="WHEN", required=True, help="calls from then on: 2026-01-31, 30d, 2026-01-31T08:00 (UTC)"
    )
    parser.add_argument("--until", metavar="WHEN", help="end, not included, written likewise [now]")
    parser.add_argument("--workload", metavar="NAME", help="only this workload")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="only compare; this is so unless --apply is given")
    what.add_argument("--apply", action="store_true", help="fill in the cost of calls without one")
    parser.add_argument("--all", action="store_true", help="with --apply: change also calls that have a cost")
    parser.add_argument("--json", action="store_true", help=f"JSON to stdout ({SCHEMA})")
    add_flags(parser, "data", "clickhouse")


def run(arguments: argparse.Namespace) -> int:
    """Compares, and changes what was asked for."""
    now = datetime.now(UTC)
    since, until = period(arguments.since, arguments.until, now=now)
    selection = Selection(since, until, arguments.workload)
    revision = None
    with open_database(load(arguments).settings) as database:
        version = version_in_force(database)
        rows = compare(database, selection)
        if arguments.apply:
            name = f"{now:%Y-%m-%dT%H:%M:%SZ}.{secrets.token_hex(3)}"
            revision = apply(database, selection, name, has_cost_too=arguments.all)
    if arguments.json:
        sys.stdout.write(json.dumps(_to_json(version, selection, rows, revision), indent=2) + "\n")
        return 0
    if rows:
        sys.stdout.write(_table(rows))
    _say(rows, revision)
    return 0


def _to_json(version: str, selection: Selection, rows: Iterable[Compared], revision: Revision | None) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        return value if value is None or isinstance(value, int | str) else _exact(value)

    names = (*Compared.__slots__, "difference_usd")
    changed = None
    if revision is not None:
        changed = {"revision": revision.name, "rows": revision.rows, "cost_usd": _exact(revision.cost_usd)}
    return {
        "schema": SCHEMA,
        "price_version": version,
        "since": selection.since.isoformat(),
        "until": selection.until.isoformat(),
        "workload": selection.workload,
        "rows": [{name: plain(getattr(row, name)) for name in names} for row in rows],
        "applied": changed,
    }


def _exact(value: Any) -> str:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _table(rows: list[Compared]) -> str:
    header = ("day", "provider", "model", "calls", "no cost", "as billed then", "at prices in force", "difference")
    lines = [
        (
            str(row.day),
            row.provider,
            row.model,
            f"{row.calls:,}",
            f"{row.unpriced_calls:,}",
            _usd(row.billed_usd),
            _usd(row.priced_usd),
            _usd(row.difference_usd),
        )
        for row in rows
    ]
    return aligned([header, *lines], {3, 4, 5, 6, 7})


def _usd(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"{amount:.6f}"


def _say(rows: list[Compared], revision: Revision | None) -> None:
    if not rows:
        say("no calls in that period")
        return
    filled, changed = sum(row.filled_calls for row in rows), sum(row.changed_calls for row in rows)
    filled_usd = sum((row.filled_usd or Decimal(0) for row in rows), Decimal(0))
    changed_usd = sum((row.changed_usd or Decimal(0) for row in rows), Decimal(0))
    say(f"{filled:,} calls without a cost have one at the prices in force, {_usd(filled_usd)} USD in all")
    say(f"{changed:,} calls have another cost at these prices, {changed_usd:+.6f} USD in all")
    if revision is not None:
        say(f"{revision.rows:,} rows changed by {revision.cost_usd:+.6f} USD as revision `{revision.name}`")
    elif filled or changed:
        say(
            "nothing was changed\n\nhint: --apply fills in unknown costs; --apply --all changes every cost that differs"
        )
