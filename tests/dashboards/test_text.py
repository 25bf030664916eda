import os
import re
import unicodedata
from pathlib import Path

import pytest

from worthwhile_dashboards.report import Report, render_text

SNAPSHOTS = Path(__file__).parent / "snapshots"


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def check(name: str, text: str) -> None:
    """Compare with the snapshot; UPDATE_SNAPSHOTS=1 rewrites it, to be read in the diff."""
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [80, 140])
def test_report_reads_as_agreed(report: Report, width: int) -> None:
    check(f"report_{width}", render_text(report, color=False, width=width))


def test_empty_store_says_what_to_do(empty_report: Report) -> None:
    check("empty_80", render_text(empty_report, color=False, width=80))


@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
def test_no_line_is_wider_than_the_terminal(report: Report, width: int) -> None:
    for line in render_text(report, color=False, width=width).splitlines():
        assert columns(line) <= width, line


def test_colour_changes_nothing_but_colour(report: Report) -> None:
    plain = render_text(report, color=False, width=100)
    coloured = render_text(report, color=True, width=100)
    assert coloured != plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_names_cannot_write_to_the_terminal(report: Report) -> None:
    text = render_text(report, color=False, width=140)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert r"\x1b[31m\u202e" in text


def test_unknown_is_never_shown_as_zero(report: Report) -> None:
    section = render_text(report, color=False, width=140).split("\nclassify-日本語\n")[1]
    assert re.search(r"Cost +unknown +240 calls", section)
    assert re.search(r"Cache hits +not measured", section)
    assert "$0" not in section
