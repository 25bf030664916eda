"""The report as one self-contained page: the leader's figures first, each workload in detail, the definitions last."""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Final

from worthwhile_dashboards.report import notation
from worthwhile_dashboards.report.comparison import comparison
from worthwhile_dashboards.report.definitions import definitions
from worthwhile_dashboards.report.detail import call_tables, facts_list, notes_list, workload_section
from worthwhile_dashboards.report.facts import headline_facts
from worthwhile_dashboards.report.markup import Markup, element
from worthwhile_dashboards.report.model import Report
from worthwhile_dashboards.report.notes import FIRST_STEPS, report_notes

_STYLE: Final = "\n".join((files(__package__) / name).read_text("utf-8") for name in ("page.css", "table.css"))
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none'"
)
"""What the page needs: its own stylesheet and nothing else. It is in the page; a server sends it as a header too."""


def render_html(report: Report, *, periods: Sequence[str] = ()) -> str:
    """Page without scripts and without requests, for light and dark, narrow and wide, screen and paper.

    Args:
        report: What to show.
        periods: Values of `since` to link to, such as `7d`, where a server answers `?since=7d`.
    """
    period = f"{notation.day_and_time(report.since)} to {notation.day_and_time(report.until)}, UTC"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=CONTENT_SECURITY_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),
        element("title", f"Cost per successful task, {period}"),
        element("style", Markup(_STYLE)),
    )
    top = element(
        "header",
        element("p", "worthwhile", class_="mark"),
        element("h1", "Cost per successful task"),
        element("p", period, class_="period"),
        _periods(periods),
    )
    main = _empty(report) if report.is_empty else _content(report)
    body = element("body", top, element("main", *main), _definitions(report))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _periods(periods: Sequence[str]) -> Markup | None:
    if not periods:
        return None
    links = [element("a", f"last {since}", href=f"?since={since}") for since in periods]
    return element("nav", *links, aria_label="Period")


def _empty(report: Report) -> list[Markup]:
    if report.has_history:
        text = "Nothing happened in this period. The store holds data of other periods: choose a longer one."
        return [element("section", element("h2", "No data in this period"), element("p", text), class_="empty")]
    return [
        element(
            "section",
            element("h2", "Nothing recorded yet"),
            element("p", "Add these three lines to your program:"),
            element("pre", element("code", "\n".join(FIRST_STEPS))),
            element(
                "p",
                "Run it while ",
                element("code", "worthwhile up"),
                " is running: the first figures are here seconds after the first call.",
            ),
            class_="empty",
        )
    ]


def _content(report: Report) -> list[Markup]:
    parts = [facts_list(headline_facts(report), "headline")]
    notes = report_notes(report)
    if notes:
        parts.append(notes_list(notes))
    if report.workloads:
        parts.append(comparison(report.workloads))
    parts += [workload_section(workload, place) for place, workload in enumerate(report.workloads)]
    if not report.workloads:
        parts.append(element("section", element("h2", "Calls"), call_tables(report.totals)))
    return parts


def _definitions(report: Report) -> Markup:
    terms = (element("div", element("dt", term), element("dd", meaning)) for term, meaning in definitions(report))
    return element("footer", element("h2", "Definitions"), element("dl", *terms))
