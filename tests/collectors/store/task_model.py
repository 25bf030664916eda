"""What tasks come to, by brute force: the definitions in Python over all rows that were ever inserted."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

AUTHORITY = {"human": 3, "automated": 2, "system": 1}


@dataclass(frozen=True)
class Run:
    id: int
    workload: str
    key: str
    ts: int
    duration: int
    status: str
    ancestors: tuple[int, ...] = ()

    @property
    def unit(self) -> object:
        return (self.workload, self.key) if self.key else self.id


@dataclass(frozen=True)
class Call:
    id: int
    run: Run
    ts: int
    cost: Decimal | None


@dataclass(frozen=True)
class Signal:
    id: str
    kind: str
    source: str
    ts: int
    revision: int
    voided: bool
    unit: object = None
    run: int = 0
    span: int = 0


@dataclass
class Unit:
    first: int
    runs: int
    open_runs: int
    last_status: str
    last_end: int
    calls: int = 0
    cost: Decimal | None = None
    verdict: int | None = None
    signal: str = ""


@dataclass
class Model:
    """Everything that has arrived; a set, because what arrives twice is one row."""

    runs: set[Run] = field(default_factory=set)
    calls: set[Call] = field(default_factory=set)
    signals: set[Signal] = field(default_factory=set)

    def units(self) -> dict[object, Unit]:
        """Every known unit of account as it stands."""
        spans = {run.id: run for run in self.runs}
        known = {run.id: run.unit for run in self.runs} | {call.run.id: call.run.unit for call in self.calls}
        started: dict[int, tuple[int, int | None, str]] = {
            run.id: (run.ts, run.ts + run.duration, run.status) for run in self.runs
        }
        for call in self.calls:
            if call.run.id not in spans:
                before = started.get(call.run.id, (call.ts, None, "open"))
                started[call.run.id] = (min(before[0], call.ts), None, "open")
        of_unit: defaultdict[object, list[int]] = defaultdict(list)
        for run, unit in known.items():
            of_unit[unit].append(run)
        return {unit: self._unit(unit, {run: started[run] for run in runs}, known) for unit, runs in of_unit.items()}

    def _unit(self, unit: object, runs: dict[int, tuple[int, int | None, str]], known: dict[int, object]) -> Unit:
        _, last = max((ts, run) for run, (ts, _, _) in runs.items())
        began, ended, status = runs[last]
        made = Unit(
            first=min(ts for ts, _, _ in runs.values()),
            runs=len(runs),
            open_runs=sum(state == "open" for _, _, state in runs.values()),
            last_status=status,
            last_end=began if ended is None else ended,
        )
        under = [call for call in self.calls if {call.run.id, *call.run.ancestors} & runs.keys()]
        costs = [call.cost for call in under if call.cost is not None]
        made.calls, made.cost = len(under), sum(costs, Decimal(0)) if costs else None
        made.verdict, made.signal = self._verdict(self._about(unit, known))
        if made.verdict is None and status == "failed":
            made.verdict = 0
        return made

    def _about(self, unit: object, known: dict[int, object]) -> list[Signal]:
        spans = {call.id: call.run.unit for call in self.calls}
        return [
            signal
            for signal in self.signals
            if unit == (signal.unit or known.get(signal.run) or (not signal.run and spans.get(signal.span)))
        ]

    @staticmethod
    def _verdict(signals: Iterable[Signal]) -> tuple[int | None, str]:
        by_id: defaultdict[str, list[Signal]] = defaultdict(list)
        for signal in signals:
            by_id[signal.id].append(signal)
        latest = {name: max(all_of, key=lambda one: (one.revision, one.ts)) for name, all_of in by_id.items()}
        withdrawn = max(
            (latest[n].ts for n, all_of in by_id.items() if all(s.kind == "void" for s in all_of)), default=-1
        )
        standing = [
            signal
            for signal in latest.values()
            if not signal.voided and signal.ts > withdrawn and signal.kind in {"accept", "reject", "escalate"}
        ]
        if not standing:
            return None, ""
        best = max(standing, key=lambda one: (AUTHORITY[one.source], one.ts, one.revision, one.id))
        return int(best.kind == "accept"), best.id

    def unmatched(self) -> int:
        """Signals that count and whose task is not known."""
        known = {run.id: run.unit for run in self.runs} | {call.run.id: call.run.unit for call in self.calls}
        spans = {call.id for call in self.calls}
        lost: defaultdict[object, dict[str, list[Signal]]] = defaultdict(lambda: defaultdict(list))
        for signal in self.signals:
            if signal.unit is not None:
                where: object = None if signal.unit in known.values() else ("unit", signal.unit)
            elif signal.run:
                where = None if signal.run in known else ("run", signal.run)
            else:
                where = None if signal.span in spans else ("span", signal.span)
            if where is not None:
                lost[where][signal.id].append(signal)
        count = 0
        for where, by_id in lost.items():
            latest = [max(all_of, key=lambda one: (one.revision, one.ts)) for all_of in by_id.values()]
            is_unit = isinstance(where, tuple) and where[0] == "unit"
            withdrawn = max((one.ts for one in latest if one.kind == "void"), default=-1) if is_unit else -1
            count += sum(not one.voided and one.ts > withdrawn for one in latest)
        return count
