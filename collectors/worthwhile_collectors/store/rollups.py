"""Settling roll-ups: hours that were written to are computed again, in chunks, by statements in the database.

Any process may do this at any time, several at once as well, and be killed at any point: a computing of an hour counts
only when all its rows are there (`clickhouse/settle`).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from worthwhile_schemas.sql import settle_steps, sweep, touch_everything

if TYPE_CHECKING:
    from collections.abc import Callable

    from worthwhile_collectors.store.store import Store

SWEEP_AT: Final = 50
"""Replaced computings of hours and days that are left lying; until then they cost less than deleting them."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What there is to settle.

    Attributes:
        due_hours: Hours that were written to since they were settled, have ended, and are quiet.
        due_calls: Rows that were written to these.
        live_hours: All hours that views read from calls themselves: those, the current one, and others in motion.
    """

    due_hours: int
    due_calls: int
    live_hours: int


def backlog(store: "Store") -> Backlog:
    """What a settling would find now."""
    [found] = store.query(
        "SELECT countIf(is_due) AS hours, sumIf(calls, is_due) AS calls, count() AS live FROM settle_backlog"
    )
    return Backlog(*(int(str(found[name])) for name in ("hours", "calls", "live")))


def settle(store: "Store", *, is_wanted: "Callable[[], bool]" = lambda: True) -> int:
    """Settle what is due, chunk by chunk, until nothing is or `is_wanted` says no.

    Returns:
        How many hours were settled.

    Raises:
        StoreError: ClickHouse refused or could not be reached; what was settled before stays so.
    """
    settled = 0
    while is_wanted():
        done = _settle_chunk(store, is_wanted)
        settled += done
        if not done:
            break
    _sweep(store)
    return settled


def touch_all(store: "Store") -> None:
    """Mark every hour as written to, because what calls mean has changed: all are live until they are settled again."""
    store.command(touch_everything())


def _sweep(store: "Store") -> None:
    """Delete generations that were replaced, when there are enough of them to be worth it."""
    [found] = store.query("SELECT count() AS replaced FROM settle_garbage")
    if int(str(found["replaced"])) >= SWEEP_AT:
        for statement in sweep():
            store.command(statement)


def _settle_chunk(store: "Store", is_wanted: "Callable[[], bool]") -> int:
    """One round of all steps: hours that it settled. A round without a plan still completes what another one began."""
    planned = 0
    for step in settle_steps():
        if not is_wanted():
            return 0
        store.command(step.insert)
        if step.table == "settle_plan":
            planned = _planned(store)
    return planned - _planned(store)


def _planned(store: "Store") -> int:
    [found] = store.query("SELECT uniqExact(hour) AS hours FROM settle_hours")
    return int(str(found["hours"]))
