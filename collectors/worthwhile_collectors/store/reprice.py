"""Re-pricing: what calls cost as billed then and at the prices in force, and filling that in where it is wanted.

A period is worked through in chunks of whole hours of one day, so that memory is bounded. A statement that was cut in
between has done a part of its chunk; the same again does the rest, since what has its new cost is no longer changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from worthwhile_collectors.store.tables import Tables
from worthwhile_schemas.sql import reprice_statement

ROWS_AT_ONCE: Final = 1_000_000
"""Calls of one chunk, more only if a single hour has more."""

_SETTINGS: Final = (
    " SETTINGS max_threads = 2, max_insert_threads = 1, min_insert_block_size_rows = 100000, "
    "max_partitions_per_insert_block = 0, max_bytes_before_external_group_by = 1000000000"
)
_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Selection:
    """Calls in question: those that started in [since, until), of one workload, or of all if that is None."""

    since: datetime
    until: datetime
    workload: str | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """Calls of a model on a day, at two prices.

    Attributes:
        day: UTC day on which they started.
        provider: Who answered.
        model: Model that answered, or the one asked for.
        calls: How many.
        unpriced_calls: Those without a cost.
        billed_usd: Sum of the costs that they have; None if none has one.
        priced_usd: The same at the prices in force; a call without such a price counts as it is.
        filled_calls: Calls without a cost that have one at these prices.
        filled_usd: Sum of that; None if there are none.
        changed_calls: Calls whose cost is another one at these prices.
        changed_usd: By how much that is more in all; None if there are none.
    """

    day: date
    provider: str
    model: str
    calls: int
    unpriced_calls: int
    billed_usd: Decimal | None
    priced_usd: Decimal | None
    filled_calls: int
    filled_usd: Decimal | None
    changed_calls: int
    changed_usd: Decimal | None

    @property
    def difference_usd(self) -> Decimal | None:
        """What the prices in force are more by; None while nothing has a price."""
        return None if self.priced_usd is None else self.priced_usd - (self.billed_usd or 0)

    def plus(self, other: "Compared") -> "Compared":
        """The same model and day with the calls of another chunk."""
        mine = {field.name: getattr(self, field.name) for field in fields(self)[3:]}
        sums = {name: _sum(value, getattr(other, name)) for name, value in mine.items()}
        return Compared(self.day, self.provider, self.model, **sums)


@dataclass(frozen=True, slots=True)
class Revision:
    """What a re-pricing changed.

    Attributes:
        name: Its name in `price_revisions`.
        rows: Rows of `calls` that it inserted again.
        cost_usd: What they cost more than before in all; a cost that was unknown counts as 0 here.
    """

    name: str
    rows: int
    cost_usd: Decimal


def compare(store: Tables, selection: Selection) -> list[Compared]:
    """Calls by day, provider and model, as billed then and at the prices in force. Changes nothing."""
    found: dict[tuple[date, str, str], Compared] = {}
    for chunk in _chunks(store, selection):
        rows: list[dict[str, Any]] = store.query(reprice_statement("compare") + _SETTINGS, chunk)
        for row in map(_compared, rows):
            key = (row.day, row.provider, row.model)
            found[key] = found[key].plus(row) if key in found else row
    return [found[key] for key in sorted(found)]


def apply(store: Tables, selection: Selection, revision: str, *, has_cost_too: bool) -> Revision:
    """Insert calls again whose cost is another one at the prices in force, and say so in `price_revisions`.

    Args:
        store: A migrated store.
        selection: The calls.
        revision: Name for this re-pricing.
        has_cost_too: Whether to change also calls that have a cost, not only those without one.

    Raises:
        StoreError: ClickHouse refused or could not be reached; what was inserted before stays.
    """
    for chunk in _chunks(store, selection):
        values = chunk | {"revision": revision, "is_all": has_cost_too}
        store.execute(reprice_statement("apply") + _SETTINGS, values)
    [told] = store.query(reprice_statement("revision"), {"revision": revision})
    return Revision(revision, int(str(told["calls"])), Decimal(str(told["cost_usd"])))


def _compared(row: dict[str, Any]) -> Compared:
    return Compared(**row)


def _chunks(store: Tables, selection: Selection) -> Iterator[dict[str, object]]:
    """Parameters of the statements for hours in order, as many of a day at once as have few enough calls."""
    which: dict[str, object] = {"any_workload": selection.workload is None, "workload": selection.workload or ""}
    period = {"since": _text(selection.since), "until": _text(selection.until)}
    hours: list[dict[str, Any]] = store.query(reprice_statement("hours"), period | which)
    begin: datetime | None = None
    rows = 0
    for position, row in enumerate(hours):
        hour: datetime = row["hour"]
        begin = hour if begin is None else begin
        rows += row["calls"]
        following = hours[position + 1] if position + 1 < len(hours) else None
        is_last = following is None or following["hour"].date() != hour.date()
        if is_last or (following is not None and rows + following["calls"] > ROWS_AT_ONCE):
            since, until = max(begin, selection.since), min(hour + _HOUR, selection.until)
            yield {"since": _text(since), "until": _text(until)} | which
            begin, rows = None, 0


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _sum(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else one + other
