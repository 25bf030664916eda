"""Settling tasks: what an insert touched is computed again as a whole, and the figures of its days with it.

`touched_tasks` is the queue. A settling takes whole parts of it, computes the units of account that they name from the
rows of calls, runs and signals, appends these, and drops the parts that are quiet: what a younger part is about may not
be visible yet, so that it is computed again. Killed in between, it does the same again, which changes nothing. Several
settlings of a database at a time do the same work, each in rows of its own.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from worthwhile_collectors.store.errors import QueryFailed
from worthwhile_schemas.sql import Script, settling

if TYPE_CHECKING:
    from worthwhile_collectors.store.store import Store

ROWS_AT_ONCE: Final = 1_500_000
"""Rows of the queue that one round takes: bounds its memory, to about a gigabyte."""

FEW_SLICES: Final = 4
"""So many slices are shares of the units, which each read all calls of the queue's days; more of them are hours."""

QUIET_S: Final = 30
"""How old a part of the queue must be to be dropped: calls that it is about may become visible after it."""

_NO_SUCH_PART: Final = 232
_QUEUE: Final = "touched_tasks"
_TOUCHED: Final = "SELECT count() AS touched FROM touched_tasks"
_HOURS: Final = "SELECT toUnixTimestamp(hour) AS hour, count() AS rows FROM touched_tasks GROUP BY hour ORDER BY hour"
_STAGED: Final = {"tasks_runs": ("units",), "tasks_facts": ("units", "runs")}
"""What was worked out before a step and is read by it, instead of the views of the same name."""
_STAGES: Final = ("units", "runs")
"""What a settling works out once, in `settling_units` and `settling_runs`."""

_FOUND: Final = "SELECT groupUniqArray(toString(toDate(hour))) AS days, uniqExact(task_ref) AS units FROM settling_runs"
_VERSION: Final = "SELECT max(version) + 1 AS version FROM task_settlings"
_PARTS: Final = """
SELECT name, rows, modification_time <= now() - toIntervalSecond({age:Float64}) AS is_quiet
FROM system.parts
WHERE database = currentDatabase() AND table = {queue:String} AND active
ORDER BY min_block_number
"""


@dataclass(frozen=True, slots=True)
class SettledTasks:
    """What a settling did.

    Attributes:
        touched: Rows of the queue that it took.
        units: Units of account that it computed.
        days: Cohort days whose figures it computed.
    """

    touched: int
    units: int
    days: int


def settle_tasks(store: "Store", now: datetime, *, quiet_s: float = QUIET_S) -> SettledTasks:
    """Settle everything that was touched.

    Args:
        store: The migrated database.
        now: When this is, aware; figures by day say so.
        quiet_s: Age of the parts that are done with; 0 when nothing else inserts.

    Raises:
        StoreError: ClickHouse refused or could not be reached; what was settled stays settled.
    """
    done = SettledTasks(0, 0, 0)
    seen: set[str] = set()
    while parts := {name: part for name, part in _queue(store, quiet_s).items() if name not in seen}:
        taken = _bounded(parts)
        for condition in _conditions(store, taken, is_whole=not seen and len(taken) == len(parts)):
            settled = _settle(store, now, condition)
            done = SettledTasks(done.touched + settled.touched, done.units + settled.units, done.days + settled.days)
        seen |= taken.keys()
        for name in taken:
            if taken[name].is_quiet:
                _drop(store, name)
    return done


@dataclass(frozen=True, slots=True)
class _Part:
    rows: int
    is_quiet: bool


def _queue(store: "Store", quiet_s: float) -> dict[str, _Part]:
    found = store.query(_PARTS, {"queue": _QUEUE, "age": quiet_s})
    return {str(row["name"]): _Part(int(str(row["rows"])), bool(row["is_quiet"])) for row in found}


def _bounded(parts: Mapping[str, _Part]) -> dict[str, _Part]:
    taken: dict[str, _Part] = {}
    rows = 0
    for name, part in parts.items():
        rows += part.rows
        if taken and rows > ROWS_AT_ONCE:
            break
        taken[name] = part
    return taken


def _conditions(store: "Store", parts: Mapping[str, _Part], *, is_whole: bool) -> Iterator[str]:
    """What tells the rows of these parts, once for every so many of them; nothing if all of the queue is meant.

    Where it is all of the queue, a merge of parts meanwhile is none of our business. A unit of which rows are in two
    slices is settled by either, and is right after the second.
    """
    only = "" if is_whole else "(" + " OR ".join(f"_part = '{name}'" for name in parts) + ")"
    shares = -(-sum(part.rows for part in parts.values()) // ROWS_AT_ONCE)
    if shares <= 1:
        yield only
        return
    pieces = _shares(shares)
    if shares > FEW_SLICES:
        found = store.query(_HOURS + _settings(only))
        pieces = _slices([(int(str(row["hour"])), int(str(row["rows"]))) for row in found])
    for piece in pieces:
        yield f"{only} AND {piece}" if only else piece


def _shares(shares: int) -> Iterator[str]:
    """Conditions for so many shares of all units: what a unit is touched by is in one of them, judgements included."""
    yield from (f"if(task_ref = 0, id, task_ref) % {shares} = {share}" for share in range(shares))


def _slices(hours: Iterable[tuple[int, int]]) -> Iterator[str]:
    """Conditions for hours in a row with so many rows together, and for shares of a single hour that has more."""
    first, last, held = 0, -1, 0
    for hour, rows in hours:
        if held and held + rows > ROWS_AT_ONCE:
            yield f"hour BETWEEN toDateTime({first}) AND toDateTime({last})"
            held = 0
        if rows > ROWS_AT_ONCE:  # signals, which have no hour; a busy hour
            shares = -(-rows // ROWS_AT_ONCE)
            yield from (f"hour = toDateTime({hour}) AND {share}" for share in _shares(shares))
            continue
        first, last, held = hour if not held else first, hour, held + rows
    if held:
        yield f"hour BETWEEN toDateTime({first}) AND toDateTime({last})"


def _settle(store: "Store", now: datetime, condition: str) -> SettledTasks:
    """Settle the rows of the queue for which a condition holds."""
    version = int(str(store.query(_VERSION)[0]["version"]))
    settling = secrets.randbits(63)
    only = _settings(condition, settling)
    [rows] = store.query(_TOUCHED + only)
    _run(store, "tasks_links", {}, only)
    for step in _STAGES:
        _run(store, f"tasks_{step}", {"settling": settling}, only)
    [found] = store.query(_FOUND + only)
    days = found["days"]
    _run(store, "tasks_waiting", {"version": version}, only)
    if days:
        _run(store, "tasks_facts", {"version": version}, only)
        _run(store, "tasks_moved", {"version": version}, only)
        _run(store, "tasks_days", {"days": days, "version": version, "now": now}, _settings(""))
    done = SettledTasks(int(str(rows["touched"])), int(str(found["units"])), len(days) if isinstance(days, list) else 0)
    counts = {"touched": done.touched, "units": done.units, "days": done.days}
    _run(store, "tasks_done", {"version": version, "now": now} | counts)
    for step in _STAGES:
        store.command(f"DELETE FROM settling_{step} WHERE settling = {settling}")  # noqa: S608 - both are ours
    return done


def _settings(condition: str, settling: int | None = None) -> str:
    """Settings of a step, under which every view sees a part of the queue only, and what this settling has staged."""
    filters = {_QUEUE: condition} if condition else {}
    if settling is not None:
        filters |= {f"settling_{step}": f"settling = {settling}" for step in _STAGES}
    listed = ", ".join(f"'{table}': '{_quoted(condition)}'" for table, condition in filters.items())
    always = " SETTINGS max_partitions_per_insert_block = 0, do_not_merge_across_partitions_select_final = 1"
    return f"{always}, additional_table_filters = {{{listed}}}" if filters else always


def _quoted(condition: str) -> str:
    return condition.replace("'", "\\'")


def _drop(store: "Store", part: str) -> None:
    try:
        store.command(f"ALTER TABLE {_QUEUE} DROP PART '{part}'")
    except QueryFailed as err:
        if err.exception_code != _NO_SUCH_PART:  # merged into another one meanwhile, which is settled again
            raise


def _run(store: "Store", name: str, values: Mapping[str, object], settings: str = "") -> None:
    store.query_bytes(_statement(name) + settings, "Null", values)


@cache
def _statement(name: str) -> str:
    text = (files("worthwhile_schemas") / "clickhouse" / "settle" / f"{name}.sql").read_text("utf-8")
    statement = Script("view", 0, name, text).statements[0]
    return settling(statement, *_STAGED.get(name, ()))
