"""Puts price lists, contract prices and exchange rates into the store, where the next insert is priced by them."""

import json
from collections.abc import Iterable, Mapping
from typing import Final

from worthwhile_collectors.store.contracts import contract_rows, rate_rows
from worthwhile_collectors.store.tables import Tables
from worthwhile_schemas.price_book import PriceBook
from worthwhile_schemas.prices.overrides import Overrides
from worthwhile_schemas.prices.rows import match_rows, price_rows
from worthwhile_schemas.sql import dictionaries

NEWEST: Final = (
    "SELECT argMax(version, loaded_at) AS newest, countIf(version = {version:String}) AS times FROM price_lists"
)

IN_FORCE: Final = "SELECT number FROM price_overrides FINAL WHERE name = {name:String} AND NOT is_removed"


def load_list(store: Tables, book: PriceBook, *, again: bool = False) -> bool:
    """Put a price list into force.

    Args:
        store: A migrated store.
        book: The list.
        again: Put it into force even if it was loaded before and another one has been since.

    Returns:
        Whether anything changed.
    """
    (found,) = store.query(NEWEST, {"version": book.version})
    if found["newest"] == book.version or (found["times"] and not again):
        return False
    prices = list(price_rows(book))
    insert(store, "prices", prices, book.version)
    insert(store, "model_match", match_rows(book), book.version)
    source = " ".join(book.source.values())
    listed = {"version": book.version, "listed_on": book.date, "source": source, "sha256": book.sha256}
    insert(store, "price_lists", [listed | {"models": sum(1 for _ in book.listed())}], "")
    reload(store)
    return True


def version_in_force(store: Tables) -> str:
    """Version of the price list that the next insert is priced by, empty if none was loaded."""
    (found,) = store.query(NEWEST, {"version": ""})
    return str(found["newest"])


def insert(store: Tables, table: str, rows: Iterable[Mapping[str, object]], token: str) -> None:
    """Insert rows; the same rows under the same token again change nothing."""
    data = "\n".join(json.dumps(row) for row in rows).encode()
    if data:
        store.insert_rows(table, data, token=token and f"{table}/{token}")


def reload(store: Tables) -> None:
    """Let the next insert see what was changed; other servers of a cluster see it within two minutes."""
    for script in dictionaries():
        store.execute(f"SYSTEM RELOAD DICTIONARY {script.name}", {})


def load_contract(store: Tables, book: PriceBook, overrides: Overrides) -> int:
    """Put a file of contract prices and its rates into force in place of the one that had its name; its rows."""
    rows = list(contract_rows(book, overrides))
    end_contract(store, overrides.name)
    insert(store, "fx_rates", rate_rows(overrides), "")
    insert(store, "price_overrides", rows, "")
    reload(store)
    return len(rows)


def end_contract(store: Tables, name: str) -> int:
    """Withdraw the contract prices of a name; how many rows they had."""
    found = store.query(IN_FORCE, {"name": name})
    if found:
        insert(store, "price_overrides", [{"name": name, "is_removed": True, **row} for row in found], "")
        reload(store)
    return len(found)
