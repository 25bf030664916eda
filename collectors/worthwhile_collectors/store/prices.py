"""Puts price lists, contract prices and exchange rates into the store, where the next insert is priced by them."""

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from worthwhile_schemas.price_book import PriceBook
from worthwhile_schemas.prices.rows import match_rows, price_rows
from worthwhile_schemas.sql import dictionaries

if TYPE_CHECKING:
    from worthwhile_collectors.store.store import Store

NEWEST: Final = (
    "SELECT argMax(version, loaded_at) AS newest, countIf(version = {version:String}) AS times FROM price_lists"
)


def load_list(store: "Store", book: PriceBook, *, again: bool = False) -> bool:
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


def insert(store: "Store", table: str, rows: Iterable[Mapping[str, object]], token: str) -> None:
    """Insert rows; the same rows under the same token again change nothing."""
    data = "\n".join(json.dumps(row) for row in rows).encode()
    if data:
        store.insert_rows(table, data, token=token and f"{table}/{token}")


def reload(store: "Store") -> None:
    """Let the next insert see what was changed; other servers of a cluster see it within two minutes."""
    for script in dictionaries():
        store.command(f"SYSTEM RELOAD DICTIONARY {script.name}")
