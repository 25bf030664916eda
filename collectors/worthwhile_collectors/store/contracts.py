"""Contract prices, discounts, exchange rates and prices of own hardware as rows of the store."""

import re
from collections.abc import Iterator
from typing import Any, Final

from worthwhile_schemas.price_book import PriceBook
from worthwhile_schemas.prices.overrides import OF_HARDWARE, Overrides
from worthwhile_schemas.prices.rows import COUNTED, FOREVER

Row = dict[str, Any]

CONTRACTS: Final = """
SELECT * EXCEPT (model_regex, is_removed)
FROM price_overrides FINAL
WHERE NOT is_removed
ORDER BY name, number
"""
"""Rows of contracts in force."""
RATES: Final = "SELECT currency, since, usd, source FROM fx_rates FINAL ORDER BY currency, since"
WITHOUT_RATE: Final = """
SELECT DISTINCT toString(currency) AS currency
FROM price_overrides FINAL
WHERE NOT is_removed AND currency != 'USD' AND isNull(list_percent)
  AND dictGet('exchange_rates', 'usd', toString(currency), since) = 0
ORDER BY currency
"""
"""Currencies of contracts in force that nobody gave a rate for when a contract begins."""

_WILDCARDS: Final = {"*": "(?s:.*)", "?": "(?s:.)"}


def contract_rows(book: PriceBook, overrides: Overrides) -> Iterator[Row]:
    """Rows of `price_overrides` for a file of contract prices; `book` tells which provider a row means."""
    for number, row in enumerate(overrides.rows, start=1):
        provider = book.provider(row.provider)
        held: Row = {
            "name": overrides.name,
            "number": number,
            "version": overrides.version,
            "provider": provider["id"] if provider else row.provider.lower(),
            "model": row.model,
            "model_regex": regex(row.model),
            "service_tier": row.service_tier,
            "since": row.since,
            "until": row.until or FOREVER,
            "currency": row.currency,
            "list_percent": None if row.list_percent is None else str(row.list_percent),
        }
        prices = {kind: row.prices.get(kind) for kind in (*COUNTED, *OF_HARDWARE)}
        yield held | {f"{kind}_price": None if price is None else str(price) for kind, price in prices.items()}


def rate_rows(overrides: Overrides) -> Iterator[Row]:
    """Rows of `fx_rates` for the exchange rates of a file."""
    for rate in overrides.rates:
        yield {"currency": rate.currency, "since": rate.since, "usd": str(rate.usd), "source": rate.source}


def regex(pattern: str) -> str:
    """A pattern with `*` and `?` as a regular expression for the whole name."""
    return f"^{''.join(_WILDCARDS.get(sign) or re.escape(sign) for sign in pattern)}$"
