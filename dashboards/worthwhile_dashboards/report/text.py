"""The report for a terminal: one table to compare workloads, then each workload in detail."""

import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from worthwhile_dashboards.report import notation
from worthwhile_dashboards.report.definitions import METHODS, prices
from worthwhile_dashboards.report.facts import Fact, basis_name, headline_facts, workload_facts
from worthwhile_dashboards.report.model import CallFigures, Report, Workload
from worthwhile_dashboards.report.notation import count, duration, percent, printable, usd
from worthwhile_dashboards.report.notes import FIRST_STEPS, report_notes, workload_notes
from worthwhile_dashboards.report.scale import Scale, cost_scale

_LABEL_WIDTH = 18
_GAP = "  "
_CHART_WIDTH = 24
_BOLD, _DIM, _WARN = "1", "2", "33"


@dataclass(frozen=True, slots=True)
class _Paint:
    is_on: bool

    def __call__(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.is_on and text else text


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    cells: list[str]
    is_text: bool = False
    code: str = ""

    @property
    def width(self) -> int:
        return max(map(_width, (self.title, *self.cells)))


def render_text(report: Report, color: bool, width: int) -> str:
    """Report as text of at most `width` columns.

    Args:
        report: What to show.
        color: Whether to emit ANSI colour; nothing is told by colour alone.
        width: Columns of the terminal; below 60 is taken as 60.
    """
    paint, width = _Paint(color), max(width, 60)
    period = f"{notation.day_and_time(report.since)} to {notation.day_and_time(report.until)}, UTC"
    lines = [f"{paint('worthwhile report', _BOLD)}  {period}", ""]
    if report.is_empty:
        return "\n".join([*lines, *_empty(report, paint, width)]) + "\n"
    lines += _facts(headline_facts(report), paint, width)
    if report.workloads:
        lines += ["", *_comparison(report.workloads, paint, width)]
    for note in report_notes(report):
        lines += ["", *_wrapped(note, width, paint=paint, code=_WARN)]
    for workload in report.workloads:
        lines += ["", *_detail(workload, paint, width)]
    lines += ["", *_wrapped(f"{METHODS} Prices: {prices(report)}", width, paint=paint, code=_DIM)]
    return "\n".join(lines) + "\n"


def _empty(report: Report, paint: _Paint, width: int) -> list[str]:
    if report.has_history:
        return _wrapped("Nothing happened in this period. The store holds older or newer data: try --since 90d.", width)
    steps = ["Nothing recorded yet. Add these three lines to your program:", ""]
    steps += [f"    {paint(line, _BOLD)}" for line in FIRST_STEPS]
    steps += ["", "With `worthwhile up` running, the first figures are here seconds after the first call."]
    return steps


def _comparison(workloads: Sequence[Workload], paint: _Paint, width: int) -> list[str]:
    scale = cost_scale(workloads)
    columns = [  # in order of importance: what does not fit is in the details below
        _Column(
            "workload",
            [_named(w, min(30, width * 3 // 10)) for w in workloads],
            is_text=True,
            code=_BOLD,
        ),
        _Column("cost/success", [usd(w.cost_per_success_usd) for w in workloads], code=_BOLD),
        _Column("95% interval", [notation.usd_interval(*w.cost_per_success_interval) for w in workloads]),
        _Column("success", [percent(w.success_rate) for w in workloads]),
        _Column("P95", [duration(w.latency_p95_ns) for w in workloads]),
        _Column("labelled", [f"{w.labelled:,} of {w.tasks:,}" for w in workloads]),
        _Column("priced", [percent(w.calls.cost_coverage) for w in workloads]),
        _Column("fallbacks", [count(w.calls.fallbacks) for w in workloads]),
        _Column("cost", [usd(w.calls.cost_usd) for w in workloads]),
    ]
    if scale and len(workloads) > 1:
        end = f"0 to {usd(Decimal(repr(scale.high)))}" if not scale.is_log else "log scale"
        columns.insert(7, _Column(end, [_chart(w, scale) for w in workloads], is_text=True))
    lines = _table(_fitting(columns, width), paint)
    return [*lines, paint("* with notes, below", _DIM)] if any(map(workload_notes, workloads)) else lines


def _named(workload: Workload, width: int) -> str:
    mark = " *" if workload_notes(workload) else ""
    return f"{_clip(printable(workload.name), width - len(mark))}{mark}"


def _chart(workload: Workload, scale: Scale) -> str:
    if workload.cost_per_success_usd is None:
        return ""
    low, high = workload.cost_per_success_interval
    last = _CHART_WIDTH - 1
    point = round(scale.position(workload.cost_per_success_usd) * last)
    start = point if low is None else round(scale.position(low) * last)
    stop = last if low is not None and high is None else point if high is None else round(scale.position(high) * last)
    cells = ["─" if start <= cell <= stop else " " for cell in range(_CHART_WIDTH)]
    if low is not None and high is None:
        cells[last] = "→"
    cells[point] = "●"
    return "".join(cells)


def _detail(workload: Workload, paint: _Paint, width: int) -> list[str]:
    name = _clip(printable(workload.name), width)
    lines = [paint(name, _BOLD), *_facts(workload_facts(workload), paint, width)]
    for label, rows in _breakdowns(workload.calls, min(40, max(16, width - 56))):
        lines += _rows(label, rows, paint, width)
    for r in workload.calls.routes:
        route = f"{printable(r.from_model)} → {printable(r.to_model)} after {printable(r.reason)}"
        lines += _labelled("Fallback", f"{route}: {r.answered:,} of {r.calls:,} answered", paint, width)
    for note in workload_notes(workload):
        lines += _labelled("Note", note, paint, width, code=_WARN)
    return lines


def _facts(facts: Iterable[Fact], paint: _Paint, width: int) -> list[str]:
    listed = list(facts)
    value_width = max(_width(fact.value) for fact in listed)
    lines = []
    for fact in listed:
        value = paint(_pad(fact.value, value_width, is_left=True), _BOLD if fact.is_known else _DIM)
        indent = len(_GAP) + _LABEL_WIDTH + value_width + len(_GAP)
        first, *rest = _wrapped(fact.detail, width - indent)
        lines.append(f"{_GAP}{paint(fact.name.ljust(_LABEL_WIDTH), _DIM)}{value}{_GAP}{first}".rstrip())
        lines += [f"{' ' * indent}{line}" for line in rest]
    return lines


def _breakdowns(calls: CallFigures, name_width: int) -> Iterable[tuple[str, list[Sequence[str]]]]:
    yield (
        "Models",
        [
            (
                _clip(printable(m.model) or notation.UNKNOWN, name_width),
                f"{m.calls:,}",
                percent(m.calls / calls.calls),
                usd(m.cost_usd),
                f"P95 {duration(m.duration_p95_ns)}",
            )
            for m in calls.models
        ],
    )
    yield "Cost basis", [(basis_name(b.basis), *_share(b.calls, calls), usd(b.cost_usd)) for b in calls.bases]
    if any(tier.tier for tier in calls.tiers):
        yield (
            "Tiers",
            [(printable(t.tier) or notation.UNKNOWN, *_share(t.calls, calls), usd(t.cost_usd)) for t in calls.tiers],
        )
    yield "Errors", [(_clip(printable(e.error_type), 2 * name_width), *_share(e.calls, calls)) for e in calls.errors]


def _share(part: int, calls: CallFigures) -> tuple[str, str]:
    return f"{part:,}", percent(part / calls.calls)


def _rows(label: str, rows: Sequence[Sequence[str]], paint: _Paint, width: int) -> list[str]:
    if not rows:
        return []
    columns = [_Column("", list(cells), is_text=place == 0) for place, cells in enumerate(zip(*rows, strict=True))]
    lines = _table(_fitting(columns, width - _LABEL_WIDTH - len(_GAP)), paint)[1:]
    labels = (label, *[""] * (len(lines) - 1))
    return [f"{_GAP}{paint(name.ljust(_LABEL_WIDTH), _DIM)}{line}" for name, line in zip(labels, lines, strict=True)]


def _fitting(columns: Sequence[_Column], width: int) -> list[_Column]:
    chosen: list[_Column] = []
    for column in columns:
        if sum(c.width + len(_GAP) for c in chosen) + column.width <= width:
            chosen.append(column)
    return chosen


def _table(columns: Sequence[_Column], paint: _Paint) -> list[str]:
    lines = [_GAP.join(paint(_pad(c.title, c.width, is_left=c.is_text), _DIM) for c in columns).rstrip()]
    for row in range(len(columns[0].cells)):
        cells = (
            paint(cell, c.code) if c.code else cell
            for c in columns
            for cell in [_pad(c.cells[row], c.width, is_left=c.is_text)]
        )
        lines.append(_GAP.join(cells).rstrip())
    return lines


def _labelled(label: str, text: str, paint: _Paint, width: int, *, code: str = "") -> list[str]:
    indent = len(_GAP) + _LABEL_WIDTH
    first, *rest = _wrapped(text, width - indent, paint=paint, code=code)
    return [f"{_GAP}{paint(label.ljust(_LABEL_WIDTH), _DIM)}{first}", *(f"{' ' * indent}{line}" for line in rest)]


def _wrapped(text: str, width: int, *, paint: _Paint | None = None, code: str = "") -> list[str]:
    lines = textwrap.wrap(text, width, break_on_hyphens=False) or [""]
    return [paint(line, code) for line in lines] if paint and code else lines


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


def _pad(text: str, width: int, *, is_left: bool = False) -> str:
    room = " " * (width - _width(text))
    return text + room if is_left else room + text


def _clip(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    while _width(text) >= width:
        text = text[:-1]
    return f"{text}…"
