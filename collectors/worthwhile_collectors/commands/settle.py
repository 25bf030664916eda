"""Compute roll-ups of hours that were written to; a running collector does this by itself."""

import argparse
import json
import sys
from typing import Any, Final

from worthwhile_collectors.database import Database, open_database
from worthwhile_collectors.settings import add_flags, load
from worthwhile_collectors.terminal import say
from worthwhile_schemas.sql import refreshable_settling

BACKLOG: Final = "SELECT countIf(is_due) AS due_hours, sumIf(calls, is_due) AS due_calls, count() AS live_hours FROM"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what to settle, and where."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--all", action="store_true", help="all hours, also those that nothing was written to")
    what.add_argument("--dry-run", action="store_true", help="only say what there is to settle")
    what.add_argument(
        "--sql", action="store_true", help="print statements that make the database settle by itself, without collector"
    )
    parser.add_argument("--json", action="store_true", help="JSON to stdout")
    add_flags(parser, "data", "clickhouse")


def run(arguments: argparse.Namespace) -> int:
    """Settles, or says what there is to settle."""
    if arguments.sql:
        sys.stdout.write("".join(f"{statement};\n\n" for statement in refreshable_settling()))
        return 0
    settings = load(arguments).settings
    with open_database(settings) as database:
        settled = 0 if arguments.dry_run else database.settle(everything=arguments.all)
        left = _backlog(database)
    if arguments.json:
        sys.stdout.write(json.dumps({"dry_run": arguments.dry_run, "settled_hours": settled, **left}) + "\n")
        return 0
    if arguments.dry_run:
        say(f"{left['due_hours']} hours with {left['due_calls']} calls to settle; nothing was changed")
    else:
        say(f"{settled} hours settled, {left['due_hours']} due")
    say(f"{left['live_hours']} hours are read from calls themselves")
    return 0


def _backlog(database: Database) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(database.query_bytes(f"{BACKLOG} settle_backlog", "JSONEachRow", {}))
    return {name: int(value) for name, value in found.items()}
