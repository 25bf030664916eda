"""`success=`: the verdict on a result goes out as an automated signal."""

from typing import Any

import pytest

import worthwhile as ww
from worthwhile.testing import STEP_NS, Captured, swallowing_errors


@pytest.mark.parametrize(
    ("verdict", "kinds"), [(True, ["accept"]), (False, ["reject"]), (None, []), (1, ["accept"]), (0.0, ["reject"])]
)
def test_success_judges_the_result(captured: Captured, verdict: Any, kinds: list[str]) -> None:
    results: list[int] = []

    def judge(result: int) -> Any:
        results.append(result)
        return verdict

    @ww.task("t", key="k", success=judge)
    def work(k: str) -> int:
        return 41

    assert work("K") == 41
    assert results == [41]
    assert [signal.attributes["worthwhile.signal.kind"] for signal in captured.signals] == kinds
    for signal in captured.signals:
        assert signal.attributes["worthwhile.signal.source"] == "automated"
        assert signal.attributes["worthwhile.task.key"] == "K"
        assert signal.span_id == captured.tasks[0].span_id


def test_success_that_raises_loses_only_the_verdict(
    captured: Captured, as_in_production: None, caplog: pytest.LogCaptureFixture
) -> None:
    @ww.task("t", success=lambda result: result.nope)
    def work() -> int:
        return 1

    assert work() == 1
    assert captured.tasks[0].attributes["worthwhile.task.status"] == "completed"
    assert captured.signals == []
    assert "the verdict of success=" in caplog.text


def test_success_is_not_asked_about_a_failure(captured: Captured) -> None:
    @ww.task("t", success=lambda result: True)
    def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        work()
    assert captured.signals == []


def test_a_coroutine_function_as_success_is_misuse(captured: Captured) -> None:
    async def judge(result: object) -> bool:
        return True

    @ww.task("t", success=judge)  # type: ignore[arg-type]
    def work() -> int:
        return 1

    with pytest.raises(Exception, match="success= of the task `t` is a coroutine function"):
        work()
    with swallowing_errors():
        assert work() == 1
    assert captured.signals == []


def test_what_success_spends_is_the_tasks(captured: Captured) -> None:
    seen: list[ww.Task | None] = []

    @ww.task("t", success=lambda result: seen.append(ww.current_task()))  # type: ignore[func-returns-value]
    def work() -> None: ...

    work()
    assert seen[0] is not None
    assert seen[0].id == captured.tasks[0].attributes["worthwhile.task.id"]
    assert ww.current_task() is None


def test_the_time_that_success_takes_is_not_the_tasks(captured: Captured) -> None:
    from worthwhile import _clock

    @ww.task("t", success=lambda result: _clock.perf_ns() < _clock.perf_ns())
    def work() -> None: ...

    work()
    span = captured.tasks[0]
    assert span.end_ns - span.start_ns == STEP_NS
