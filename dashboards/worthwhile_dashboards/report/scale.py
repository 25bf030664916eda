"""The shared axis on which intervals of different workloads are drawn."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from worthwhile_dashboards.report.model import Workload

_LINEAR_REACH = 20
"""Beyond this ratio of the largest to the smallest estimate, small ones would vanish on a linear axis."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps amounts in USD to 0..1, from zero linearly or over decades logarithmically."""

    low: float
    high: float
    is_log: bool

    def position(self, amount: Decimal | float) -> float:
        """Place of an amount on the axis, at its ends when beyond."""
        value = float(amount)
        if not self.is_log:
            place = value / self.high
        elif value <= self.low:
            place = 0.0
        else:
            place = math.log(value / self.low) / math.log(self.high / self.low)
        return min(1.0, max(0.0, place))

    @property
    def ticks(self) -> tuple[float, ...]:
        """Amounts to label: decades on a logarithmic axis, round steps on a linear one."""
        if self.is_log:
            first, last = round(math.log10(self.low)), round(math.log10(self.high))
            stride = math.ceil((last - first) / 4)
            return tuple(10.0**power for power in range(first, last + 1, stride))
        step = _round_step(self.high / 4)
        return tuple(step * i for i in range(int(self.high / step + 1e-9) + 1))


def cost_scale(workloads: Iterable[Workload]) -> Scale | None:
    """Axis that holds every estimate and bounded interval; `None` when there is nothing to draw."""
    estimates: list[float] = []
    ends: list[float] = []
    for workload in workloads:
        if not workload.cost_per_success_usd:
            continue
        estimates.append(float(workload.cost_per_success_usd))
        ends += [float(end) for end in workload.cost_per_success_interval if end]
    if not estimates:
        return None
    highest = max(estimates + ends)
    if max(estimates) <= _LINEAR_REACH * min(estimates):
        return Scale(0.0, highest * 1.05, is_log=False)
    lowest = max(min(estimates + ends), min(estimates) / 10)
    return Scale(10.0 ** math.floor(math.log10(lowest)), 10.0 ** math.ceil(math.log10(highest)), is_log=True)


def _round_step(rough: float) -> float:
    decade = 10.0 ** math.floor(math.log10(rough))
    return next(step * decade for step in (1, 2, 2.5, 5, 10) if step * decade >= rough * 0.999)
