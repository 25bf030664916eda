"""What each figure means, shown under the report wherever it is shown."""

from typing import Final

from worthwhile_dashboards.report.model import Report
from worthwhile_dashboards.report.notation import printable

_COST_PER_SUCCESS: Final = (
    "cost of the labelled tasks, with every call under them, retries, fallbacks and failures included, divided by the "
    "successes among them. 95% interval by Fieller's theorem for a ratio of means, Student t."
)
_TASK: Final = (
    "one unit of account: all runs with the same workload and key, or one run without a key; counted in the period in "
    "which it started. A completed task is not a successful one: success needs an outcome."
)
_SUCCESS: Final = (
    "the task's current outcome: human before automated before system, then the latest. 95% interval by Wilson."
)
_QUANTILES: Final = "exact quantiles (quantileExact): latency over runs, first chunk and models over calls."
_SPEND: Final = (
    "known cost of every call that started in the period, each once. A nested workload's calls are also in the figures "
    "of the workload around it, so that workloads need not add up to the spend."
)
_UNKNOWN: Final = "never counted as zero: a call without a price or usage has no cost, and coverage says how many."


METHODS: Final = (
    "Cost per success is over tasks with an outcome. Intervals: Fieller's for the cost, Wilson's for the rate. P50 and "
    "P95: quantileExact. Unknown is never counted as zero."
)
"""The definitions in brief, for the terminal."""


def definitions(report: Report) -> tuple[tuple[str, str], ...]:
    """Terms with their meanings, for this report."""
    return (
        ("Cost per success", _COST_PER_SUCCESS),
        ("Task", _TASK),
        ("Success", _SUCCESS),
        ("P50, P95", _QUANTILES),
        ("Spend", _SPEND),
        ("Unknown", _UNKNOWN),
        ("Prices", prices(report)),
    )


def prices(report: Report) -> str:
    """What price data is behind the costs."""
    if not report.price_versions:
        return "no cost of this period comes from a price snapshot."
    return f"snapshot {', '.join(map(printable, report.price_versions))}."
