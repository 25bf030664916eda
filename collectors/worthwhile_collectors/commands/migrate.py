"""Bring tables and views up to date."""

import argparse
import json
import sys

from worthwhile_collectors.database import open_database
from worthwhile_collectors.settings import add_flags, load
from worthwhile_collectors.terminal import say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what to migrate."""
    parser.add_argument("--dry-run", action="store_true", help="only list the changes")
    parser.add_argument("--json", action="store_true", help="JSON to stdout")
    add_flags(parser, "data", "clickhouse", "keep_spans_days", "keep_calls_days", "keep_rollups_days")


def run(arguments: argparse.Namespace) -> int:
    """Makes the changes, or lists them."""
    settings = load(arguments).settings
    with open_database(settings, may_create=not arguments.dry_run, may_migrate=False) as database:
        changes = database.migrate(dry_run=arguments.dry_run)
    if arguments.json:
        sys.stdout.write(json.dumps({"dry_run": arguments.dry_run, "changes": changes}) + "\n")
        return 0
    for change in changes:
        sys.stdout.write(f"{change['action']:8}{change['kind']:14}{change['name']}\n")
    if not changes:
        say("up to date")
    elif arguments.dry_run:
        say(f"{len(changes)} changes to make; nothing was changed")
    else:
        say(f"{len(changes)} changes made")
    return 0
