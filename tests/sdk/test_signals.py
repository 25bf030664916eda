"""Signals: what goes out for each, how it names its task, and that it never raises into the host."""

import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

import worthwhile as ww
from worthwhile.testing import START_NS, Captured, SignalRecord

KEYED: Any = {"workload": "ticket-reply"}


def only(captured: Captured) -> dict[str, Any]:
    (signal,) = captured.signals
    return dict(signal.attributes)


def test_an_acceptance_becomes_this_record(captured: Captured) -> None:
    signal_id = ww.accept("T-1", workload="ticket-reply")
    assert captured.signals == [
        SignalRecord(
            event_name="gen_ai.evaluation.result",
            attributes={
                "worthwhile.signal.id": signal_id,
                "worthwhile.signal.kind": "accept",
                "worthwhile.signal.source": "human",
                "worthwhile.signal.revision": START_NS // 1000,
                "gen_ai.evaluation.name": "outcome",
                "gen_ai.evaluation.score.label": "accept",
                "worthwhile.workload": "ticket-reply",
                "worthwhile.task.key": "T-1",
            },
            timestamp_ns=START_NS,
            trace_id=None,
            span_id=None,
        )
    ]
    assert uuid.UUID(signal_id).version == 7


@pytest.mark.parametrize(
    ("verb", "arguments", "expected"),
    [
        ("accept", {}, {"source": "human"}),
        ("reject", {}, {"source": "human"}),
        ("edit", {"distance": 0.25}, {"source": "human", "value": 0.25}),
        ("edit", {}, {"source": "human"}),
        ("escalate", {"minutes": 12}, {"source": "human", "value": 12.0}),
        ("fail", {}, {"source": "automated"}),
        ("score", {"value": 0.8}, {"source": "automated", "value": 0.8, "name": "score"}),
        (
            "score",
            {"value": 3, "name": "bleu", "passed": False},
            {"source": "automated", "value": 3.0, "name": "bleu", "passed": False},
        ),
        ("score", {"passed": True}, {"source": "automated", "name": "score", "passed": True}),
        ("void", {}, {"source": "human", "voided": True}),
    ],
    ids=str,
)
def test_each_kind(captured: Captured, verb: str, arguments: dict[str, Any], expected: dict[str, Any]) -> None:
    signal_id = getattr(ww, verb)("T-1", workload="w", **arguments)
    full_names = {
        "source": "worthwhile.signal.source",
        "value": "gen_ai.evaluation.score.value",
        "name": "gen_ai.evaluation.name",
        "passed": "worthwhile.signal.passed",
        "voided": "worthwhile.signal.voided",
    }
    assert only(captured) == {
        "worthwhile.signal.id": signal_id,
        "worthwhile.signal.kind": verb,
        "worthwhile.signal.revision": START_NS // 1000,
        "gen_ai.evaluation.name": "outcome",
        "gen_ai.evaluation.score.label": verb,
        "worthwhile.workload": "w",
        "worthwhile.task.key": "T-1",
        **{full_names[name]: value for name, value in expected.items()},
    }


def test_idempotency_revision_actor_and_source(captured: Captured) -> None:
    returned = ww.accept("T-1", workload="w", id="crm-77", revision=3, actor="qa@example", source="system")
    assert returned == "crm-77"
    attributes = only(captured)
    assert attributes["worthwhile.signal.id"] == "crm-77"
    assert attributes["worthwhile.signal.revision"] == 3
    assert attributes["worthwhile.signal.actor"] == "qa@example"
    assert attributes["worthwhile.signal.source"] == "system"


def test_a_later_call_has_a_higher_revision_and_another_id(captured: Captured) -> None:
    first = ww.accept("T-1", workload="w")
    second = ww.reject("T-1", workload="w")
    assert first != second
    revisions: list[Any] = [signal.attributes["worthwhile.signal.revision"] for signal in captured.signals]
    assert revisions[0] < revisions[1]


def test_void_of_one_signal_names_it(captured: Captured) -> None:
    assert ww.void("T-1", workload="w", id="crm-77") == "crm-77"
    assert only(captured)["worthwhile.signal.voided"] is True


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 3, 1, 12, 0, 0, 250, tzinfo=UTC),
        datetime(2026, 3, 1, 14, 0, 0, 250, tzinfo=timezone(timedelta(hours=2))),
    ],
    ids=str,
)
def test_when_it_was_judged_is_the_records_time(captured: Captured, at: datetime) -> None:
    ww.accept("T-1", workload="w", at=at)
    assert captured.signals[0].timestamp_ns == 1_772_366_400_000_250_000
    assert captured.signals[0].attributes["worthwhile.signal.revision"] == START_NS // 1000, "by the call, not by at="


def test_a_naive_time_is_misuse_and_means_local_time(captured: Captured, as_in_production: None) -> None:
    at = datetime(2026, 3, 1, 12, 0, 0)  # noqa: DTZ001 - what is tested
    ww.accept("T-1", workload="w", at=at)
    assert captured.signals[0].timestamp_ns == int(at.timestamp()) * 10**9


def test_the_current_task_is_the_default(captured: Captured) -> None:
    with ww.task("reply", key="T-1") as t:
        ww.accept()
    attributes = only(captured)
    assert attributes["worthwhile.workload"] == "reply"
    assert attributes["worthwhile.task.id"] == t.id
    assert attributes["worthwhile.task.key"] == "T-1"
    assert captured.signals[0].span_id == captured.tasks[0].span_id
    assert captured.signals[0].trace_id == captured.tasks[0].trace_id


def test_a_handle_counts_over_the_current_task(captured: Captured) -> None:
    with ww.task("outer") as outer, ww.task("inner", key="I"):
        ww.reject(outer)
    attributes = only(captured)
    assert attributes["worthwhile.task.id"] == outer.id
    assert attributes["worthwhile.workload"] == "outer"
    assert "worthwhile.task.key" not in attributes


def test_a_key_counts_over_the_current_task(captured: Captured) -> None:
    with ww.task("outer", key="O"):
        ww.accept("T-9", workload="other")
    attributes = only(captured)
    assert attributes["worthwhile.task.key"] == "T-9"
    assert attributes["worthwhile.workload"] == "other"
    assert "worthwhile.task.id" not in attributes


@pytest.mark.parametrize("task_id", ["01900000-0000-7000-8000-0000000000AB", uuid.UUID(int=0xAB | 0x0190 << 112)])
def test_a_run_by_id(captured: Captured, task_id: Any) -> None:
    with ww.task("current"):
        ww.accept(task_id=task_id)
    attributes = only(captured)
    assert attributes["worthwhile.task.id"] == str(uuid.UUID(str(task_id)))
    assert "worthwhile.workload" not in attributes


def test_an_id_that_is_no_uuid_is_misuse(captured: Captured) -> None:
    with pytest.raises(Exception, match="task_id= is `nope`; expected the UUID of a run"):
        ww.accept(task_id="nope")


@pytest.mark.parametrize("key", [42, uuid.UUID(int=7)])
def test_keys_are_compared_as_text(captured: Captured, key: Any) -> None:
    with ww.task("t", key=str(key)):
        pass
    ww.accept(key, workload="t")
    assert only(captured)["worthwhile.task.key"] == captured.tasks[0].attributes["worthwhile.task.key"]


def test_a_key_without_workload_takes_it_from_the_enclosing_task(captured: Captured) -> None:
    with ww.task("reply", key="T-1"):
        ww.accept("T-1")
        ww.accept("T-2")
    assert {signal.attributes["worthwhile.workload"] for signal in captured.signals} == {"reply"}


def test_a_key_without_workload_takes_it_from_the_ancestor_with_that_key(captured: Captured) -> None:
    with ww.task("outer", key="T-1"), ww.task("inner", key="I-1"):
        ww.accept("T-1")
    assert only(captured)["worthwhile.workload"] == "outer"


def test_an_ambiguous_key_is_misuse(captured: Captured) -> None:
    with pytest.raises(Exception, match="a signal by key needs its workload"):
        ww.accept("T-1")
    with (
        ww.task("outer", key="O"),
        ww.task("inner", key="I"),
        pytest.raises(Exception, match="a signal by key needs its workload"),
    ):
        ww.accept("T-1")


def test_misuse_warns_once_in_production_and_the_signal_still_goes_out(
    captured: Captured, as_in_production: None, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        assert ww.accept("T-1")
    assert len(caplog.records) == 1
    assert 'ww.accept(key, workload="ticket-reply")' in caplog.text
    assert [signal.attributes["worthwhile.task.key"] for signal in captured.signals] == ["T-1"] * 3


@pytest.mark.parametrize("key", [None, ""])
def test_a_signal_about_nothing_is_misuse(captured: Captured, key: Any) -> None:
    with pytest.raises(Exception, match="outside a task and names none"):
        ww.accept(key, workload="w")


@pytest.mark.parametrize(
    ("verb", "arguments", "message"),
    [
        ("edit", {"distance": 1.5}, "distance= is `1.5`; expected a number from 0 to 1"),
        ("edit", {"distance": float("nan")}, "distance= is `nan`"),
        ("score", {"value": float("inf")}, "value= is `inf`; expected a finite number"),
        ("escalate", {"minutes": float("nan")}, "minutes= is `nan`"),
        ("accept", {"source": "robot"}, "source= is `robot`; expected one of human, automated, system"),
    ],
    ids=str,
)
def test_nonsense_is_misuse_and_costs_only_itself(
    captured: Captured, verb: str, arguments: dict[str, Any], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Exception, match=message):
        getattr(ww, verb)("T-1", workload="w", **arguments)
    with ww.testing.swallowing_errors():
        signal_id = getattr(ww, verb)("T-1", workload="w", **arguments)
    attributes = only(captured)
    assert attributes["worthwhile.signal.id"] == signal_id
    assert "gen_ai.evaluation.score.value" not in attributes


def test_an_object_that_cannot_be_named_costs_the_signal_and_nothing_else(
    captured: Captured, as_in_production: None, caplog: pytest.LogCaptureFixture
) -> None:
    class Evil:
        def __str__(self) -> str:
            raise RuntimeError("no")

    evil: Any = Evil()
    assert uuid.UUID(ww.accept(evil, workload="w"))
    assert captured.signals == []
    assert "lost a signal because of an internal error" in caplog.text


def test_signals_are_counted(captured: Captured) -> None:
    before = ww.stats().signals
    ww.accept("T-1", workload="w")
    assert ww.stats().signals == before + 1
