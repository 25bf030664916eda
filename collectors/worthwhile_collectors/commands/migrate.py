"""Bring tables and views up to date."""

import argparse
import json
import sys
from itertools import chain

from worthwhile_collectors.database import open_database
from worthwhile_collectors.settings import add_flags, load
from worthwhile_collectors.store.migrate import ledger, scripts_for
from worthwhile_collectors.terminal import say
from worthwhile_schemas.cluster import Cluster


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what to migrate."""
    parser.add_argument("--dry-run", action="store_true", help="only list the changes")
    parser.add_argument("--json", action="store_true", help="JSON to stdout")
    parser.add_argument("--print", action="store_true", dest="is_printed", help="print all SQL, ask no database")
    kept = ("keep_spans_days", "keep_calls_days", "keep_rollups_days", "keep_content_days")
    add_flags(parser, "data", "clickhouse", "cluster", *kept)


def run(arguments: argparse.Namespace) -> int:
    """Makes the changes, or lists them, or prints what makes everything."""
    settings = load(arguments).settings
    if arguments.is_printed:
        _print_sql(settings.database(), settings.cluster)
        return 0
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


def _print_sql(database: str, name: str | None) -> None:
    cluster = Cluster(name, database) if name else None
    on = f" ON CLUSTER '{cluster.name}'" if cluster else ""
    begin = (f"CREATE DATABASE IF NOT EXISTS {database}{on}", f"USE {database}", *ledger(cluster))
    made = chain.from_iterable(script.statements for script in scripts_for(cluster))
    for statement in (*begin, *made):
        sys.stdout.write(f"{statement.replace('{login}', '')};\n\n")
    say("dictionaries read the database as user `default` without a password: change SOURCE where that may not be")
