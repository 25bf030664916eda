"""What a reader must know before trusting a figure, in words, for the terminal and for the page."""

from worthwhile_dashboards.report.model import FEW_TASKS, CallFigures, Report, Workload
from worthwhile_dashboards.report.notation import counted, duration, percent, printable

FIRST_STEPS = (
    "import worthwhile as ww",
    '@ww.task("ticket-reply", key="ticket_id")',
    'ww.accept(ticket_id, workload="ticket-reply")',
)
"""The three lines that bring the first figure."""


def workload_notes(workload: Workload) -> tuple[str, ...]:
    """Caveats of one workload's figures, the gravest first."""
    notes = [*_outcome_notes(workload)]
    if workload.immature_tasks:
        notes.append(
            f"Immature: {percent(workload.immature_share)} of the tasks are younger than the P95 label lag of "
            f"{duration(workload.label_lag_p95_ns)}. Outcomes are still coming in: do not compare with mature periods."
        )
    if workload.open_runs:
        notes.append(
            f"{counted(workload.open_runs, 'run')} not ended, or the end was lost: cost counts, latency is unknown."
        )
    return (*notes, *_cost_notes(workload.calls))


def workload_flags(workload: Workload) -> tuple[str, ...]:
    """The caveats in a word or two each, where there is no room for sentences."""
    flags = (
        ("no outcome yet", workload.labelled == 0),
        ("few outcomes", 0 < workload.labelled < FEW_TASKS),
        (f"{percent(workload.immature_share)} immature", bool(workload.immature_tasks)),
        ("cost unknown", workload.calls.priced_calls == 0),
        ("cost incomplete", 0 < workload.calls.priced_calls < workload.calls.calls),
    )
    return tuple(flag for flag, applies in flags if applies)


def report_notes(report: Report) -> tuple[str, ...]:
    """Caveats of the whole report."""
    notes = []
    if report.calls_outside_tasks:
        notes.append(
            f"{counted(report.calls_outside_tasks, 'call')} ran outside any task: in the spend, in no workload."
        )
    if report.unmatched_signals:
        notes.append(
            f"{counted(report.unmatched_signals, 'signal')} without a task: an unknown workload or key, or a task "
            "that has not arrived. Each counts as soon as its task is there."
        )
    if report.unpriced_models:
        names = ", ".join(f"{printable(m.model)} ({counted(m.calls, 'call')})" for m in report.unpriced_models)
        notes.append(f"No price is known for {names}. Their cost is unknown, not zero: add a price override.")
    return tuple(notes)


def _outcome_notes(workload: Workload) -> list[str]:
    labelled, successes = workload.labelled, workload.successes
    if labelled == 0:
        return [
            "No outcome yet, so that no task counts as a success or a failure: record one with ww.accept or ww.reject."
        ]
    if successes == 0:
        return ["No labelled task succeeded, so that a cost per successful task does not exist."]
    notes = []
    low, high = workload.cost_per_success_interval
    if low is not None and high is None:
        notes.append("Too few successes to tell their rate from zero: the interval has no upper end.")
    elif labelled < FEW_TASKS:
        notes.append(f"Only {counted(labelled, 'labelled task')}: take the interval as a rough guide.")
    if successes == labelled and labelled > 1:
        notes.append("Every labelled task succeeded, so that the interval shows how the cost varies and nothing else.")
    return notes


def _cost_notes(calls: CallFigures) -> list[str]:
    if calls.calls == 0 or calls.priced_calls == calls.calls:
        return []
    parts = []
    if calls.self_hosted_calls:
        parts.append(f"{calls.self_hosted_calls:,} self-hosted without a rate")
    if calls.unpriced_calls - calls.unmetered_calls:
        parts.append(f"{calls.unpriced_calls - calls.unmetered_calls:,} without a price")
    if calls.unmetered_calls:
        parts.append(f"{calls.unmetered_calls:,} without usage")
    if calls.priced_calls == 0:
        return [f"No call is priced ({', '.join(parts)}), so that the cost is unknown."]
    return [
        f"Cost is known for {percent(calls.cost_coverage)} of the calls ({', '.join(parts)}): costs are lower bounds."
    ]
