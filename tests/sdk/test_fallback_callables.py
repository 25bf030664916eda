"""`ww.fallback` around callables of every kind: who answers, what is raised, and what the calls of each leg say."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

import worthwhile as ww
from worthwhile._invocation import CallRequest, start
from worthwhile.testing import Captured

pytestmark = pytest.mark.usefixtures("captured")

SMALL, LARGE, HUGE = "small-model", "large-model", "huge-model"


class ParseError(ValueError):
    """What a host raises itself."""


def call(model: str, error: BaseException | None = None, operation: str = "chat") -> str:
    invocation = start(CallRequest(operation, "openai", model))
    if error is not None:
        invocation.fail(error)
        raise error
    invocation.finish(None)
    return model


def leg(model: str, error: BaseException | None = None) -> Callable[..., str]:
    return lambda *_: call(model, error)


def marks(captured: Captured) -> list[Any]:
    """(model, from, reason, kind, index) of each call, by its end."""
    names = ("gen_ai.request.model", *(f"worthwhile.fallback.{name}" for name in ("from", "reason", "kind", "index")))
    return [tuple(each.attributes.get(name) for name in names) for each in captured.calls]


def chains(captured: Captured) -> list[Any]:
    return [each.attributes.get("worthwhile.fallback.chain") for each in captured.calls]


FIRST = (SMALL, None, None, None, None)


def test_the_first_good_answer_is_returned_as_it_is(captured: Captured) -> None:
    token = object()
    answer = ww.fallback([lambda: token, leg(LARGE)])
    assert answer() is token
    assert captured.calls == []


def test_a_failure_leads_to_the_next_leg(captured: Captured) -> None:
    answer = ww.fallback([leg(SMALL, TimeoutError()), leg(LARGE), leg(HUGE)])
    assert answer("prompt") == LARGE
    assert marks(captured) == [FIRST, (LARGE, SMALL, "TimeoutError", "timeout", 1)]
    assert captured.calls[1].attributes["worthwhile.fallback.to"] == LARGE
    assert len(set(chains(captured))) == 1
    assert None not in chains(captured)


def test_each_run_is_a_chain_of_its_own(captured: Captured) -> None:
    answer = ww.fallback([leg(SMALL, TimeoutError()), leg(LARGE)])
    answer()
    answer()
    first, second, third, fourth = chains(captured)
    assert first == second != third == fourth


def test_arguments_reach_every_leg() -> None:
    seen: list[Any] = []

    def first(*args: Any, **kwargs: Any) -> None:
        seen.append((args, kwargs))
        raise KeyError

    def second(*args: Any, **kwargs: Any) -> str:
        seen.append((args, kwargs))
        return "done"

    assert ww.fallback([first, second])(1, two=2) == "done"
    assert seen == [((1,), {"two": 2})] * 2


def test_a_leg_may_set_the_model_and_the_tier(captured: Captured) -> None:
    def ask(prompt: str, *, model: str = SMALL) -> str:
        return call(model, KeyError() if model == SMALL else None)

    answer = ww.fallback([ww.Leg(ask, tier="edge"), ww.Leg(ask, model=LARGE, tier="frontier")])
    assert answer("hello") == LARGE
    first, second = (each.attributes for each in captured.calls)
    assert (first["worthwhile.route.tier"], second["worthwhile.route.tier"]) == ("edge", "frontier")
    assert second["worthwhile.fallback.from_tier"] == "edge"
    assert "worthwhile.fallback.from_tier" not in first


def test_the_last_error_is_raised_with_those_before_as_its_context() -> None:
    errors = [KeyError("a"), TimeoutError("b"), ParseError("c")]
    with pytest.raises(ParseError) as raised:
        ww.fallback([leg(SMALL, errors[0]), leg(LARGE, errors[1]), leg(HUGE, errors[2])])()
    assert raised.value is errors[2]
    assert raised.value.__context__ is errors[1]
    assert errors[1].__context__ is errors[0]
    assert errors[0].__context__ is None
    assert raised.value.__cause__ is None
    assert all(not hasattr(each, "__notes__") for each in errors)


def test_only_the_named_errors_lead_on(captured: Captured) -> None:
    answer = ww.fallback([leg(SMALL, KeyError("k")), leg(LARGE)], on=(TimeoutError, ConnectionError))
    with pytest.raises(KeyError):
        answer()
    assert marks(captured) == [FIRST]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), asyncio.CancelledError(), GeneratorExit()])
def test_what_is_no_exception_never_leads_on(captured: Captured, error: BaseException) -> None:
    with pytest.raises(type(error)) as raised:
        ww.fallback([leg(SMALL, error), leg(LARGE)])()
    assert raised.value is error
    assert len(captured.calls) == 1


def test_an_answer_that_is_not_good_enough_escalates(captured: Captured) -> None:
    answer = ww.fallback([leg(SMALL), leg(LARGE), leg(HUGE)], when=lambda text: text == SMALL)
    with ww.task("t"):
        assert answer() == LARGE
    assert marks(captured) == [FIRST, (LARGE, SMALL, "rejected", "quality", 1)]


def test_the_host_may_say_why_an_answer_was_turned_down(captured: Captured) -> None:
    ww.fallback([leg(SMALL), leg(LARGE)], when=lambda text: "too short" * 99)()
    assert marks(captured)[1][2:] == (("too short" * 99)[:200], "quality", 1)


def test_the_last_answer_is_returned_however_good_it_is() -> None:
    asked: list[str] = []
    answer = ww.fallback([leg(SMALL), leg(LARGE)], when=lambda text: asked.append(text) or True)
    assert answer() == LARGE
    assert asked == [SMALL]


def test_what_the_judge_raises_is_raised_and_its_calls_are_nobodys_leg(captured: Captured) -> None:
    def judge(text: str) -> bool:
        call("judge-model")
        raise ParseError(text)

    with pytest.raises(ParseError):
        ww.fallback([leg(SMALL), leg(LARGE)], when=judge)()
    assert marks(captured) == [FIRST, ("judge-model", None, None, None, None)]
    assert chains(captured)[1] is None


def test_an_error_of_the_hosts_own_after_a_good_call_names_that_call(captured: Captured) -> None:
    def parse() -> str:
        call(SMALL)
        raise ParseError

    ww.fallback([parse, leg(LARGE)])()
    reason = f"{ParseError.__module__}.ParseError"
    assert marks(captured)[1] == (LARGE, SMALL, reason, "error", 1)


def test_a_leg_without_calls_goes_by_its_name(captured: Captured) -> None:
    def look_up() -> str:
        raise KeyError

    ww.fallback([look_up, leg(LARGE)])()
    ww.fallback([ww.Leg(look_up, name="rules"), leg(LARGE)])()
    assert [mark[1] for mark in marks(captured)] == ["look_up", "rules"]


def test_every_call_of_a_leg_says_what_it_stands_in_for_but_not_one_of_another_kind(captured: Captured) -> None:
    def agent() -> str:
        call("embedder", operation="embeddings")
        call(LARGE)
        return call(HUGE)

    ww.fallback([leg(SMALL, TimeoutError()), agent])()
    mark = (SMALL, "TimeoutError", "timeout", 1)
    assert marks(captured) == [FIRST, ("embedder", None, None, None, None), (LARGE, *mark), (HUGE, *mark)]
    assert len(set(chains(captured))) == 1


def test_a_detected_fallback_within_a_leg_counts_on(captured: Captured) -> None:
    def first() -> str:
        try:
            return call(SMALL, TimeoutError())
        except TimeoutError:
            return call(LARGE, KeyError())

    with ww.task("t"):
        ww.fallback([first, leg(HUGE)])()
    assert marks(captured) == [
        FIRST,
        (LARGE, SMALL, "TimeoutError", "timeout", 1),
        (HUGE, LARGE, "KeyError", "error", 2),
    ]


def test_a_detected_fallback_within_a_later_leg_is_told_from_that_leg(captured: Captured) -> None:
    def second() -> str:
        try:
            return call(LARGE, KeyError())
        except KeyError:
            return call(HUGE)

    ww.fallback([leg(SMALL, TimeoutError()), second])()
    assert marks(captured)[1:] == [
        (LARGE, SMALL, "TimeoutError", "timeout", 1),
        (HUGE, LARGE, "KeyError", "error", 2),
    ]


def test_a_retry_within_a_leg_is_none(captured: Captured) -> None:
    def first() -> str:
        try:
            return call(SMALL, TimeoutError())
        except TimeoutError:
            call(SMALL)
            return call(LARGE)

    ww.fallback([first, leg(HUGE)])()
    assert marks(captured) == [FIRST, FIRST, (LARGE, None, None, None, None)]


def test_a_fallback_after_a_failure_continues_the_step(captured: Captured) -> None:
    with ww.task("t"):
        with pytest.raises(TimeoutError):
            call(SMALL, TimeoutError())
        ww.fallback([leg(LARGE), leg(HUGE)])()
        call(HUGE)
    assert marks(captured)[1:] == [(LARGE, SMALL, "TimeoutError", "timeout", 1), (HUGE, None, None, None, None)]


def test_a_call_after_a_chain_that_failed_continues_the_step(captured: Captured) -> None:
    with ww.task("t"):
        with pytest.raises(KeyError):
            ww.fallback([leg(SMALL, TimeoutError()), leg(LARGE, KeyError())])()
        call(HUGE)
        call(SMALL)
    assert marks(captured)[2:] == [(HUGE, LARGE, "KeyError", "error", 2), FIRST]


def test_a_fallback_within_a_leg_is_part_of_it(captured: Captured) -> None:
    inner = ww.fallback([leg(LARGE, KeyError()), leg(HUGE)])
    ww.fallback([leg(SMALL, TimeoutError()), inner])()
    assert marks(captured) == [
        FIRST,
        (LARGE, SMALL, "TimeoutError", "timeout", 1),
        (HUGE, LARGE, "KeyError", "error", 2),
    ]
    assert len(set(chains(captured))) == 2


def test_a_task_within_a_leg_keeps_its_failures_to_itself(captured: Captured) -> None:
    @ww.task("inner")
    def first() -> str:
        with pytest.raises(TimeoutError):
            call(SMALL, TimeoutError())
        raise ParseError

    with ww.task("outer"):
        ww.fallback([first, leg(LARGE)])()
        call(SMALL)
    assert marks(captured)[1:] == [(LARGE, SMALL, f"{ParseError.__module__}.ParseError", "error", 1), FIRST]


def test_a_failure_within_a_leg_s_task_is_not_open_after_it(captured: Captured) -> None:
    def first() -> str:
        with ww.task("inner"), pytest.raises(TimeoutError):
            call(SMALL, TimeoutError())
        return call(LARGE)

    with ww.task("outer"):
        ww.fallback([first, leg(HUGE)])()
    assert marks(captured) == [FIRST, (LARGE, None, None, None, None)]


def test_calls_in_other_threads_belong_to_the_leg_whose_context_goes_along(captured: Captured) -> None:
    import contextvars

    def threaded() -> str:
        context = contextvars.copy_context()
        worker = threading.Thread(target=context.run, args=(call, LARGE))
        worker.start()
        worker.join()
        return "done"

    ww.fallback([leg(SMALL, TimeoutError()), threaded])()
    assert marks(captured)[1] == (LARGE, SMALL, "TimeoutError", "timeout", 1)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("RateLimitError", "rate_limit"), ("APITimeoutError", "timeout"), ("ReadTimeout", "timeout")),
        *(("APIConnectionError", "unavailable"), ("OverloadedError", "unavailable")),
        *(("InternalServerError", "unavailable"), ("ContextWindowExceededError", "context_length")),
        *(("ContentPolicyViolationError", "content_filter"), ("BadRequestError", "error")),
    ],
)
def test_kinds_of_failures(captured: Captured, name: str, kind: str) -> None:
    error = type(name, (Exception,), {})()
    ww.fallback([leg(SMALL, error), leg(LARGE)])()
    assert captured.calls[1].attributes["worthwhile.fallback.kind"] == kind


# What it is given


def test_a_fallback_needs_legs_and_exceptions() -> None:
    with pytest.raises(ValueError, match="without legs"):
        ww.fallback([])
    with pytest.raises(TypeError, match="KeyboardInterrupt"):
        ww.fallback([leg(SMALL)], on=KeyboardInterrupt)  # type: ignore[arg-type]


def test_a_fallback_shows_what_it_is() -> None:
    assert repr(ww.fallback([leg(SMALL), leg(LARGE)])) == "<fallback call of 2 legs>"


def test_without_recording_it_works_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from worthwhile import _setup

    monkeypatch.setattr(_setup, "active", lambda: None)
    assert ww.fallback([leg(SMALL, KeyError()), leg(LARGE)])() == LARGE


def test_an_error_of_ours_loses_the_legs_and_nothing_else(
    captured: Captured, as_in_production: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from worthwhile import _legs

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(_legs.Chain, "leg", broken)
    monkeypatch.setattr(_legs.Chain, "left", broken)
    monkeypatch.setattr(_legs.Chain, "close", broken)
    assert ww.fallback([leg(SMALL, KeyError()), leg(LARGE)])() == LARGE
    assert chains(captured) == [None, None]
