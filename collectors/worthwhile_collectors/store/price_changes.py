"""What another price list would change: models that it adds or no longer has, and prices that differ."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from worthwhile_collectors.store.tables import Tables
from worthwhile_schemas.price_book import PriceBook
from worthwhile_schemas.prices.rows import COUNTED, price_rows

_IN_FORCE: Final = """
SELECT * EXCEPT (version, until, day_until)
FROM prices FINAL
WHERE version = (SELECT argMax(version, loaded_at) FROM price_lists)
"""

Point = tuple[str, str, int, int]
"""Tier, first day, second of the day and input from which a set of prices holds."""
Prices = Mapping[str, Decimal]
Model = tuple[str, str]


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One difference between two price lists.

    Attributes:
        provider: Who sells the model.
        model: The model.
        change: Whether the model is new, gone, or has another price.
        kind: Kind of price that differs, None if the whole model is new or gone.
        tier: Service tier that it differs for, empty for all without prices of their own.
        since: First UTC day of the price that differs.
        old_usd: Price until now for one token, search or call; None if there was none.
        new_usd: Price from then on; None if there is none.
    """

    provider: str
    model: str
    change: Literal["added", "removed", "changed"]
    kind: str | None = None
    tier: str | None = None
    since: str | None = None
    old_usd: Decimal | None = None
    new_usd: Decimal | None = None


def price_changes(store: Tables, book: PriceBook) -> list[PriceChange]:
    """What `book` would change in the prices that are in force in the store, by provider and model."""
    old, new = _by_model(store.query(_IN_FORCE)), _by_model(price_rows(book))
    found: list[PriceChange] = []
    for provider, model in sorted(old.keys() | new.keys()):
        before, after = old.get((provider, model)), new.get((provider, model))
        if before is None or after is None:
            found.append(PriceChange(provider, model, "added" if before is None else "removed"))
        else:
            found += _differences(provider, model, before, after)
    return found


def _by_model(rows: Iterable[Mapping[str, Any]]) -> dict[Model, dict[Point, Prices]]:
    models: dict[Model, dict[Point, Prices]] = {}
    for row in rows:
        point: Point = (row["service_tier"], str(row["since"]), int(row["day_from"]), int(row["input_from"]))
        amounts = {kind: row[f"{kind}_price"] for kind in COUNTED} | row["other_prices"]
        prices = {kind: Decimal(amount).scaleb(-12) for kind, amount in amounts.items() if amount is not None}
        models.setdefault((row["provider"], row["model"]), {})[point] = prices
    return models


def _differences(
    provider: str, model: str, old: Mapping[Point, Prices], new: Mapping[Point, Prices]
) -> Iterator[PriceChange]:
    """Prices that differ, each at the first point where it does so in this way."""
    told: set[tuple[object, ...]] = set()
    for point in sorted(old.keys() | new.keys()):
        before, after = _at(old, point), _at(new, point)
        for kind in sorted(before.keys() | after.keys()):
            amounts = before.get(kind), after.get(kind)
            what = (point[0], kind, *amounts)
            if amounts[0] != amounts[1] and what not in told:
                told.add(what)
                yield PriceChange(provider, model, "changed", kind, point[0], point[1], *amounts)


def _at(prices: Mapping[Point, Prices], point: Point) -> Prices:
    """What holds at a point: the rows of its tier, or of every tier, that began last before it."""
    tier = point[0] if any(other[0] == point[0] for other in prices) else ""
    begun = [other for other in prices if other[0] == tier and _has_begun(other, point)]
    return prices[max(begun)] if begun else {}


def _has_begun(other: Point, point: Point) -> bool:
    return other[1] <= point[1] and other[2] <= point[2] and other[3] <= point[3]
