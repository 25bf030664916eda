"""Which tasks, calls and outcomes a period's report counts, whatever order they arrived in."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.dashboards.telemetry import SECOND, Telemetry, nanoseconds, openai

from worthwhile_collectors.store import Store, framed
from worthwhile_dashboards.report import build, render_html, render_text
from worthwhile_schemas import attributes as a

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
UNTIL = datetime(2026, 11, 21, tzinfo=UTC)


def test_period_is_half_open_and_later_calls_of_its_tasks_count(store: Store) -> None:
    # second 2: task 1 begins at 10:00:00, its nested task and call one second later
    start = datetime(2026, 11, 2, 10, tzinfo=UTC)
    report = build(store.query, start, start + timedelta(seconds=1))
    assert [(w.name, w.tasks, w.calls.calls) for w in report.workloads] == [("ticket", 1, 2)]
    assert report.totals.calls == 1
    assert build(store.query, start - timedelta(days=1), start).is_empty
    period = "since = '2026-11-01 10:00:00', until = '2026-11-02 10:00:00'"
    assert store.query(f"SELECT * FROM report_calls({period})") == []


def test_one_workload(store: Store) -> None:
    report = build(store.query, SINCE, UNTIL, workload="summarise")
    assert [w.name for w in report.workloads] == ["summarise"]
    assert report.totals.calls == 24
    assert build(store.query, SINCE, UNTIL, workload="x' OR 1 = 1 --").workloads == ()


def test_empty_period_of_a_store_with_history(store: Store) -> None:
    report = build(store.query, UNTIL, UNTIL + timedelta(days=1))
    assert report.is_empty
    assert report.has_history
    assert "Nothing happened in this period" in render_text(report, color=False, width=80)
    assert "No data in this period" in render_html(report)


@pytest.mark.parametrize("since", [UNTIL, datetime(2026, 11, 1)])  # noqa: DTZ001 - naive on purpose
def test_period_must_be_two_aware_times_in_order(store: Store, since: datetime) -> None:
    with pytest.raises(ValueError, match="expected two aware times"):
        build(store.query, since, UNTIL)


def test_outcomes_may_come_before_the_task_late_and_revised(store: Store) -> None:
    since, until = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
    began = nanoseconds("01 00:00:00") + 40 * 86_400 * SECOND

    def send(sent: Telemetry) -> tuple[int, int, int, str | None]:
        shift = began - nanoseconds("01 00:00:00")
        for span in sent.spans:
            span.start_time_unix_nano += shift
            span.end_time_unix_nano += shift
        for record in sent.records:
            record.time_unix_nano += shift
        store.insert_protobuf("logs", framed([sent.logs.SerializeToString()]), "")
        store.insert_protobuf("traces", framed([sent.traces.SerializeToString()]), "")
        store.settle_tasks()
        report = build(store.query, since, until)
        late = [w for w in report.workloads if w.name == "late"]
        if not late:
            return report.unmatched_signals, 0, 0, None
        cost = late[0].cost_per_success_usd
        return (
            report.unmatched_signals,
            late[0].labelled,
            late[0].successes,
            None if cost is None else f"{cost.normalize():f}",
        )

    def judged(at: str, kind: str, revision: int) -> Telemetry:
        sent = Telemetry()
        named = {a.WORKLOAD: "late", a.TASK_KEY: "k", a.SIGNAL_ID: "late-k", a.SIGNAL_REVISION: revision}
        sent.signal(at, kind, named)
        return sent

    def ran(number: int, status: str, **key: str) -> Telemetry:
        sent = Telemetry()
        sent.number = 1000 * number
        task_id = sent.task("late", "02 00:00:00", 1, attributes={a.TASK_STATUS: status}, **key)
        sent.call("02 00:00:00", 10, openai(0.004), id=task_id, workload="late", **key)
        return sent

    before = build(store.query, since, until).unmatched_signals
    assert send(judged("03 00:00:00", "accept", 1)) == (before + 1, 0, 0, None)
    assert send(ran(1, "completed", key="k")) == (before, 1, 1, "0.004")
    # a second task whose run raised counts as failed without any signal: 0.008 / 1
    assert send(ran(2, "failed")) == (before, 2, 1, "0.008")
    assert send(judged("09 00:00:00", "reject", 2)) == (before, 2, 0, None)
    # an older revision that arrives late changes nothing
    assert send(judged("04 00:00:00", "accept", 1)) == (before, 2, 0, None)
