# ruff: noqa: N818 - the documented names
"""What the store raises on purpose.

StoreError                       the database refuses (worthwhile_collectors.errors)
├── StoreBusy                    another process has the data folder open
├── StoreReadOnly                the data folder or the database takes no writes
├── StoreFull                    no room left on the disk
├── StoreNewer                   the schema was made by a newer worthwhile
├── StoreAltered                 a migration was applied with another text than this worthwhile has
├── StoreMissing                 the tables are not there yet
├── StoreUnreachable             no ClickHouse answers at the address
├── StoreDenied                  user or password are wrong, or the user may not do this
├── StoreOverloaded              out of memory, time, slots or quota, or a part of the cluster is away
└── QueryFailed                  ClickHouse could not run a statement
"""

import re
from typing import Final

from worthwhile_collectors.errors import StoreError
from worthwhile_collectors.store.codes import DENIED, FULL, MISSING, OVERLOADED, READ_ONLY, Fault, fault


class StoreBusy(StoreError):
    """Another process has the data folder open."""

    default_code = "store_busy"
    default_exit_status = 2


class StoreReadOnly(StoreError):
    """The data folder or the database takes no writes."""

    default_code = "store_read_only"
    default_exit_status = 2


class StoreFull(StoreError):
    """No room is left on the disk."""

    default_code = "store_full"


class StoreNewer(StoreError):
    """The schema was made by a newer worthwhile."""

    default_code = "store_newer"
    default_exit_status = 2


class StoreAltered(StoreError):
    """A migration was applied with another text than this worthwhile has."""

    default_code = "store_altered"
    default_exit_status = 2


class StoreMissing(StoreError):
    """The tables are not there yet."""

    default_code = "store_missing"
    default_exit_status = 2


class StoreUnreachable(StoreError):
    """No ClickHouse answers at the address."""

    default_code = "store_unreachable"


class StoreDenied(StoreError):
    """User or password are wrong, or the user may not do this."""

    default_code = "store_denied"
    default_exit_status = 2


class StoreOverloaded(StoreError):
    """Out of memory, time, slots or quota, or a part of the cluster is away; the same may work later."""

    default_code = "store_overloaded"


class QueryFailed(StoreError):
    """ClickHouse could not run a statement; `exception_code` is ClickHouse's number, 0 if it gave none."""

    default_code = "query_failed"

    def __init__(self, message: str, *, hint: str | None = None, exception_code: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.exception_code = exception_code

    @property
    def fault(self) -> Fault:
        """What is at fault if the statement was an insert."""
        return fault(self.exception_code)


EXCEPTION_CODE: Final = re.compile(r"Code: (\d+)")


def from_clickhouse(doing: str, text: str) -> StoreError:
    """The error of ours for an exception text of ClickHouse.

    Args:
        doing: What was being done, as the beginning of a sentence.
        text: What ClickHouse said.
    """
    found = EXCEPTION_CODE.search(text)
    code = int(found.group(1)) if found else 0
    said = _first_line(text)
    if code in FULL or "No space left on device" in text:
        return StoreFull(
            f"{doing}: no room left on the disk (`{said}`)",
            hint="free some disk space; nothing is lost, the batch is kept for a retry",
        )
    if "Read-only file system" in text or code in READ_ONLY or "READONLY" in text:
        return StoreReadOnly(
            f"{doing}: the database takes no writes (`{said}`)", hint="use a writable folder, or a user that may write"
        )
    if code in DENIED:
        return StoreDenied(
            f"{doing}: access denied (`{said}`)", hint="check user and password in the URL, and the user's grants"
        )
    if code in OVERLOADED:
        return StoreOverloaded(
            f"{doing}: `{said}`", hint="try again; give ClickHouse more memory, or insert smaller batches"
        )
    if code in MISSING:
        return StoreMissing(f"{doing}: `{said}`", hint="run `worthwhile migrate` first")
    return QueryFailed(f"{doing}: `{said}`", exception_code=code)


def quoted_sql(sql: str) -> str:
    """A statement for a message: one line, cut."""
    flat = " ".join(sql.split())
    return flat if len(flat) <= 120 else flat[:117] + "..."


def _first_line(text: str) -> str:
    line = next((line for line in text.splitlines() if line.strip()), "no message")
    return line.strip()[:600]
