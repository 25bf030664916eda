"""Contract prices in the store: put a file into force, list what is in force, withdraw it."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from worthwhile_collectors.database import open_database
from worthwhile_collectors.errors import UsageError
from worthwhile_collectors.settings import add_flags, load
from worthwhile_collectors.store.contracts import CONTRACTS, RATES, WITHOUT_RATE
from worthwhile_collectors.store.prices import end_contract, load_contract
from worthwhile_collectors.terminal import aligned, say
from worthwhile_schemas.price_book import shipped
from worthwhile_schemas.prices import overrides

HINT: Final = "calls keep their cost; worthwhile reprice shows what they cost at these prices"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what to do with which contract."""
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    add = actions.add_parser("add", help="put a file of contract prices into force, in place of one of its name")
    add.add_argument("file", metavar="FILE", type=Path, help="file of contract prices and exchange rates")
    listing = actions.add_parser("list", help="contract prices and exchange rates in force")
    remove = actions.add_parser("remove", help="withdraw the contract prices of a name; exchange rates stay")
    remove.add_argument("name", metavar="NAME", help="name of the contract, as in its file")
    for parser_of, work in ((add, _add), (listing, _list), (remove, _remove)):
        if parser_of is not listing:
            parser_of.add_argument("--dry-run", action="store_true", help="only say what would change")
        parser_of.add_argument("--json", action="store_true", help="one object")
        parser_of.set_defaults(work=work)
        add_flags(parser_of, "data", "clickhouse")


def run(arguments: argparse.Namespace) -> int:
    """Does what was asked for."""
    return int(arguments.work(arguments))


def _add(arguments: argparse.Namespace) -> int:
    contract = overrides.load(arguments.file)
    with open_database(load(arguments).settings) as database:
        replaced = sorted({str(row["version"]) for row in database.query(CONTRACTS) if row["name"] == contract.name})
        if not arguments.dry_run:
            load_contract(database, shipped(), contract)
        missing = [str(row["currency"]) for row in database.query(WITHOUT_RATE)]
    told = {"version": contract.version, "replaced": replaced, "rows": len(contract.rows), "rates": len(contract.rates)}
    if arguments.json:
        sys.stdout.write(json.dumps({"dry_run": arguments.dry_run, **told, "currencies_without_rate": missing}) + "\n")
    else:
        verb = "would be" if arguments.dry_run else "is"
        instead = f" instead of `{'`, `'.join(replaced)}`" if replaced else ""
        say(f"`{contract.version}` {verb} in force{instead}: {len(contract.rows)} rows, {len(contract.rates)} rates")
        if not arguments.dry_run:
            say(f"\nhint: {HINT}")
    for currency in missing:
        say(f"warning: no exchange rate of `{currency}` for the first day of a contract: calls are unpriced until one")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with open_database(load(arguments).settings) as database:
        contracts, rates = database.query(CONTRACTS), _rates(database.query(RATES))
    if arguments.json:
        sys.stdout.write(json.dumps({"contracts": contracts, "rates": rates}, default=str, indent=2) + "\n")
        return 0
    if contracts:
        header = ("contract", "provider", "model", "tier", "since", "until", "price")
        lines = [(*(str(row[name]) for name in _SHOWN), _price(row)) for row in contracts]
        sys.stdout.write(aligned([header, *lines]))
    if rates:
        told = [(rate["currency"], rate["since"], rate["usd"], rate["source"]) for rate in rates]
        sys.stdout.write(("\n" if contracts else "") + aligned([("currency", "since", "USD", "source"), *told], {2}))
    if not contracts:
        say("no contract prices are in force")
    return 0


def _rates(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [{name: str(value) for name, value in row.items()} | {"usd": f"{row['usd'].normalize():f}"} for row in rows]


_SHOWN: Final = ("version", "provider", "model", "service_tier", "since", "until")


def _price(row: dict[str, Any]) -> str:
    """What a row of `price_overrides` sets, in words."""
    if row["list_percent"] is not None:
        return f"{row['list_percent'].normalize():f} % of the list"
    amounts = {name.removesuffix("_price"): row[name] for name in row if name.endswith("_price")}
    per = {"hour": "an hour", "kwh": "a kWh", "web_search": "a search", "request": "a call"}
    shown = [
        f"{kind} {amount.scaleb(-12 if kind in per else -6).normalize():f} {per.get(kind, 'per million')}"
        for kind, amount in amounts.items()
        if amount is not None
    ]
    return f"{row['currency']}: {', '.join(shown)}"


def _remove(arguments: argparse.Namespace) -> int:
    with open_database(load(arguments).settings) as database:
        names = sorted({str(row["name"]) for row in database.query(CONTRACTS)})
        if arguments.name not in names:
            known = ", ".join(f"`{name}`" for name in names) or "none: no contract is in force"
            raise UsageError(
                f"withdrawing contract prices: found the name `{arguments.name}`, expected one of {known}",
                hint="worthwhile prices override list",
            )
        rows = sum(row["name"] == arguments.name for row in database.query(CONTRACTS))
        if not arguments.dry_run:
            end_contract(database, arguments.name)
    if arguments.json:
        told = {"dry_run": arguments.dry_run, "name": arguments.name, "rows": rows}
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        verb = "would be withdrawn" if arguments.dry_run else "are withdrawn"
        say(f"{rows} rows of `{arguments.name}` {verb}" + ("" if arguments.dry_run else f"\n\nhint: {HINT}"))
    return 0
