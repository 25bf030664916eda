"""Show cost per successful task, and what stands behind it."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from worthwhile_collectors.answers import Form, ReportRequest
from worthwhile_collectors.database import open_database
from worthwhile_collectors.errors import UsageError
from worthwhile_collectors.period import period
from worthwhile_collectors.settings import add_flags, load
from worthwhile_collectors.terminal import has_color, say, width, write_data


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what to report on, and in which form."""
    parser.add_argument("--since", metavar="WHEN", help="beginning: 30d, 12h, 2026-01-31, 2026-01-31T08:00 (UTC) [30d]")
    parser.add_argument("--until", metavar="WHEN", help="end, not included, written likewise [now]")
    parser.add_argument("--workload", metavar="NAME", help="only this workload")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="JSON to stdout (worthwhile.report/1)")
    form.add_argument("--html", metavar="FILE", type=Path, help="write one page; - is stdout")
    add_flags(parser, "data", "clickhouse")


def run(arguments: argparse.Namespace) -> int:
    """Asks the store and shows the answer."""
    settings = load(arguments).settings
    since, until = period(arguments.since, arguments.until, now=datetime.now(UTC))
    form: Form = "json" if arguments.json else "html" if arguments.html else "text"
    request = ReportRequest(since, until, arguments.workload, form, color=has_color(sys.stdout), width=width())
    with open_database(settings) as database:
        shown = database.report(request)
    if arguments.html and str(arguments.html) != "-":
        _write_page(arguments.html, shown)
    else:
        write_data(shown.encode("utf-8"))
    return 0


def _write_page(path: Path, page: str) -> None:
    try:
        path.write_text(page, "utf-8")
    except OSError as err:
        raise UsageError(
            f"writing the page `{path}`: {err.strerror}, expected a file in a folder that exists",
            hint="--html report.html",
        ) from err
    say(f"wrote {path}")
