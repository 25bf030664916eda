"""Figures in words: name, value and what stands behind it, the same in the terminal and on the page."""

from collections.abc import Iterator
from dataclasses import dataclass

from worthwhile_dashboards.report import notation
from worthwhile_dashboards.report.model import CallFigures, Report, Workload
from worthwhile_dashboards.report.notation import count, counted, duration, percent, printable, usd


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure as people read it."""

    name: str
    value: str
    detail: str

    @property
    def is_known(self) -> bool:
        """Whether the value is a figure."""
        return self.value not in (notation.UNKNOWN, notation.NOT_MEASURED)


def headline_facts(report: Report) -> Iterator[Fact]:
    """What the whole period comes to."""
    totals = report.totals
    yield Fact(
        "Spend", usd(totals.cost_usd), f"{percent(totals.cost_coverage)} of {counted(totals.calls, 'call')} priced"
    )
    detail = f"{percent(report.labelled / report.tasks)} have an outcome" if report.tasks else "none in this period"
    yield Fact("Tasks", count(report.tasks), detail)
    yield Fact(
        "Fallbacks",
        count(totals.fallbacks),
        f"{counted(totals.retries, 'retry', 'retries')}, {counted(totals.failed_calls, 'failed call')}",
    )
    yield _cache(totals)
    yield from _energy(totals)


def workload_facts(workload: Workload) -> Iterator[Fact]:
    """What one workload comes to."""
    calls, tokens = workload.calls, workload.calls.tokens
    yield from _cost_per_success(workload)
    yield _success_rate(workload)
    yield Fact("Cost", usd(calls.cost_usd), f"{counted(calls.calls, 'call')} under {counted(workload.tasks, 'task')}")
    yield _latency("Run latency", workload.latency_p50_ns, workload.latency_p95_ns, counted(workload.runs, "run"))
    yield _latency("First chunk", calls.ttft_p50_ns, calls.ttft_p95_ns, "streamed calls")
    yield Fact(
        "Input tokens",
        notation.tokens(tokens.input),
        _parts(("cache read", tokens.cache_read), ("cache write", tokens.cache_write)),
    )
    yield Fact("Output tokens", notation.tokens(tokens.output), _parts(("reasoning", tokens.reasoning)))
    yield _cache(calls)
    yield Fact(
        "Fallbacks",
        count(calls.fallbacks),
        f"{counted(calls.retries, 'retry', 'retries')}, {counted(workload.escalations, 'escalation')},"
        f" {counted(calls.failed_calls, 'failed call')}, {counted(workload.failed_runs, 'failed run')}",
    )
    yield _label_lag(workload)
    yield from _energy(calls)


def basis_name(basis: str) -> str:
    """Cost basis as people write it."""
    return printable(basis).replace("_", "-") or notation.UNKNOWN


def _cost_per_success(workload: Workload) -> Iterator[Fact]:
    estimate = workload.cost_per_success_usd
    if estimate is None:
        why = (
            "no outcome yet"
            if workload.labelled == 0
            else "no success"
            if workload.successes == 0
            else "no priced call"
        )
        yield Fact("Cost per success", notation.UNKNOWN, why)
        return
    low, high = workload.cost_per_success_interval
    interval = "too few tasks for an interval" if low is None else f"95% interval {notation.usd_interval(low, high)}"
    yield Fact("Cost per success", usd(estimate), interval)
    if workload.unlabelled:
        bounds = f"{usd(workload.bound_all_succeeded_usd)}{notation.TO}{usd(workload.bound_all_failed_usd)}"
        without = counted(workload.unlabelled, "task without outcome", "tasks without outcome")
        yield Fact("Bounds", bounds, f"if all or none of {without} succeeded")


def _success_rate(workload: Workload) -> Fact:
    interval = workload.success_rate_interval
    if interval is None:
        return Fact("Success rate", notation.UNKNOWN, f"none of {counted(workload.tasks, 'task')} has an outcome")
    return Fact(
        "Success rate",
        percent(workload.success_rate),
        f"95% interval {notation.percent_interval(interval)}, {workload.successes:,} of {workload.labelled:,} judged",
    )


def _latency(name: str, p50_ns: int | None, p95_ns: int | None, over: str) -> Fact:
    if p50_ns is None:
        return Fact(name, notation.NOT_MEASURED, f"no {over}")
    return Fact(name, f"P50 {duration(p50_ns)}", f"P95 {duration(p95_ns)} over {over}")


def _parts(*parts: tuple[str, int | None]) -> str:
    return ", ".join(f"{name} {notation.tokens(number)}" for name, number in parts)


def _cache(calls: CallFigures) -> Fact:
    if calls.cache_hit_rate is None:
        return Fact("Cache hits", notation.NOT_MEASURED, "no cache reads reported")
    saved = "saving unknown" if calls.cache_saving_usd is None else f"{usd(calls.cache_saving_usd)} saved"
    return Fact("Cache hits", percent(calls.cache_hit_rate), f"of input tokens, {saved}")


def _label_lag(workload: Workload) -> Fact:
    if workload.is_mature is None:
        return Fact("Label lag", notation.NOT_MEASURED, "no outcome yet")
    younger = "no task is younger" if workload.is_mature else f"{percent(workload.immature_share)} of tasks are younger"
    return Fact("Label lag", f"P95 {duration(workload.label_lag_p95_ns)}", younger)


def _energy(calls: CallFigures) -> Iterator[Fact]:
    for use in calls.energy:
        yield Fact("Energy", notation.energy(use.energy_uj), f"{printable(use.method)}, {counted(use.calls, 'call')}")
    if not calls.energy:
        yield Fact("Energy", notation.NOT_MEASURED, "no meter reported")
