"""Tell what models cost, put price lists and contract prices into force, and list what has no price."""

import argparse
from types import ModuleType
from typing import Final

from worthwhile_collectors.errors import UsageError
from worthwhile_collectors.prices import check, override, show, update
from worthwhile_schemas.price_book import PriceBookError

ACTIONS: Final[dict[str, tuple[ModuleType, str]]] = {
    "show": (show, "prices in force on a day"),
    "check": (check, "state of the price files, and what is unpriced in the store"),
    "update": (update, "put a price list into force in the store"),
    "override": (override, "contract prices in the store"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the actions and their flags."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for name, (module, summary) in ACTIONS.items():
        action = actions.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        module.add_arguments(action)
        action.set_defaults(action=module.run)


def run(arguments: argparse.Namespace) -> int:
    """Does what was asked for; exit status 1 when no price is listed."""
    try:
        return int(arguments.action(arguments))
    except PriceBookError as err:
        raise UsageError(err.message, hint=err.hint) from err
