"""`worthwhile.testing`, as a user's own tests use it."""

import doctest
import time

import pytest

import worthwhile as ww
from worthwhile import _setup, testing
from worthwhile._invocation import CallRequest, start
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
