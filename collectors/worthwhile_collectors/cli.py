"""The `worthwhile` command: one module per sub-command, loaded when it is asked for.

Data goes to stdout and words to stderr. Exit status: 0 done, 1 a failure while working, 2 wrong input or environment.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final, Protocol, cast

from worthwhile_collectors import installed_version
from worthwhile_collectors.errors import MissingExtra, WorthwhileError

COMMANDS: Final = {
    "up": "run the collector: take OTLP, keep it in ClickHouse, serve the page",
    "report": "cost per successful task, and what stands behind it",
    "query": "run SQL on the data",
    "ingest": "store OTLP files; the same file twice is stored once",
    "migrate": "bring tables and views up to date",
    "settle": "compute roll-ups of hours that were written to; a running collector does this by itself",
    "storage": "bytes of tables and columns, their growth, and when a disk is full",
    "doctor": "what is configured and from where, what is reachable, what was lost",
    "access": "roles, limits and row policies of a ClickHouse server",
    "config": "configurations of collectors in front of this store, filled in",
    "size": "what a cluster for so many spans a second needs, with the arithmetic",
    "prices": "what models cost; price lists and contracts in force; what has no price",
    "reprice": "what calls cost as billed then and at the prices in force; fills that in on demand",
}

_EXTRA_MODULES: Final = {"backports", "chdb", "clickhouse_connect", "h11", "pydantic", "starlette", "uvicorn", "anyio"}


class Command(Protocol):
    """What a module in `commands` offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds the command's own flags."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Does it and returns the exit status."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        parsed = _parser(words).parse_args(words)
        return int(parsed.run(parsed))
    except WorthwhileError as err:
        sys.stderr.write(f"error: {err}\n")
        return err.exit_status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser, with the flags of the command that was asked for only: the others are not even imported."""
    parser = argparse.ArgumentParser(
        prog="worthwhile",
        description="What did each successful task really cost, and is quality quietly getting worse?",
    )
    parser.add_argument("--version", action="version", version=f"worthwhile {installed_version()}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    asked = next((word for word in words if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == asked:
            module = _load(name)
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


def _load(name: str) -> Command:
    try:
        return cast("Command", importlib.import_module(f"worthwhile_collectors.commands.{name}"))
    except ModuleNotFoundError as err:
        module = (err.name or "").partition(".")[0]
        if module in _EXTRA_MODULES:
            raise MissingExtra(f"`worthwhile {name}`", extra="server", module=module) from err
        raise


if __name__ == "__main__":
    sys.exit(main())
