"""Reports made by hand: what the renderers are tested with, without a store."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from worthwhile_dashboards.report.model import (
    CallFigures,
    CostBasis,
    DayCohort,
    EnergyUse,
    ErrorCount,
    FallbackRoute,
    ModelUse,
    Report,
    TierUse,
    Tokens,
    UnpricedModel,
    Workload,
)
from worthwhile_dashboards.statistics import TaskSums

HOSTILE_NAME = "<script>alert(1)</script>\x1b[31m\u202e\"'&" + "long" * 60


def _calls(**changes: object) -> CallFigures:
    figures = CallFigures(
        calls=300,
        failed_calls=4,
        priced_calls=291,
        self_hosted_calls=6,
        unpriced_calls=3,
        unmetered_calls=2,
        cost_usd=Decimal("2.7135"),
        cache_saving_usd=Decimal("0.4201"),
        tokens=Tokens(input=1_204_511, output=210_442, cache_read=455_002, cache_write=12_000, reasoning=None),
        cache_input_tokens=1_100_000,
        retries=12,
        fallbacks=3,
        ttft_p50_ns=210_000_000,
        ttft_p95_ns=640_000_000,
        models=(
            ModelUse("openai", "gpt-4.1-mini", 280, 1, 280, Decimal("2.2011"), 1_100_000_000),
            ModelUse("anthropic", "claude-sonnet-4-5", 11, 0, 11, Decimal("0.5124"), 2_140_000_000),
            ModelUse("llama_cpp", "models/" + "tiny" * 30 + "-q4.gguf", 9, 3, 0, None, 350_000_000),
        ),
        bases=(
            CostBasis("list", 280, Decimal("2.2011")),
            CostBasis("provider", 11, Decimal("0.5124")),
            CostBasis("self_hosted", 6, None),
            CostBasis("unknown", 3, None),
        ),
        tiers=(TierUse("frontier", 291, Decimal("2.7135")), TierUse("local", 9, None)),
        routes=(FallbackRoute("tiny-q4", "claude-sonnet-4-5", "openai.APIConnectionError", 3, 3),),
        errors=(ErrorCount("openai.APIConnectionError", 3), ErrorCount("openai.RateLimitError", 1)),
        energy=(),
    )
    return replace(figures, **changes)  # type: ignore[arg-type]


def _workload(name: str, **changes: object) -> Workload:
    # 221 labelled tasks, 186 successes, each task costs 0.01 or 0.014: sums of 121 x 0.01 + 100 x 0.014
    workload = Workload(
        name=name,
        tasks=240,
        runs=243,
        open_runs=1,
        failed_runs=1,
        labelled=221,
        successes=186,
        escalations=5,
        sums=TaskSums(221, 186, Decimal("2.61"), Decimal("0.0317"), Decimal("2.1864")),
        cost_per_success_usd=Decimal("0.014032258064"),
        bound_all_succeeded_usd=Decimal("0.013236585365"),
        bound_all_failed_usd=Decimal("0.014588709677"),
        latency_p50_ns=1_204_000_000,
        latency_p95_ns=2_310_000_000,
        label_lag_p95_ns=172_800_000_000_000,
        immature_tasks=20,
        calls=_calls(),
        days=tuple(
            DayCohort(
                f"2026-11-{day:02}",
                tasks=24,
                labelled=22 if day < 19 else 5,
                successes=19 - day % 4 if day < 19 else 3,
                cost_per_success_usd=Decimal("0.012") + Decimal(day % 5) / 2000,
                is_mature=day < 19,
            )
            for day in range(11, 21)
        ),
    )
    return replace(workload, **changes)  # type: ignore[arg-type]


def rich_report() -> Report:
    """A rich report: a usual workload, a tiny expensive one, an unlabelled self-hosted one, one with a hostile name."""
    dear = _workload(
        "contract-review",
        tasks=9,
        runs=9,
        failed_runs=0,
        labelled=7,
        successes=2,
        escalations=0,
        sums=TaskSums(7, 2, Decimal("1.4"), Decimal("0.2936"), Decimal("0.38")),
        cost_per_success_usd=Decimal("0.7"),
        bound_all_succeeded_usd=Decimal("0.45"),
        bound_all_failed_usd=Decimal("0.9"),
        latency_p95_ns=93_000_000_000,
        immature_tasks=0,
        calls=_calls(
            calls=40,
            failed_calls=0,
            priced_calls=40,
            self_hosted_calls=0,
            unpriced_calls=0,
            unmetered_calls=0,
            cost_usd=Decimal("1.8"),
            fallbacks=0,
            retries=1,
            routes=(),
            errors=(),
            models=(ModelUse("anthropic", "claude-opus-4-5", 40, 0, 40, Decimal("1.8"), 31_000_000_000),),
            bases=(CostBasis("list", 40, Decimal("1.8")),),
            tiers=(TierUse("", 40, Decimal("1.8")),),
            energy=(EnergyUse("metered", 40, 5_300_000_000),),
        ),
        days=(),
    )
    local = _workload(
        "classify-日本語",
        labelled=0,
        successes=0,
        sums=None,
        cost_per_success_usd=None,
        bound_all_succeeded_usd=None,
        bound_all_failed_usd=None,
        label_lag_p95_ns=None,
        immature_tasks=None,
        calls=_calls(
            calls=240,
            failed_calls=0,
            priced_calls=0,
            self_hosted_calls=240,
            unpriced_calls=0,
            unmetered_calls=0,
            cost_usd=None,
            cache_saving_usd=None,
            tokens=Tokens(48_000, 9_600, None, None, None),
            cache_input_tokens=None,
            retries=0,
            fallbacks=0,
            ttft_p50_ns=None,
            ttft_p95_ns=None,
            models=(ModelUse("llama_cpp", "tiny-q4", 240, 0, 0, None, 120_000_000),),
            bases=(CostBasis("self_hosted", 240, None),),
            tiers=(TierUse("local", 240, None),),
            routes=(),
            errors=(),
        ),
        days=(),
    )
    return Report(
        since=datetime(2026, 10, 22, tzinfo=UTC),
        until=datetime(2026, 11, 21, 14, 30, tzinfo=UTC),
        totals=_calls(calls=640, priced_calls=391, self_hosted_calls=246, cost_usd=Decimal("5.2135")),
        calls_outside_tasks=4,
        workloads=(_workload("ticket-reply"), dear, _workload(HOSTILE_NAME, days=()), local),
        price_versions=("2026-11-20/3f1c",),
        unpriced_models=(UnpricedModel("openai_compatible", "house-model<b>", 1),),
        unmatched_signals=2,
        has_history=True,
    )


def empty_report() -> Report:
    """A store that nothing was written to."""
    nothing = Tokens(None, None, None, None, None)
    calls = CallFigures(0, 0, 0, 0, 0, 0, None, None, nothing, None, 0, 0, None, None)
    since, until = datetime(2026, 10, 22, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)
    return Report(since, until, calls, 0, (), (), (), 0, has_history=False)
