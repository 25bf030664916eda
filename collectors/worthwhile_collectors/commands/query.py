"""Run SQL on the data: trusted, local, one statement."""

import argparse
import json
import re
import sys
from typing import Final

from worthwhile_collectors.database import open_database
from worthwhile_collectors.errors import UsageError
from worthwhile_collectors.settings import add_flags, load
from worthwhile_collectors.terminal import has_color, write_data

FORMATS: Final = {
    "table": "JSONCompactEachRowWithNamesAndTypes",
    "json": "JSONEachRow",
    "jsonl": "JSONEachRow",
    "csv": "CSVWithNames",
    "tsv": "TSVWithNames",
}

_NUMBER: Final = re.compile(r"^(Nullable\(|LowCardinality\()*(U?Int|Float|Decimal)")
_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the statement, its parameters and the form of the answer."""
    parser.add_argument("sql", metavar="SQL", help="one statement, without FORMAT; - reads it from stdin")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="table",
        help="json is an array of objects, jsonl one object a line [table]",
    )
    parser.add_argument("--json", dest="format", action="store_const", const="json", help="the same as --format json")
    parser.add_argument(
        "--param", metavar="NAME=VALUE", action="append", default=[], help="value of a {name:Type} in the statement"
    )
    add_flags(parser, "data", "clickhouse")


def run(arguments: argparse.Namespace) -> int:
    """Asks the store and writes the rows."""
    settings = load(arguments).settings
    params = dict(_parameter(text) for text in arguments.param)
    sql = sys.stdin.read() if arguments.sql == "-" else arguments.sql
    sql = sql.strip().rstrip(";")
    if not sql:
        raise UsageError("reading the statement: it is empty, expected SQL", hint="worthwhile query 'SELECT 1'")
    with open_database(settings) as database:
        rows = database.query_bytes(sql, FORMATS[arguments.format], params)
    write_data(_shaped(rows, arguments.format))
    return 0


def _parameter(text: str) -> tuple[str, object]:
    name, separator, value = text.partition("=")
    if not separator or not name.isidentifier():
        raise UsageError(
            f"reading --param: found `{text}`, expected NAME=VALUE",
            hint="--param workload=ticket-reply for {workload:String}",
        )
    return name, value


def _shaped(rows: bytes, form: str) -> bytes:
    if form == "json":
        return b"[" + b",\n ".join(rows.splitlines()) + b"]\n"
    if form == "table":
        return _table(rows.decode("utf-8", "replace").splitlines(), has_color=has_color(sys.stdout)).encode("utf-8")
    return rows


def _table(lines: list[str], *, has_color: bool) -> str:
    """Rows under their names: numbers to the right, NULL told apart from text."""
    if not lines:
        return ""
    names, kinds, *rows = [json.loads(line) for line in lines]
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    is_number = [bool(_NUMBER.search(kind)) for kind in kinds]

    def aligned(row: list[str]) -> list[str]:
        columns = zip(row, widths, is_number, strict=True)
        return [cell.rjust(width) if right else cell.ljust(width) for cell, width, right in columns]

    header = "  ".join(aligned(names)).rstrip()
    shown = [f"{_BOLD}{header}{_PLAIN}" if has_color else header]
    for row, values in zip(cells, rows, strict=True):
        padded = aligned(row)
        if has_color:
            padded = [
                f"{_DIM}{cell}{_PLAIN}" if value is None else cell for cell, value in zip(padded, values, strict=True)
            ]
        shown.append("  ".join(padded).rstrip())
    return "\n".join(shown) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return value.replace("\n", "\\n").replace("\x1b", "\\e")
    return json.dumps(value, ensure_ascii=False)
