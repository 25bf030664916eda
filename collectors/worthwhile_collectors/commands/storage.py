"""Show bytes of tables and columns, their growth, and when a disk is full."""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

# Only commands import this module, so `import worthwhile` stays free of pydantic.
from pydantic import ByteSize, TypeAdapter, ValidationError  # noqa: TID253

from worthwhile_collectors.database import Database, open_database
from worthwhile_collectors.errors import UsageError
from worthwhile_collectors.settings import add_flags, load

TABLES: Final = "SELECT * FROM storage_tables ORDER BY bytes DESC, table"
COLUMNS: Final = "SELECT * FROM storage_columns WHERE table = {table:String} ORDER BY bytes DESC, column"


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the tables will take, if every day is like those of the last week.

    Attributes:
        bytes_now: What they take.
        bytes_per_day: What a day adds.
        bytes_at_rest: What they take once each table deletes by age as much as comes; None if one never deletes.
        until: Day that was asked for.
        bytes_until: What they will take on that day.
        size: Size that was asked for [bytes].
        full_on: Day on which that size is reached; None if it never is, as far as one can tell.
    """

    bytes_now: int
    bytes_per_day: int
    bytes_at_rest: int | None
    until: date | None
    bytes_until: int | None
    size: int | None
    full_on: date | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what to show and to forecast."""
    parser.add_argument("--columns", metavar="TABLE", help="columns of this table instead of all tables")
    parser.add_argument("--until", metavar="DATE", help="forecast what all tables take on that day, such as 2027-06-30")
    parser.add_argument("--size", metavar="BYTES", help="forecast the day on which they take so much, such as 500GB")
    parser.add_argument("--json", action="store_true", help="JSON to stdout (worthwhile.storage/1)")
    add_flags(parser, "data", "clickhouse")


def run(arguments: argparse.Namespace) -> int:
    """Shows tables or columns, and the forecast."""
    until, size = _day(arguments.until), _size(arguments.size)
    with open_database(load(arguments).settings) as database:
        tables = _rows(database, TABLES, {})
        columns = _rows(database, COLUMNS, {"table": arguments.columns}) if arguments.columns else None
    if columns == []:
        raise UsageError(
            f"reading --columns: nothing is known of columns of `{arguments.columns}`, expected one of the tables "
            + ", ".join(f"`{row['table']}`" for row in tables),
            hint="a table with little data keeps its columns in one file: then only the table's size is known",
        )
    forecast = forecast_of(tables, until=until, size=size, today=datetime.now(UTC).date())
    if arguments.json:
        told = {"schema": "worthwhile.storage/1", "tables": tables, "columns": columns, "forecast": asdict(forecast)}
        sys.stdout.write(json.dumps(told, default=str) + "\n")
        return 0
    sys.stdout.write(_table_of_columns(columns) if columns else _table_of_tables(tables))
    sys.stdout.write("\n" + "\n".join(_sentences(forecast)) + "\n")
    return 0


def forecast_of(tables: list[dict[str, Any]], *, until: date | None, size: int | None, today: date) -> Forecast:
    """The forecast for tables as `storage_tables` has them."""

    def bytes_in(days: int) -> int:
        return sum(_bytes_in(table, days) for table in tables)

    is_endless = any(table["keep_days"] is None and table["bytes_per_day"] > 0 for table in tables)
    longest = max((table["keep_days"] or 0 for table in tables), default=0)
    full_after = next((days for days in range(100 * 366) if size is not None and bytes_in(days) >= size), None)
    return Forecast(
        bytes_now=bytes_in(0),
        bytes_per_day=round(sum(table["bytes_per_day"] for table in tables)),
        bytes_at_rest=None if is_endless else bytes_in(longest),
        until=until,
        bytes_until=None if until is None else bytes_in(max(0, (until - today).days)),
        size=size,
        full_on=None if full_after is None else today + timedelta(days=full_after),
    )


def _bytes_in(table: dict[str, Any], days: int) -> int:
    """Bytes of a table after so many days: growing, but to no more than what it keeps."""
    now, a_day = float(table["bytes"]), float(table["bytes_per_day"])
    kept = table["keep_days"]
    return round(now + days * a_day if kept is None else min(now + days * a_day, max(now, kept * a_day)))


def _rows(database: Database, sql: str, params: dict[str, object]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in database.query_bytes(sql, "JSONEachRow", params).splitlines()]


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as err:
        raise UsageError(f"reading --until: found `{text}`, expected a date", hint="--until 2027-06-30") from err


def _size(text: str | None) -> int | None:
    try:
        return int(TypeAdapter(ByteSize).validate_python(text)) if text else None
    except ValidationError as err:
        raise UsageError(f"reading --size: found `{text}`, expected a size", hint="--size 500GB") from err


def _table_of_tables(tables: list[dict[str, Any]]) -> str:
    lines = [f"{'table':26}{'rows':>14}{'bytes':>10}{'a row':>8}{'a day':>10}{'kept':>8}"]
    lines += [
        f"{row['table']:26}{row['rows']:>14,}{_shown(row['bytes']):>10}{row['bytes_per_row'] or 0:>8.1f}"
        f"{_shown(row['bytes_per_day']):>10}{f'''{row['keep_days']} d''' if row['keep_days'] else '-':>8}"
        for row in tables
    ]
    return "\n".join(lines) + "\n"


def _table_of_columns(columns: list[dict[str, Any]]) -> str:
    lines = [f"{'column':32}{'bytes':>10}{'a row':>9}{'factor':>8}  codec"]
    lines += [
        f"{row['column']:32}{_shown(row['bytes']):>10}{row['bytes_per_row'] or 0:>9.3f}"
        f"{row['uncompressed_bytes'] / row['bytes']:>8.1f}  {row['codec']}"
        for row in columns
    ]
    return "\n".join(lines) + "\n"


def _sentences(forecast: Forecast) -> list[str]:
    said = [f"{_shown(forecast.bytes_now)} in all; the last week added {_shown(forecast.bytes_per_day)} a day"]
    if forecast.bytes_at_rest is not None:
        said.append(f"at this rate it stays below {_shown(forecast.bytes_at_rest)}, because rows are deleted by age")
    if forecast.bytes_until is not None:
        said.append(f"{_shown(forecast.bytes_until)} on {forecast.until}")
    if forecast.size is not None:
        said.append(
            f"{_shown(forecast.size)} on {forecast.full_on}" if forecast.full_on else "never the size asked for"
        )
    return said


def _shown(size: float) -> str:
    return ByteSize(round(size)).human_readable(decimal=True)
