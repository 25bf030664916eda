"""The table that compares workloads: the leader's part of the page."""

from collections.abc import Sequence

from worthwhile_dashboards.report import notation
from worthwhile_dashboards.report.chart import interval_axis, interval_bar
from worthwhile_dashboards.report.markup import Markup, element, join
from worthwhile_dashboards.report.model import Workload
from worthwhile_dashboards.report.notation import count, duration, percent, printable, usd
from worthwhile_dashboards.report.notes import workload_flags
from worthwhile_dashboards.report.scale import Scale, cost_scale
from worthwhile_dashboards.report.table import cell, column_head, framed, row_head, small


def comparison(workloads: Sequence[Workload]) -> Markup:
    """Section with one row per workload, intervals on a shared axis."""
    scale = cost_scale(workloads)
    axis = interval_axis(scale) if scale else None
    heads = (
        ("Workload", None),
        ("Cost per success", "number"),
        (join(["95% interval", axis or Markup()]), "bar"),
        ("Success rate", "number"),
        ("With outcome", "number"),
        ("P95 latency", "number"),
        ("Fallbacks", "number"),
        ("Cache hits", "number"),
        ("Calls priced", "number"),
    )
    return element(
        "section",
        element("h2", "By workload", id="by-workload"),
        framed(
            "The dot is the cost per successful task, the bar its 95% interval"
            + (", on a logarithmic axis." if scale and scale.is_log else "."),
            [column_head(title, class_) for title, class_ in heads],
            [_row(workload, scale, place) for place, workload in enumerate(workloads)],
            class_="comparison cards",
        ),
    )


def _row(workload: Workload, scale: Scale | None, place: int) -> Markup:
    low, high = workload.cost_per_success_interval
    calls, flags = workload.calls, workload_flags(workload)
    estimate = workload.cost_per_success_usd
    bar = interval_bar(workload, estimate, scale) if scale and estimate else None
    rate = workload.success_rate_interval
    return element(
        "tr",
        row_head(
            element("a", printable(workload.name), href=f"#workload-{place}"),
            small(", ".join(flags)) if flags else None,
        ),
        cell("Cost per success", usd(workload.cost_per_success_usd)),
        element(
            "td", bar, small(notation.usd_interval(low, high)), class_="bar", data_label="95% interval", role="cell"
        ),
        cell("Success rate", percent(workload.success_rate), notation.percent_interval(rate) if rate else None),
        cell("With outcome", percent(workload.label_coverage), f"{workload.labelled:,} of {workload.tasks:,}"),
        cell("P95 latency", duration(workload.latency_p95_ns)),
        cell("Fallbacks", count(calls.fallbacks)),
        cell("Cache hits", percent(calls.cache_hit_rate)),
        cell("Calls priced", percent(calls.cost_coverage)),
        role="row",
    )
