"""The report as a JSON document: `worthwhile.report/1`, the shape that programs rely on."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from worthwhile_dashboards.report.model import CallFigures, Report, Tokens, Workload
from worthwhile_dashboards.report.notes import report_notes, workload_notes

SCHEMA: Final = "worthwhile.report/1"

Json = dict[str, Any]


def to_json(report: Report) -> Json:
    """Document with money as decimal strings, unknown as null, times as RFC 3339 text."""
    return {
        "schema": SCHEMA,
        "since": _timestamp(report.since),
        "until": _timestamp(report.until),
        "totals": {
            "tasks": report.tasks,
            "labelled": report.labelled,
            **_calls(report.totals),
            "calls_outside_tasks": report.calls_outside_tasks,
        },
        "workloads": [_workload(workload) for workload in report.workloads],
        "unpriced_models": [
            {"provider": model.provider, "model": model.model, "calls": model.calls} for model in report.unpriced_models
        ],
        "unmatched_signals": report.unmatched_signals,
        "price_versions": list(report.price_versions),
        "notes": list(report_notes(report)),
    }


def _workload(workload: Workload) -> Json:
    low, high = workload.cost_per_success_interval
    rate = workload.success_rate_interval
    return {
        "workload": workload.name,
        "tasks": workload.tasks,
        "runs": workload.runs,
        "open_runs": workload.open_runs,
        "failed_runs": workload.failed_runs,
        "labelled": workload.labelled,
        "label_coverage": workload.label_coverage,
        "successes": workload.successes,
        "success_rate": workload.success_rate,
        "success_rate_low": None if rate is None else rate[0],
        "success_rate_high": None if rate is None else rate[1],
        "escalations": workload.escalations,
        "labelled_cost_usd": None if workload.sums is None else _usd(workload.sums.cost),
        "cost_per_successful_task_usd": _usd(workload.cost_per_success_usd),
        "cpst_low_usd": _usd(low),
        "cpst_high_usd": _usd(high),
        "bound_all_succeeded_usd": _usd(workload.bound_all_succeeded_usd),
        "bound_all_failed_usd": _usd(workload.bound_all_failed_usd),
        "latency_p50_ns": workload.latency_p50_ns,
        "latency_p95_ns": workload.latency_p95_ns,
        "label_lag_p95_ns": workload.label_lag_p95_ns,
        "immature_tasks": workload.immature_tasks,
        "immature_share": workload.immature_share,
        "is_mature": workload.is_mature,
        **_calls(workload.calls),
        "days": [
            {
                "day": day.day,
                "tasks": day.tasks,
                "labelled": day.labelled,
                "successes": day.successes,
                "cost_per_successful_task_usd": _usd(day.cost_per_success_usd),
                "is_mature": day.is_mature,
            }
            for day in workload.days
        ],
        "notes": list(workload_notes(workload)),
    }


def _calls(figures: CallFigures) -> Json:
    return {
        "calls": figures.calls,
        "failed_calls": figures.failed_calls,
        "priced_calls": figures.priced_calls,
        "self_hosted_calls": figures.self_hosted_calls,
        "unpriced_calls": figures.unpriced_calls,
        "unmetered_calls": figures.unmetered_calls,
        "cost_coverage": figures.cost_coverage,
        "cost_usd": _usd(figures.cost_usd),
        "tokens": _tokens(figures.tokens),
        "cache_hit_rate": figures.cache_hit_rate,
        "cache_saving_usd": _usd(figures.cache_saving_usd),
        "retries": figures.retries,
        "fallbacks": figures.fallbacks,
        "ttft_p50_ns": figures.ttft_p50_ns,
        "ttft_p95_ns": figures.ttft_p95_ns,
        **_breakdowns(figures),
    }


def _breakdowns(figures: CallFigures) -> Json:
    return {
        "models": [
            {
                "provider": model.provider,
                "model": model.model,
                "calls": model.calls,
                "share": model.calls / figures.calls,
                "failed_calls": model.failed_calls,
                "priced_calls": model.priced_calls,
                "cost_usd": _usd(model.cost_usd),
                "duration_p95_ns": model.duration_p95_ns,
            }
            for model in figures.models
        ],
        "tiers": [{"tier": t.tier or None, "calls": t.calls, "cost_usd": _usd(t.cost_usd)} for t in figures.tiers],
        "cost_bases": [{"basis": b.basis, "calls": b.calls, "cost_usd": _usd(b.cost_usd)} for b in figures.bases],
        "fallback_routes": [
            {
                "from": route.from_model,
                "to": route.to_model,
                "reason": route.reason,
                "calls": route.calls,
                "answered": route.answered,
            }
            for route in figures.routes
        ],
        "errors": [{"type": error.error_type, "calls": error.calls} for error in figures.errors],
        "energy": [{"method": e.method, "calls": e.calls, "energy_uj": e.energy_uj} for e in figures.energy],
    }


def _tokens(tokens: Tokens) -> Json:
    return {
        "input": tokens.input,
        "output": tokens.output,
        "cache_read": tokens.cache_read,
        "cache_write": tokens.cache_write,
        "reasoning": tokens.reasoning,
    }


def _usd(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"


def _timestamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
