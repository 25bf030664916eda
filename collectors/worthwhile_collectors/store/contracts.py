"""Contract prices, discounts, exchange rates and prices of own hardware as rows of the store."""

import re
from collections.abc import Iterator
from typing import Any, Final

from worthwhile_schemas.price_book import PriceBook
from worthwhile_schemas.prices.overrides import Overrides
from worthwhile_schemas.prices.rows import COUNTED, FOREVER

Row = dict[str, Any]

_WILDCARDS: Final = {"*": "(?s:.*)", "?": "(?s:.)"}


def contract_rows(book: PriceBook, overrides: Overrides) -> Iterator[Row]:
    """Rows of `price_overrides` for a file of contract prices; `book` tells which provider a row means."""
    name = overrides.version.rpartition(".")[0]
    for number, row in enumerate(overrides.rows, start=1):
        provider = book.provider(row.provider)
        held: Row = {
            "name": name,
            "number": number,
            "version": overrides.version,
            "provider": provider["id"] if provider else row.provider.lower(),
            "model": row.model,
            "model_regex": regex(row.model),
            "service_tier": row.service_tier,
            "since": row.since,
            "until": row.until or FOREVER,
            "currency": "USD",
        }
        prices = {kind: row.prices.get(kind) for kind in COUNTED}
        yield held | {f"{kind}_price": None if price is None else str(price) for kind, price in prices.items()}


def regex(pattern: str) -> str:
    """A pattern with `*` and `?` as a regular expression for the whole name."""
    return f"^{''.join(_WILDCARDS.get(sign) or re.escape(sign) for sign in pattern)}$"
