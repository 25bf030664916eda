"""Roles, limits, quotas and row policies of a ClickHouse server."""

import argparse
import contextlib
import sys

from worthwhile_collectors.errors import UsageError
from worthwhile_collectors.settings import Settings, add_flags, load
from worthwhile_collectors.store import open_store
from worthwhile_collectors.terminal import say
from worthwhile_schemas.access import Tenant, statements
from worthwhile_schemas.cluster import Cluster


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds who is to see what, and whether to print or to do it."""
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--print", action="store_true", dest="is_printed", help="print the SQL, ask no database")
    action.add_argument("--apply", action="store_true", dest="is_applied", help="run it on the server")
    parser.add_argument(
        "--tenant",
        metavar="NAME=SERVICE[,SERVICE]",
        action="append",
        default=[],
        help="a role that sees the rows of these services only; may be given several times, name all tenants at once",
    )
    add_flags(parser, "clickhouse", "cluster")


def run(arguments: argparse.Namespace) -> int:
    """Prints the statements, or runs them one after the other."""
    settings = load(arguments).settings
    tenants = [_tenant(text) for text in arguments.tenant]
    cluster = Cluster(settings.cluster, settings.database()) if settings.cluster else None
    listed = statements(settings.database(), cluster=cluster, tenants=tenants)
    if arguments.is_printed:
        sys.stdout.write("".join(f"{statement};\n\n" for statement in listed))
        return 0
    _apply(settings, listed)
    say(f"{len(listed)} statements run; GRANT worthwhile_reader TO a user gives it the role")
    return 0


def _apply(settings: Settings, listed: list[str]) -> None:
    if settings.clickhouse is None:
        raise UsageError(
            "applying roles and policies: no server is named, and the embedded ClickHouse has no users",
            hint="worthwhile access --apply --clickhouse http://admin:password@host:8123/worthwhile",
        )
    with contextlib.closing(open_store(settings.clickhouse)) as store:
        for statement in listed:
            store.command(statement)


def _tenant(text: str) -> Tenant:
    name, _, services = text.partition("=")
    try:
        return Tenant(name, tuple(service for service in services.split(",") if service))
    except ValueError as err:
        raise UsageError(f"reading --tenant `{text}`: {err}", hint="--tenant acme=shop-api,shop-worker") from err
