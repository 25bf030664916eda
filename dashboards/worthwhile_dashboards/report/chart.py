"""Small drawings of the page, as inline SVG that takes its colours from the stylesheet."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from worthwhile_dashboards.report import notation
from worthwhile_dashboards.report.markup import Markup, element, join
from worthwhile_dashboards.report.model import DayCohort, Workload
from worthwhile_dashboards.report.scale import Scale

_BAR_WIDTH, _BAR_HEIGHT, _MARGIN = 200, 18, 6
_DAYS_WIDTH, _DAYS_HEIGHT, _DOT = 300, 56, 2.6


def interval_bar(workload: Workload, estimate: Decimal, scale: Scale) -> Markup:
    """Cost per success as a dot on the shared axis, its interval as a bar; an open bar ends in an arrow."""
    middle = _BAR_HEIGHT / 2
    marks = [_line(0, middle, _BAR_WIDTH, middle, "axis")]
    low, high = workload.cost_per_success_interval
    if low is not None:
        start = _across(scale, low)
        stop = _BAR_WIDTH - _MARGIN if high is None else _across(scale, high)
        marks.append(
            element(
                "rect",
                x=_round(start),
                y=middle - 4,
                width=_round(max(stop - start, 1)),
                height=8,
                rx=2,
                class_="interval",
            )
        )
        if high is None:
            marks.append(
                element("path", d=f"M{stop} {middle - 6}L{stop + 6} {middle}L{stop} {middle + 6}Z", class_="open")
            )
    marks.append(element("circle", cx=_round(_across(scale, estimate)), cy=middle, r=4, class_="estimate"))
    interval = notation.usd_interval(low, high)
    return _svg(_BAR_WIDTH, _BAR_HEIGHT, f"{notation.usd(estimate)}, 95% interval {interval}", marks)


def interval_axis(scale: Scale) -> Markup:
    """The shared axis of the interval bars, with round amounts."""
    marks = []
    for tick in scale.ticks:
        x = _across(scale, tick)
        anchor = "start" if x < _BAR_WIDTH / 8 else "end" if x > _BAR_WIDTH * 7 / 8 else "middle"
        marks.append(_line(x, 13, x, 18, "axis"))
        marks.append(element("text", _tick(tick), x=_round(x), y=10, text_anchor=anchor))
    return element(
        "svg",
        *marks,
        viewBox=f"0 0 {_BAR_WIDTH} {_BAR_HEIGHT}",
        width=_BAR_WIDTH,
        height=_BAR_HEIGHT,
        aria_hidden="true",
    )


def success_by_day(days: Sequence[DayCohort]) -> Markup:
    """Success rate by day from 0 to 100%; hollow dots are days too young to have their outcomes."""
    values = [day.successes / day.labelled if day.labelled else None for day in days]
    return _by_day(days, values, 1.0, f"Success rate by day, {_ends(values, notation.percent)}")


def cost_by_day(days: Sequence[DayCohort]) -> Markup:
    """Cost per success by day, from zero; hollow dots are days too young to have their outcomes."""
    values = [None if day.cost_per_success_usd is None else float(day.cost_per_success_usd) for day in days]
    text = _ends(values, lambda value: notation.usd(Decimal(repr(value))))
    return _by_day(days, values, float(highest_cost(days)), f"Cost per success by day, {text}")


def highest_cost(days: Sequence[DayCohort]) -> Decimal:
    """Top of the axis of `cost_by_day`."""
    return max((day.cost_per_success_usd for day in days if day.cost_per_success_usd is not None), default=Decimal(0))


def _by_day(days: Sequence[DayCohort], values: Sequence[float | None], highest: float, label: str) -> Markup:
    usable, base = _DAYS_HEIGHT - 2 * _MARGIN, _DAYS_HEIGHT - _MARGIN
    step = (_DAYS_WIDTH - 2 * _MARGIN) / max(len(days) - 1, 1)
    points = [
        (_MARGIN + i * step, base - usable * (value / highest if highest else 0), day.is_mature is not False)
        for i, (day, value) in enumerate(zip(days, values, strict=True))
        if value is not None
    ]
    marks = [_line(0, base, _DAYS_WIDTH, base, "axis"), _line(0, _MARGIN, _DAYS_WIDTH, _MARGIN, "grid")]
    if points:
        marks.append(
            element("polyline", points=" ".join(f"{_round(x)},{_round(y)}" for x, y, _ in points), class_="trend")
        )
    marks += [
        element("circle", cx=_round(x), cy=_round(y), r=_DOT, class_="mature" if mature else "immature")
        for x, y, mature in points
    ]
    return _svg(_DAYS_WIDTH, _DAYS_HEIGHT, label, marks)


def _ends(values: Sequence[float | None], write: Callable[[float], str]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "none known"
    return f"from {write(known[0])} to {write(known[-1])}"


def _svg(width: int, height: int, label: str, marks: list[Markup]) -> Markup:
    return element(
        "svg",
        element("title", label),
        join(marks),
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
    )


def _line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return element("line", x1=_round(x1), y1=_round(y1), x2=_round(x2), y2=_round(y2), class_=class_)


def _across(scale: Scale, amount: Decimal | float) -> float:
    return _MARGIN + scale.position(amount) * (_BAR_WIDTH - 2 * _MARGIN)


def _tick(amount: float) -> str:
    return "$0" if amount == 0 else f"${amount:,.12f}".rstrip("0").rstrip(".")


def _round(value: float) -> float:
    return round(value, 2)
