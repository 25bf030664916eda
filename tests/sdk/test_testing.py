"""`worthwhile.testing`, as a user's own tests use it."""

import doctest
import time
from decimal import Decimal

import pytest

import worthwhile as ww
from worthwhile import Usage, _setup, testing
from worthwhile._invocation import CallRequest, CallResponse, start
from worthwhile.testing import START_NS, STEP_NS


def work() -> None:
    with ww.task("t", key="K"):
        start(CallRequest("chat", "openai", "gpt-4o")).finish(None)
        ww.accept()


def test_two_captures_of_the_same_work_are_equal() -> None:
    with testing.capture() as first:
        work()
    with testing.capture() as second:
        work()
    assert first.spans == second.spans
    assert first.signals == second.signals
    assert (len(first.tasks), len(first.calls), len(first.signals)) == (1, 1, 1)
    assert first.spans[0].start_ns == START_NS + 2 * STEP_NS


captured = pytest.fixture(testing.capturing)
"""The recipe of the module's documentation."""


def spend(*, input_tokens: int, model: str = "gpt-4o-mini") -> None:
    call = start(CallRequest("chat", "openai", model))
    call.finish(CallResponse(model=model, usage=Usage(input_tokens=input_tokens, output_tokens=10)))


def test_what_a_task_has_used_is_what_its_calls_have_nested_ones_included(captured: testing.Captured) -> None:
    with ww.task("outer", key="K"):
        spend(input_tokens=1_000)
        with ww.task("inner"):
            spend(input_tokens=500)
            spend(input_tokens=7, model="nobody-prices-this")
    spend(input_tokens=3)
    outer, inner = captured.task("outer", key="K"), captured.task("inner")
    assert [len(captured.calls_of(task)) for task in (outer, inner)] == [3, 2]
    assert captured.usage_of(outer) == Usage(input_tokens=1_507, output_tokens=30)
    assert captured.usage_of(inner) == Usage(input_tokens=507, output_tokens=20)
    # 0.15 and 0.60 USD per million tokens, of 1,500 and 20 tokens; the unknown model adds nothing.
    assert captured.cost_usd_of(outer) == Decimal("0.000237")
    assert captured.cost_usd_of(inner) == Decimal("0.000081")


def test_what_is_unknown_is_none(captured: testing.Captured) -> None:
    with ww.task("t"):
        spend(input_tokens=7, model="nobody-prices-this")
    assert captured.cost_usd_of(captured.task()) is None
    with ww.task("without calls"):
        pass
    assert captured.usage_of(captured.task("without calls")) == Usage()


def test_signals_of_a_task_are_found_by_id_and_by_key(captured: testing.Captured) -> None:
    with ww.task("t", key="K") as task:
        task.accept()
    with ww.task("t", key="L"):
        pass
    ww.reject("K", workload="t")
    ww.reject("K", workload="another")
    assert [signal.event_name for signal in captured.signals_of(captured.task(key="K"))] == [
        signal.event_name for signal in captured.signals[:2]
    ]
    assert captured.signals_of(captured.task(key="L")) == []


def test_a_task_that_is_not_there_or_not_alone_is_told(captured: testing.Captured) -> None:
    with pytest.raises(LookupError, match=r"0 have ended.*(?s:.)*none at all"):
        captured.task("t")
    for key in ("K", "L"):
        with ww.task("t", key=key):
            pass
    with pytest.raises(LookupError, match=r"2 have ended(?s:.)*`t` K, `t` L"):
        captured.task("t")
    assert captured.task(key="L") == captured.tasks[1]


def test_unfixed_capture_has_real_ids_and_clocks() -> None:
    before = time.time_ns()
    with testing.capture(fixed=False) as first:
        work()
    with testing.capture(fixed=False) as second:
        work()
    assert before <= first.tasks[0].start_ns <= first.tasks[0].end_ns <= time.time_ns()
    assert first.tasks[0].trace_id != second.tasks[0].trace_id
    assert first.tasks[0].attributes["worthwhile.task.id"] != second.tasks[0].attributes["worthwhile.task.id"]


def test_nested_captures_keep_apart_and_everything_is_put_back() -> None:
    with testing.capture() as outer:
        with testing.capture() as inner:
            work()
        assert outer.spans == []
        work()
    assert len(inner.tasks) == len(outer.tasks) == 1
    outer.clear()
    assert (outer.spans, outer.signals) == ([], [])
    assert abs(time.time_ns() - START_NS) > STEP_NS
    from worthwhile import _clock

    assert _clock.time_ns is time.time_ns


def test_it_is_put_back_after_an_exception() -> None:
    before = _setup._pipeline
    with pytest.raises(KeyError), testing.capture():
        raise KeyError
    assert _setup._pipeline is before


def test_configure_does_not_end_a_capture(fresh: None) -> None:
    with testing.capture() as captured:
        ww.configure(service_name="shop")
        work()
    assert len(captured.tasks) == 1
    assert _setup._pipeline is None


def test_collected_records_are_copies() -> None:
    with testing.capture() as captured:
        work()
        captured.spans.clear()
        assert len(captured.spans) == 2


@pytest.mark.parametrize("module", [testing, ww], ids=lambda module: module.__name__)
def test_the_examples_run(module: object) -> None:
    with testing.capture():
        result = doctest.testmod(module)  # type: ignore[arg-type]
    assert result.attempted > 1
    assert result.failed == 0
