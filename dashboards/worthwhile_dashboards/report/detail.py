"""One workload in full: its figures in words, its days, and tables of models, costs, fallbacks and errors."""

from collections.abc import Iterable, Sequence

from worthwhile_dashboards.report import notation
from worthwhile_dashboards.report.chart import cost_by_day, highest_cost, success_by_day
from worthwhile_dashboards.report.facts import Fact, basis_name, workload_facts
from worthwhile_dashboards.report.markup import Markup, element
from worthwhile_dashboards.report.model import CallFigures, DayCohort, Workload
from worthwhile_dashboards.report.notation import count, duration, percent, printable, usd
from worthwhile_dashboards.report.notes import workload_notes
from worthwhile_dashboards.report.table import small, table


def workload_section(workload: Workload, place: int) -> Markup:
    """Section that the comparison's row number `place` links to."""
    notes = workload_notes(workload)
    return element(
        "section",
        element("h2", printable(workload.name)),
        notes_list(notes) if notes else None,
        facts_list(workload_facts(workload), "facts"),
        *(_days(workload.days) if len(workload.days) > 1 else ()),
        call_tables(workload.calls),
        id=f"workload-{place}",
        class_="workload",
    )


def notes_list(notes: Iterable[str]) -> Markup:
    """Caveats, set apart."""
    return element("ul", *(element("li", note) for note in notes), class_="notes")


def call_tables(calls: CallFigures) -> Markup:
    """Tables that break a set of calls down, without those that would be empty."""
    tables = [_models(calls), _bases(calls)]
    if any(tier.tier for tier in calls.tiers):
        tables.append(_tiers(calls))
    if calls.routes:
        tables.append(_routes(calls))
    if calls.errors:
        rows = [(printable(e.error_type), count(e.calls)) for e in calls.errors]
        tables.append(table("Errors", ("Type", "Calls"), rows))
    return element("div", *tables, class_="tables")


def facts_list(facts: Iterable[Fact], class_: str) -> Markup:
    """Figures with their names above and what stands behind them below."""
    return element("dl", *(_fact(fact) for fact in facts), class_=class_)


def _fact(fact: Fact) -> Markup:
    return element(
        "div",
        element("dt", fact.name),
        element("dd", fact.value, class_="value" if fact.is_known else "value unknown"),
        element("dd", fact.detail, class_="detail"),
    )


def _days(days: Sequence[DayCohort]) -> Iterable[Markup]:
    span = f"{days[0].day} to {days[-1].day}" + (
        "; hollow days are immature" if any(day.is_mature is False for day in days) else ""
    )
    yield element(
        "div",
        element("figure", element("figcaption", "Success rate by day, 0 to 100%", small(span)), success_by_day(days)),
        element(
            "figure",
            element("figcaption", f"Cost per success by day, $0 to {usd(highest_cost(days))}", small(span)),
            cost_by_day(days),
        ),
        class_="trends",
    )
    rows = [
        (
            f"{day.day} (immature)" if day.is_mature is False else day.day,
            count(day.tasks),
            count(day.labelled),
            count(day.successes),
            usd(day.cost_per_success_usd),
        )
        for day in days
    ]
    heads = ("Day", "Tasks", "With outcome", "Successes", "Cost per success")
    yield element("details", element("summary", "Days as a table"), table("Tasks by start day, UTC", heads, rows))


def _models(calls: CallFigures) -> Markup:
    rows = [
        (
            printable(m.model) or notation.UNKNOWN,
            printable(m.provider),
            count(m.calls),
            percent(m.calls / calls.calls),
            count(m.failed_calls),
            usd(m.cost_usd),
            duration(m.duration_p95_ns),
        )
        for m in calls.models
    ]
    return table("Models", ("Model", "Provider", "Calls", "Share", "Failed", "Cost", "P95"), rows, texts=2)


def _bases(calls: CallFigures) -> Markup:
    rows = [(basis_name(b.basis), count(b.calls), percent(b.calls / calls.calls), usd(b.cost_usd)) for b in calls.bases]
    return table("Where costs come from", ("Basis", "Calls", "Share", "Cost"), rows)


def _tiers(calls: CallFigures) -> Markup:
    rows = [
        (printable(t.tier) or notation.UNKNOWN, count(t.calls), percent(t.calls / calls.calls), usd(t.cost_usd))
        for t in calls.tiers
    ]
    return table("Tiers", ("Tier", "Calls", "Share", "Cost"), rows)


def _routes(calls: CallFigures) -> Markup:
    rows = [
        (
            f"{printable(route.from_model)} → {printable(route.to_model)}",
            printable(route.reason),
            count(route.calls),
            count(route.answered),
        )
        for route in calls.routes
    ]
    return table("Fallbacks", ("Route", "After", "Calls", "Answered"), rows, texts=2)
