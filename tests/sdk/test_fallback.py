"""Fallbacks inside a task: a call failed, and the next call of the same step went elsewhere."""

from typing import Any

import worthwhile as ww
from worthwhile._invocation import CallRequest, start
from worthwhile.testing import Captured

A, B, C = "gpt-4o", "gpt-4o-mini", "gpt-4.1"


def call(model: str, *, fails: BaseException | None = None, server: str | None = None, operation: str = "chat") -> None:
    invocation = start(CallRequest(operation, "openai", model, server))
    if fails is None:
        invocation.finish(None)
    else:
        invocation.fail(fails)


def legs(captured: Captured) -> list[Any]:
    """(from, to, reason, index) of each call, `None` for one that is no fallback."""
    found = []
    for each in captured.calls:
        values = [each.attributes.get(f"worthwhile.fallback.{name}") for name in ("from", "to", "reason", "index")]
        found.append(None if values == [None] * 4 else tuple(values))
    return found


def test_a_failure_and_then_another_model(captured: Captured) -> None:
    with ww.task("t"):
        call(A, fails=TimeoutError())
        call(B)
        call(A)
        call(B)
    assert legs(captured) == [None, (A, B, "TimeoutError", 1), None, None]


def test_a_failure_and_then_another_server(captured: Captured) -> None:
    with ww.task("t"):
        call(A, fails=ConnectionError(), server="http://127.0.0.1:9001")
        call(A, server="http://127.0.0.1:9002")
    assert legs(captured) == [None, (A, A, "ConnectionError", 1)]


def test_a_chain_counts_its_legs(captured: Captured) -> None:
    with ww.task("t"):
        call(A, fails=TimeoutError())
        call(B, fails=KeyError())
        call(B, fails=ValueError())
        call(C)
        call(C, fails=TimeoutError())
        call(A)
    assert legs(captured) == [
        *(None, (A, B, "TimeoutError", 1), None, (B, C, "ValueError", 2), None, (C, A, "TimeoutError", 1))
    ]


def test_the_same_again_is_a_retry_not_a_fallback(captured: Captured) -> None:
    with ww.task("t"):
        call(A, fails=TimeoutError())
        call(A)
        call(B)
    assert legs(captured) == [None, None, None]


def test_another_kind_of_call_is_another_step(captured: Captured) -> None:
    with ww.task("t"):
        call(A, fails=TimeoutError())
        call("text-embedding-3-small", operation="embeddings")
        call(B)
    assert legs(captured) == [None, None, (A, B, "TimeoutError", 1)]


def test_tasks_do_not_share_failures(captured: Captured) -> None:
    with ww.task("t"):
        call(A, fails=TimeoutError())
        with ww.task("inner"):
            call(B)
    with ww.task("t"):
        call(B)
    call(A, fails=TimeoutError())
    call(B)
    assert legs(captured) == [None] * 5


def test_a_call_already_under_way_does_not_undo_a_failure(captured: Captured) -> None:
    with ww.task("t"):
        early = start(CallRequest("chat", "openai", A))
        call(A, fails=TimeoutError())
        early.finish(None)
        call(B)
    assert legs(captured)[-1] == (A, B, "TimeoutError", 1)


def test_a_success_does_not_undo_a_failure_that_came_after_its_start(captured: Captured) -> None:
    with ww.task("t"):
        call(A, fails=TimeoutError())
        again = start(CallRequest("chat", "openai", A))
        call(A, fails=KeyError())
        again.finish(None)
        call(B)
    assert legs(captured)[-1] == (A, B, "KeyError", 1)


def test_a_cancelled_call_is_no_failure(captured: Captured) -> None:
    import asyncio

    with ww.task("t"):
        call(A, fails=asyncio.CancelledError())
        call(B)
    assert legs(captured) == [None, None]
