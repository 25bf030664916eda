"""Reads the report's figures from the views; every number is computed in ClickHouse, intervals apart."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final

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

Query = Callable[[str, dict[str, object]], list[dict[str, object]]]

_ALL_CALLS: Final = ("all calls", "")
_NO_TOKENS: Final = Tokens(None, None, None, None, None)
_NO_CALLS: Final = CallFigures(0, 0, 0, 0, 0, 0, None, None, _NO_TOKENS, None, 0, 0, None, None)


def build(query: Query, since: datetime, until: datetime, workload: str | None = None) -> Report:
    """Report of the tasks and calls that started in [since, until).

    Args:
        query: Runs a SELECT with `{name:Type}` parameters; decimals come as `Decimal`, NULL as None.
        since: Begin of the period, aware.
        until: End of the period, aware; maturity is judged as of then.
        workload: Show only this workload; totals stay those of every call.

    Raises:
        ValueError: A time is naive, or `since` is not before `until`.
    """
    if since.tzinfo is None or until.tzinfo is None or since >= until:
        raise ValueError(
            f"building a report of `{since}` to `{until}`: expected two aware times, the earlier one first"
        )

    def rows(name: str) -> list[_Row]:
        return [_Row(row) for row in query(_sql(name), {"since": since, "until": until})]

    calls = _Calls(_grouped(rows("calls")))
    whole = calls.of(_ALL_CALLS)
    totals = whole[0] if whole else None
    (store,) = rows("store")
    workloads = _workloads(rows("tasks"), calls)
    return Report(
        since=since,
        until=until,
        totals=calls.figures(totals, _ALL_CALLS) if totals else _NO_CALLS,
        calls_outside_tasks=totals.integer("calls_outside_tasks") if totals else 0,
        workloads=tuple(shown for shown in workloads if workload in (None, shown.name)),
        price_versions=totals.texts("price_versions") if totals else (),
        unpriced_models=tuple(_unpriced(calls.of(_ALL_CALLS, "model"))),
        unmatched_signals=store.integer("unmatched_signals"),
        has_history=store.boolean("has_history"),
    )


@dataclass(frozen=True, slots=True)
class _Row:
    values: Mapping[str, object]

    def text(self, name: str) -> str:
        return str(self.values[name])

    def texts(self, name: str) -> tuple[str, ...]:
        values = self.values[name]
        return tuple(str(value) for value in values) if isinstance(values, list) else ()

    def integer(self, name: str) -> int:
        value = self.known_integer(name)
        return 0 if value is None else value

    def known_integer(self, name: str) -> int | None:
        value = self.values[name]
        return None if value is None else int(str(value))

    def boolean(self, name: str) -> bool:
        return bool(self.values[name])

    def usd(self, name: str) -> Decimal | None:
        value = self.values[name]
        return None if value is None else Decimal(str(value))


_Scope = tuple[str, str]


@dataclass(frozen=True, slots=True)
class _Calls:
    rows: Mapping[tuple[str, str, str], list[_Row]]

    def of(self, scope: _Scope, dimension: str = "") -> list[_Row]:
        return self.rows.get((*scope, dimension), [])

    def figures(self, row: _Row, scope: _Scope) -> CallFigures:
        return CallFigures(
            calls=row.integer("calls"),
            failed_calls=row.integer("failed_calls"),
            priced_calls=row.integer("priced_calls"),
            self_hosted_calls=row.integer("self_hosted_calls"),
            unpriced_calls=row.integer("unpriced_calls"),
            unmetered_calls=row.integer("unmetered_calls"),
            cost_usd=row.usd("cost_usd"),
            cache_saving_usd=row.usd("cache_saving_usd"),
            tokens=_tokens(row),
            cache_input_tokens=row.known_integer("cache_input_tokens"),
            retries=row.integer("retries"),
            fallbacks=row.integer("fallbacks"),
            ttft_p50_ns=row.known_integer("ttft_p50_ns"),
            ttft_p95_ns=row.known_integer("ttft_p95_ns"),
            models=tuple(_model(model) for model in self.of(scope, "model")),
            bases=tuple(
                CostBasis(b.text("cost_basis"), b.integer("calls"), b.usd("cost_usd"))
                for b in self.of(scope, "cost_basis")
            ),
            tiers=tuple(TierUse(t.text("tier"), t.integer("calls"), t.usd("cost_usd")) for t in self.of(scope, "tier")),
            routes=tuple(_route(route) for route in self.of(scope, "fallback")),
            errors=tuple(ErrorCount(e.text("error_type"), e.integer("calls")) for e in self.of(scope, "error_type")),
            energy=tuple(
                EnergyUse(e.text("energy_method"), e.integer("calls"), e.integer("energy_uj"))
                for e in self.of(scope, "energy_method")
            ),
        )


@cache
def _sql(name: str) -> str:
    return (files("worthwhile_dashboards.report") / "queries" / f"{name}.sql").read_text("utf-8")


def _grouped(rows: Iterable[_Row]) -> Mapping[tuple[str, str, str], list[_Row]]:
    groups: defaultdict[tuple[str, str, str], list[_Row]] = defaultdict(list)
    for row in rows:
        groups[row.text("scope"), row.text("workload"), row.text("dimension")].append(row)
    return groups


def _workloads(rows: Iterable[_Row], calls: _Calls) -> list[Workload]:
    whole: list[_Row] = []
    days: defaultdict[str, list[DayCohort]] = defaultdict(list)
    for row in rows:
        if row.values["day"] is None:
            whole.append(row)
        else:
            days[row.text("workload")].append(_day(row))
    workloads = [_workload(row, calls, days[row.text("workload")]) for row in whole]
    return sorted(workloads, key=lambda workload: (-(workload.calls.cost_usd or Decimal(-1)), workload.name))


def _workload(row: _Row, calls: _Calls, days: Iterable[DayCohort]) -> Workload:
    name = row.text("workload")
    called = calls.of(("workload", name))
    return Workload(
        name=name,
        tasks=row.integer("tasks"),
        runs=row.integer("runs"),
        open_runs=row.integer("open_runs"),
        failed_runs=row.integer("failed_runs"),
        labelled=row.integer("labelled"),
        successes=row.integer("successes"),
        escalations=row.integer("escalations"),
        sums=_sums(row),
        cost_per_success_usd=row.usd("cost_per_successful_task_usd"),
        bound_all_succeeded_usd=row.usd("bound_all_succeeded_usd"),
        bound_all_failed_usd=row.usd("bound_all_failed_usd"),
        latency_p50_ns=row.known_integer("latency_p50_ns"),
        latency_p95_ns=row.known_integer("latency_p95_ns"),
        label_lag_p95_ns=row.known_integer("label_lag_p95_ns"),
        immature_tasks=row.known_integer("immature_tasks"),
        calls=calls.figures(called[0], ("workload", name)) if called else _NO_CALLS,
        days=tuple(days),
    )


def _sums(row: _Row) -> TaskSums | None:
    cost, squared, of_successes = (
        row.usd(name) for name in ("labelled_cost_usd", "labelled_cost_squared_usd2", "cost_of_successes_usd")
    )
    if cost is None or squared is None or of_successes is None:
        return None
    return TaskSums(row.integer("labelled"), row.integer("successes"), cost, squared, of_successes)


def _tokens(row: _Row) -> Tokens:
    return Tokens(
        input=row.known_integer("input_tokens"),
        output=row.known_integer("output_tokens"),
        cache_read=row.known_integer("cache_read_tokens"),
        cache_write=row.known_integer("cache_write_tokens"),
        reasoning=row.known_integer("reasoning_tokens"),
    )


def _model(row: _Row) -> ModelUse:
    return ModelUse(
        provider=row.text("provider"),
        model=row.text("model"),
        calls=row.integer("calls"),
        failed_calls=row.integer("failed_calls"),
        priced_calls=row.integer("priced_calls"),
        cost_usd=row.usd("cost_usd"),
        duration_p95_ns=row.known_integer("duration_p95_ns"),
    )


def _unpriced(models: Iterable[_Row]) -> Iterable[UnpricedModel]:
    for row in models:
        if calls := row.integer("calls_without_price"):
            yield UnpricedModel(row.text("provider"), row.text("model"), calls)


def _route(row: _Row) -> FallbackRoute:
    return FallbackRoute(
        from_model=row.text("fallback_from"),
        to_model=row.text("fallback_to"),
        reason=row.text("fallback_reason"),
        calls=row.integer("calls"),
        answered=row.integer("calls") - row.integer("failed_calls"),
    )


def _day(row: _Row) -> DayCohort:
    immature = row.known_integer("immature_tasks")
    return DayCohort(
        day=row.text("day"),
        tasks=row.integer("tasks"),
        labelled=row.integer("labelled"),
        successes=row.integer("successes"),
        cost_per_success_usd=row.usd("cost_per_successful_task_usd"),
        is_mature=None if immature is None else immature == 0,
    )
