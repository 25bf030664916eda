"""The report as values. `None` is unknown and 0 is zero; money is exact USD, time nanoseconds, energy microjoules."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from worthwhile_dashboards.statistics import TaskSums, fieller_interval, wilson_interval

FEW_TASKS = 30
"""Below this number of labelled tasks a figure is marked as resting on few tasks."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens by kind; cache reads and writes are part of the input, reasoning is part of the output."""

    input: int | None
    output: int | None
    cache_read: int | None
    cache_write: int | None
    reasoning: int | None


@dataclass(frozen=True, slots=True)
class ModelUse:
    """Calls that one model answered; the requested model where no answer came."""

    provider: str
    model: str
    calls: int
    failed_calls: int
    priced_calls: int
    cost_usd: Decimal | None
    duration_p95_ns: int | None


@dataclass(frozen=True, slots=True)
class CostBasis:
    """Where the cost of calls comes from: `provider`, `list`, `contract`, `self_hosted` or `unknown`."""

    basis: str
    calls: int
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class TierUse:
    """Calls by tier of the route; an empty tier was not known."""

    tier: str
    calls: int
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class FallbackRoute:
    """Calls that went to another model because of a failure, and how many of them were answered."""

    from_model: str
    to_model: str
    reason: str
    calls: int
    answered: int


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """Calls that ended with one type of error."""

    error_type: str
    calls: int


@dataclass(frozen=True, slots=True)
class EnergyUse:
    """Energy of calls by method of measurement; different methods are never added."""

    method: str
    calls: int
    energy_uj: int


@dataclass(frozen=True, slots=True)
class CallFigures:
    """Figures over a set of calls, each call once.

    Attributes:
        calls: All of them; priced, self-hosted and unpriced calls add up to it.
        priced_calls: Calls whose cost is known.
        self_hosted_calls: Calls to the user's own endpoint without a declared rate.
        unpriced_calls: Calls whose cost is unknown although it is not the user's own endpoint.
        unmetered_calls: Those of the unpriced calls for which no usage is known either, such as a refused connection.
        cost_usd: Sum of the known costs; `None` when no call is priced.
        cache_input_tokens: Input of the calls whose cache reads are known: what the hit rate divides by.
    """

    calls: int
    failed_calls: int
    priced_calls: int
    self_hosted_calls: int
    unpriced_calls: int
    unmetered_calls: int
    cost_usd: Decimal | None
    cache_saving_usd: Decimal | None
    tokens: Tokens
    cache_input_tokens: int | None
    retries: int
    fallbacks: int
    ttft_p50_ns: int | None
    ttft_p95_ns: int | None
    models: tuple[ModelUse, ...] = ()
    bases: tuple[CostBasis, ...] = ()
    tiers: tuple[TierUse, ...] = ()
    routes: tuple[FallbackRoute, ...] = ()
    errors: tuple[ErrorCount, ...] = ()
    energy: tuple[EnergyUse, ...] = ()

    @property
    def cost_coverage(self) -> float | None:
        """Priced calls / calls."""
        return _ratio(self.priced_calls, self.calls)

    @property
    def cache_hit_rate(self) -> float | None:
        """Input tokens read from the provider's cache / input tokens, over calls whose cache reads are known."""
        return _ratio(self.tokens.cache_read, self.cache_input_tokens)


@dataclass(frozen=True, slots=True)
class DayCohort:
    """Tasks of a workload that started on one day (UTC); maturity is unknown while nothing is labelled."""

    day: str
    tasks: int
    labelled: int
    successes: int
    cost_per_success_usd: Decimal | None
    is_mature: bool | None


@dataclass(frozen=True, slots=True)
class Workload:
    """Figures of the tasks of one workload that started in the report's period, with every call under them.

    Attributes:
        tasks: Units of account: a keyed task with all its runs, or one run without a key.
        runs: Runs of those tasks; latency is over the runs that ended.
        open_runs: Runs known from their calls only: not ended yet, or their end was lost.
        labelled: Tasks whose current outcome is known.
        escalations: Tasks with an escalation that was not withdrawn.
        sums: Exact sums over the labelled tasks; `None` when no call of the workload is priced.
        cost_per_success_usd: Cost of the labelled tasks / successes.
        bound_all_succeeded_usd: Cost of all tasks / (successes + unlabelled tasks).
        bound_all_failed_usd: Cost of all tasks / successes.
        label_lag_p95_ns: P95 of the time from a task's start to its first label.
        immature_tasks: Tasks younger than that lag at the period's end: too young to have their labels.
    """

    name: str
    tasks: int
    runs: int
    open_runs: int
    failed_runs: int
    labelled: int
    successes: int
    escalations: int
    sums: TaskSums | None
    cost_per_success_usd: Decimal | None
    bound_all_succeeded_usd: Decimal | None
    bound_all_failed_usd: Decimal | None
    latency_p50_ns: int | None
    latency_p95_ns: int | None
    label_lag_p95_ns: int | None
    immature_tasks: int | None
    calls: CallFigures
    days: tuple[DayCohort, ...] = ()

    @property
    def unlabelled(self) -> int:
        """Tasks without an outcome."""
        return self.tasks - self.labelled

    @property
    def label_coverage(self) -> float | None:
        """Labelled tasks / tasks."""
        return _ratio(self.labelled, self.tasks)

    @property
    def success_rate(self) -> float | None:
        """Successes / labelled tasks."""
        return _ratio(self.successes, self.labelled)

    @property
    def success_rate_interval(self) -> tuple[float, float] | None:
        """Wilson interval of the success rate."""
        return wilson_interval(self.successes, self.labelled)

    @property
    def cost_per_success_interval(self) -> tuple[Decimal | None, Decimal | None]:
        """Fieller interval of the cost per successful task in USD; `None` for an unbounded end."""
        return (None, None) if self.sums is None else fieller_interval(self.sums)

    @property
    def immature_share(self) -> float | None:
        """Immature tasks / tasks; `None` while no label lag is known."""
        return _ratio(self.immature_tasks, self.tasks)

    @property
    def is_mature(self) -> bool | None:
        """Whether every task had time for its labels; `None` while no label lag is known."""
        return None if self.immature_tasks is None else self.immature_tasks == 0


@dataclass(frozen=True, slots=True)
class UnpricedModel:
    """A model with usage and without a price."""

    provider: str
    model: str
    calls: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the report shows for the half-open period [since, until), UTC.

    Attributes:
        totals: Every call that started in the period, once, whatever tasks it belongs to.
        calls_outside_tasks: Those of them that ran under no task.
        workloads: By cost, the dearest first. A nested workload's calls are in its own and in its parents' figures.
        price_versions: Versions of the price snapshot that costs of the period were computed with.
        unmatched_signals: Signals whose task has not arrived.
        has_history: Whether the store holds any call or task at all, of any period.
    """

    since: datetime
    until: datetime
    totals: CallFigures
    calls_outside_tasks: int
    workloads: tuple[Workload, ...]
    price_versions: tuple[str, ...]
    unpriced_models: tuple[UnpricedModel, ...]
    unmatched_signals: int
    has_history: bool

    @property
    def tasks(self) -> int:
        """Tasks of all workloads."""
        return sum(workload.tasks for workload in self.workloads)

    @property
    def labelled(self) -> int:
        """Tasks of all workloads whose outcome is known."""
        return sum(workload.labelled for workload in self.workloads)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show for the period."""
        return not self.workloads and self.totals.calls == 0


def _ratio(part: int | None, whole: int | None) -> float | None:
    return part / whole if part is not None and whole else None
