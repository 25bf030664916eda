"""Settled and unsettled views of tasks are what brute force says, whatever arrives in whatever order (`task_model`)."""

import json
import random
import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from tests.collectors.store.task_model import Call, Model, Run, Signal

from worthwhile_collectors.store import Store, settle_tasks
from worthwhile_schemas.sql import settling

BEGIN = datetime(2026, 11, 1, 22, tzinfo=UTC)
HOUR_NS = 3_600 * 10**9
REFS: dict[object, int] = {}


def history(seed: int) -> list[Run | Call | Signal]:
    """Runs of a few units over two days, calls under them, and signals about them, in any order, some twice."""
    chance = random.Random(seed)
    runs: list[Run] = []
    for number in range(chance.randint(3, 9)):
        ts = chance.randrange(30) * HOUR_NS + number
        around = chance.choice(runs) if runs and chance.random() < 0.4 else None
        ancestors = (*around.ancestors, around.id) if around else ()
        key = chance.choice(["", "", "k1", "k2"])
        status = chance.choice(["completed", "completed", "failed"])
        run_id = ((ts + 1) << 40) | (number + 1)
        runs.append(Run(run_id, chance.choice(["a", "b"]), key, ts, chance.randrange(HOUR_NS), status, ancestors))
    calls = [
        Call(
            number + 1, run, run.ts + chance.randrange(40) * HOUR_NS // 8, chance.choice([None, number / Decimal(7000)])
        )
        for number, run in enumerate(chance.choices(runs, k=chance.randint(2, 14)))
    ]
    rounded = [Call(c.id, c.run, c.ts, c.cost and round(c.cost, 12)) for c in calls]
    signals = [_signal(chance, number, runs, rounded) for number in range(chance.randint(2, 14))]
    rows: list[Run | Call | Signal] = [*rounded, *(run for run in runs if chance.random() < 0.8), *signals]
    rows += chance.sample(rows, len(rows) // 4)
    chance.shuffle(rows)
    return rows


def _signal(chance: random.Random, number: int, runs: list[Run], calls: list[Call]) -> Signal:
    run = chance.choice(runs)
    kind = chance.choice(["accept", "accept", "reject", "escalate", "void"])
    about: dict[str, object] = {"run": run.id}
    if run.key:
        about = {"unit": run.unit}
    if chance.random() < 0.1:
        about = {"unit": ("a", "misspelt")} if chance.random() < 0.5 else {"span": chance.choice(calls).id}
    return Signal(
        id=f"s{number % 6}",
        kind=kind,
        source=chance.choice(["human", "automated", "system"]),
        ts=run.ts + chance.randrange(72) * HOUR_NS,
        revision=chance.randrange(5) * 100 + number,
        voided=kind == "void" or chance.random() < 0.1,
        **about,  # type: ignore[arg-type]  # one of the three
    )


def insert(store: Store, rows: list[Run | Call | Signal]) -> None:
    for table, kind in (("calls", Call), ("task_runs", Run), ("signals", Signal)):
        lines = [json.dumps(_row(row)) for row in rows if isinstance(row, kind)]
        if lines:
            store.insert_rows(table, "\n".join(lines).encode())


@pytest.fixture(autouse=True)
def _refs(store: Store) -> None:
    """What the engine calls the units with a key."""
    sql = """
        SELECT workload, key, toString(reinterpretAsUInt128(sipHash128(workload, key))) AS ref
        FROM (SELECT arrayJoin(['a', 'b']) AS workload, arrayJoin(['k', 'k1', 'k2', 'misspelt']) AS key)
    """
    REFS.update({(str(row["workload"]), str(row["key"])): int(str(row["ref"])) for row in store.query(sql)})


def ref(unit: object) -> int:
    return unit if isinstance(unit, int) else REFS[unit]


def _time(ts: int) -> str:
    whole, rest = divmod(ts, 10**9)
    return f"{BEGIN + timedelta(seconds=whole):%Y-%m-%d %H:%M:%S}.{rest:09}"


def _row(row: Run | Call | Signal) -> dict[str, object]:
    if isinstance(row, Signal):
        return {
            "signal_id": row.id,
            "task_id": str(row.run),
            "task_ref": str(ref(row.unit) if row.unit else 0),
            "workload": row.unit[0] if isinstance(row.unit, tuple) else "",
            "task_key": row.unit[1] if isinstance(row.unit, tuple) else "",
            "kind": row.kind,
            "verdict": {"accept": 1, "reject": 0, "escalate": 0}.get(row.kind),
            "source": row.source,
            "event_ts": _time(row.ts),
            "revision": row.revision,
            "voided": row.voided,
        } | ({"trace_id": f"{row.span:016}", "span_id": f"{row.span:08}"} if row.span else {})
    run = row.run if isinstance(row, Call) else row
    shared: dict[str, object] = {
        "ts": _time(row.ts),
        "task_id": str(run.id),
        "task_key": run.key,
        "workload": run.workload,
        "task_ancestors": [str(one) for one in run.ancestors],
    }
    if isinstance(row, Run):
        ids = {"trace_id": f"r{run.id % 10**15:015}", "span_id": f"r{run.id % 10**7:07}"}
        return shared | ids | {"task_ref": str(ref(run.unit)), "status": row.status, "duration_ns": row.duration}
    ids = {"trace_id": f"{row.id:016}", "span_id": f"{row.id:08}"}
    return shared | ids | {"cost_usd": None if row.cost is None else str(row.cost), "cost_basis": "list"}


def add(model: Model, rows: list[Run | Call | Signal]) -> None:
    model.runs |= {row for row in rows if isinstance(row, Run)}
    model.calls |= {row for row in rows if isinstance(row, Call)}
    model.signals |= {row for row in rows if isinstance(row, Signal)}


def stored(store: Store, view: str) -> dict[int, dict[str, object]]:
    found = store.query(
        f"SELECT task_ref, toUnixTimestamp64Nano(ts) AS first, cohort_day = toDate(ts) AS is_on_its_day, runs,"
        f" open_runs, last_status, toUnixTimestamp64Nano(last_end) AS last_end, calls, cost_usd AS cost, verdict,"
        f" verdict_signal_id AS signal FROM {view}"
    )
    by_ref = {int(str(row.pop("task_ref"))): row for row in found}
    assert len(by_ref) == len(found), "a unit has two rows"
    return by_ref


def expected(model: Model) -> dict[int, dict[str, object]]:
    start = int(BEGIN.timestamp()) * 10**9
    return {
        ref(unit): asdict(made) | {"first": made.first + start, "last_end": made.last_end + start, "is_on_its_day": 1}
        for unit, made in model.units().items()
    }


@pytest.mark.parametrize("seed", range(4))
def test_views_of_tasks_are_what_brute_force_says(seed: int, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settle_tasks, "ROWS_AT_ONCE", 5 if seed % 3 == 0 else 10**6)
    chance, model, rows = random.Random(seed), Model(), history(seed)
    while rows:
        batch, rows = rows[: (size := chance.randint(1, 12))], rows[size:]
        insert(store, batch)
        add(model, batch)
        if chance.random() < 0.3:
            assert stored(store, "task_units") == expected(model)
        if chance.random() < 0.5:
            store.settle_tasks(quiet_s=chance.choice([0, 1000]))
            assert stored(store, "settled_units") == expected(model)
            assert stored(store, "task_units") == expected(model)
    store.settle_tasks(quiet_s=0)
    assert stored(store, "settled_units") == expected(model)
    assert store.query("SELECT count() AS n FROM unmatched_signals") == [{"n": model.unmatched()}]
    assert store.query("SELECT pending_units, queued_rows FROM settlement") == [{"pending_units": 0, "queued_rows": 0}]
    days = store.query(
        "SELECT workload, cohort_day, argMax(tasks, known_on) AS tasks, argMax(successes, known_on) AS successes"
        " FROM cost_per_success_days FINAL GROUP BY workload, cohort_day HAVING tasks > 0 ORDER BY ALL"
    )
    assert days == store.query(
        "SELECT workload, cohort_day, count() AS tasks, countIf(verdict = 1) AS successes FROM settled_units"
        " GROUP BY workload, cohort_day ORDER BY ALL"
    )


@pytest.mark.parametrize("condition", ["", "0"])
@pytest.mark.parametrize("moment", ["tasks_runs", "tasks_facts", "tasks_done"])
def test_a_settling_in_the_middle_of_another_spoils_nothing(
    moment: str, condition: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two collectors of one server, or a report beside a collector: of the same rows of the queue, or of none."""
    model, rows = Model(), history(5)
    insert(store, rows)
    add(model, rows)
    run, between = settle_tasks._run, [moment]

    def interrupted(store: Store, name: str, *rest: object) -> None:
        if between == [name]:
            between.clear()
            settle_tasks._settle(store, BEGIN + timedelta(days=60), condition)
        run(store, name, *rest)

    monkeypatch.setattr(settle_tasks, "_run", interrupted)
    settle_tasks.settle_tasks(store, BEGIN + timedelta(days=60), quiet_s=0)
    assert between == []
    assert stored(store, "settled_units") == expected(model)
    assert stored(store, "task_units") == expected(model)


def test_figures_of_a_day_move_as_judgements_arrive_and_say_when(store: Store) -> None:
    runs = [Run(number, "a", f"k{number}", number * 10**9, 10**9, "completed") for number in (1, 2)]
    insert(store, [*runs, *(Call(run.id, run, run.ts, Decimal("0.01") * run.id) for run in runs)])
    day_ns = 24 * HOUR_NS
    judgements = [("accept", 1, "human", 1), ("accept", 2, "human", 2), ("reject", 1, "human", 6)]
    coverage = store.query("SELECT calls, tasks, labelled_tasks, labelled_share FROM coverage")
    assert coverage == [{"calls": 2, "tasks": None, "labelled_tasks": None, "labelled_share": None}]
    labelled = []
    for number, (kind, run, source, day) in enumerate(judgements):
        insert(store, [Signal(f"s{number}", kind, source, day * day_ns, number, voided=False, unit=("a", f"k{run}"))])
        settle_tasks.settle_tasks(store, BEGIN + timedelta(days=day), quiet_s=0)
        labelled += store.query("SELECT calls, tasks, labelled_tasks, labelled_share FROM coverage")
    assert [list(row.values()) for row in labelled] == [[2, 2, 1, 0.5], [2, 2, 2, 1], [2, 2, 2, 1]]
    [moved] = store.query("SELECT * EXCEPT (workload, cohort_day) FROM cost_per_success_restated")
    # 0.01 / 1 with one of two judged; 0.03 / 2 on day two; 0.03 / 1 when the first is taken back on day six
    assert moved == {
        "after_1_day_usd": Decimal("0.01"),
        "after_3_days_usd": Decimal("0.015"),
        "after_7_days_usd": Decimal("0.03"),
        "now_usd": Decimal("0.03"),
        "labelled_after_1_day": 1,
        "labelled_after_3_days": 2,
        "labelled_after_7_days": 2,
        "labelled_now": 2,
    }
    [day] = store.query(
        "SELECT tasks, labelled, successes, cost_per_successful_task_usd AS cost, weighted_tasks "
        "FROM cost_per_success_daily"
    )
    assert day == {"tasks": 2, "labelled": 2, "successes": 1, "cost": Decimal("0.03"), "weighted_tasks": 2.0}


def test_signals_of_no_known_task_are_counted_by_workload_and_age(store: Store) -> None:
    insert(store, [Signal("s", "accept", "human", 0, 1, voided=False, unit=("a", "misspelt"))])
    for _ in range(2):
        waiting = store.query("SELECT workload, waiting FROM waiting_by_workload")
        assert waiting == [{"workload": "a", "waiting": 1}]
        store.settle_tasks(quiet_s=0)
    insert(store, [Run(7, "a", "misspelt", 0, 1, "completed")])
    assert store.query("SELECT * FROM waiting_by_workload") == []


def test_the_large_view_is_planned_only_while_something_is_queued(store: Store) -> None:
    def plan() -> str:
        return store.query_bytes("EXPLAIN SELECT count() FROM task_units", "TSVRaw").decode()

    insert(store, [Run(1, "a", "k", 0, 10**9, "completed")])
    store.settle_tasks(quiet_s=0)
    assert "Join" not in plan()
    insert(store, [Signal("s", "accept", "human", 5, 1, voided=False, unit=("a", "k"))])
    assert "Join" in plan()


def test_a_settling_reads_what_was_worked_out_before_instead_of_the_views() -> None:
    facts = settling("SELECT * FROM touched_facts", "units", "runs")
    assert not {"touched_units", "touched_runs", "signal_states", "touched_calls"} & set(re.findall(r"\w+", facts))
    assert {"settling_units", "settling_runs", "signals", "calls_counted"} <= set(re.findall(r"\w+", facts))
    assert "{scope" not in facts
