"""What `ww.cached` and `ww.cache_hit` record: a row per hit, that cost nothing and says what it saved."""

import threading
from decimal import Decimal
from typing import Any

import pytest

import worthwhile as ww
from worthwhile._call import CallResponse
from worthwhile._invocation import CallRequest, start
from worthwhile.testing import Captured

pytestmark = pytest.mark.usefixtures("captured")

MODEL = "gpt-4o"
USAGE = ww.Usage(input_tokens=1000, output_tokens=100)
COST = Decimal("0.0035")
"""Of `USAGE` at `MODEL`: 1,000 x 2.50 and 100 x 10 dollars a million."""


def call(text: str = "", model: str = MODEL, usage: ww.Usage | None = USAGE, server: str | None = None) -> str:
    start(CallRequest("chat", "openai", model, server)).finish(CallResponse(model=model, usage=usage))
    return f"about {text}"


def ask() -> str:
    return call()


def hits(captured: Captured) -> list[Any]:
    return [each.attributes for each in captured.calls if "worthwhile.cache.kind" in each.attributes]


def test_a_hit_is_a_call_that_cost_nothing_and_saved_what_the_miss_cost(captured: Captured) -> None:
    @ww.cached
    def answer(text: str) -> str:
        return call(text)

    with ww.task("t", key="T-1") as task:
        answer("a")
        answer("a")
    miss, hit = captured.calls
    assert miss.attributes["worthwhile.cache.miss"] is True
    assert "worthwhile.cache.kind" not in miss.attributes
    assert hit.name == f"chat {MODEL}"
    assert hit.attributes == {
        "worthwhile.span.type": "call",
        "worthwhile.workload": "t",
        "worthwhile.task.id": task.id,
        "worthwhile.task.key": "T-1",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.token.semantics": "inclusive",
        "gen_ai.request.model": MODEL,
        "gen_ai.response.model": MODEL,
        "gen_ai.usage.input_tokens": 0,
        "gen_ai.usage.output_tokens": 0,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.cache_write.input_tokens": 0,
        "worthwhile.usage.basis": "reported",
        "worthwhile.cost.amount": 0.0,
        "worthwhile.cost.basis": "list",
        "worthwhile.cost.cache_saving": float(COST),
        "worthwhile.cache.kind": "exact",
    }
    assert (task.calls, task.cost_usd, task.usage.input_tokens) == (2, COST, 1000)


def test_a_saving_adds_up_all_calls_behind_an_answer(captured: Captured) -> None:
    @ww.cached
    def answer() -> str:
        call(model="gpt-4o-mini")
        worker = threading.Thread(target=__import__("contextvars").copy_context().run, args=(call,))
        worker.start()
        worker.join()
        return call()

    answer()
    answer()
    (hit,) = hits(captured)
    mini = Decimal("0.15") * 1000 / 10**6 + Decimal("0.60") * 100 / 10**6
    assert hit["worthwhile.cost.cache_saving"] == pytest.approx(float(2 * COST + mini))
    assert hit["gen_ai.request.model"] == MODEL, "that of the last call, which gave the answer"


def test_a_saving_leaves_out_the_premium_for_filling_the_prompt_cache(captured: Captured) -> None:
    usage = ww.Usage(input_tokens=10_000, output_tokens=0, cache_read_tokens=0, cache_write_tokens=10_000)

    @ww.cached
    def answer() -> None:
        start(CallRequest("chat", "anthropic", "claude-sonnet-4-5")).finish(
            CallResponse(model="claude-sonnet-4-5", usage=usage)
        )

    answer()
    answer()
    miss = captured.calls[0].attributes
    (hit,) = hits(captured)
    assert miss["worthwhile.cost.amount"] == pytest.approx(0.0375)
    assert miss["worthwhile.cost.cache_saving"] == pytest.approx(-0.0075)
    assert hit["worthwhile.cost.cache_saving"] == pytest.approx(0.03)


def test_a_saving_is_unknown_where_a_cost_is(captured: Captured) -> None:
    @ww.cached
    def answer(model: str, server: str | None) -> None:
        call()
        call(model=model, server=server)

    for model, server in (("no-such-model", None), ("llama", "http://127.0.0.1:9")):
        answer(model, server)
        answer(model, server)
    hosted, own = hits(captured)
    for hit in (hosted, own):
        assert "worthwhile.cost.cache_saving" not in hit
        assert hit["worthwhile.cost.amount"] == 0
    assert (hosted["worthwhile.cost.basis"], own["worthwhile.cost.basis"]) == ("list", "self_hosted")
    assert own["gen_ai.provider.name"] == "openai_compatible"


def test_an_answer_without_a_model_call_is_no_hit(captured: Captured) -> None:
    @ww.cached
    def answer() -> int:
        return 1

    answer()
    answer()
    assert captured.calls == []


def test_nested_caches_each_know_their_own(captured: Captured) -> None:
    @ww.cached
    def inner(text: str) -> str:
        return call(text)

    @ww.cached
    def outer(text: str) -> str:
        call("first")
        return inner(text)

    outer("a")
    inner("a")
    outer("a")
    inner_hit, outer_hit = hits(captured)
    assert inner_hit["worthwhile.cost.cache_saving"] == pytest.approx(float(COST))
    assert outer_hit["worthwhile.cost.cache_saving"] == pytest.approx(float(2 * COST))


def test_concurrent_misses_do_not_mix(captured: Captured) -> None:
    @ww.cached
    def answer(number: int) -> str:
        call(usage=ww.Usage(input_tokens=1000 * number, output_tokens=0))
        return str(number)

    def ask(number: int) -> None:
        answer(number)
        answer(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = sorted(hit["worthwhile.cost.cache_saving"] for hit in hits(captured))
    assert found == pytest.approx([0.0025 * number for number in range(1, 9)])


def test_a_hit_in_a_fallback_leg_says_so(captured: Captured) -> None:
    def small() -> str:
        raise TimeoutError

    large = ww.cached(ask)
    answer = ww.fallback([small, large])
    answer()
    answer()
    (hit,) = hits(captured)
    assert (hit["worthwhile.fallback.from"], hit["worthwhile.fallback.index"]) == (
        *("test_a_hit_in_a_fallback_leg_says_so.<locals>.small".rpartition(".")[2], 1),
    )


# The host's own caches


def test_a_hit_of_the_hosts_own(captured: Captured) -> None:
    with ww.task("t") as task:
        ww.cache_hit(kind="semantic", model=MODEL, provider="openai", saved=USAGE)
        ww.cache_hit(kind="exact", model=MODEL, provider="openai", saved=Decimal("0.01"), operation="embeddings")
        ww.cache_hit(kind="gateway", model="anything")
        ww.cache_hit(model="no-such-model", provider="openai", saved=USAGE)
        ww.cache_hit(model=MODEL, saved=USAGE)
    found = [
        tuple(
            hit.get(name)
            for name in (
                "worthwhile.cache.kind",
                "gen_ai.operation.name",
                "gen_ai.provider.name",
                "worthwhile.cost.cache_saving",
            )
        )
        for hit in hits(captured)
    ]
    assert found == [
        ("semantic", "chat", "openai", float(COST)),
        ("exact", "embeddings", "openai", 0.01),
        ("gateway", "chat", "unknown", None),
        ("semantic", "chat", "openai", None),
        ("semantic", "chat", "unknown", None),
    ]
    assert {hit["worthwhile.cost.amount"] for hit in hits(captured)} == {0}
    assert {hit["gen_ai.usage.input_tokens"] for hit in hits(captured)} == {0}
    assert (task.calls, task.cost_usd) == (5, Decimal(0))


def test_without_recording_caches_work_the_same(monkeypatch: pytest.MonkeyPatch, captured: Captured) -> None:
    from worthwhile import _setup

    monkeypatch.setattr(_setup, "active", lambda: None)
    asked: list[int] = []

    @ww.cached
    def answer() -> str:
        asked.append(1)
        return call()

    assert (answer(), answer(), len(asked)) == ("about ", "about ", 1)
    ww.cache_hit(model=MODEL)


def test_an_error_of_ours_loses_the_row_and_nothing_else(
    captured: Captured, as_in_production: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from worthwhile import _cache_rows, _invocation

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("ours")

    answer = ww.cached(ask)
    monkeypatch.setattr(_cache_rows, "_saved", broken)
    answer()
    monkeypatch.setattr(_invocation, "begin", broken)
    assert answer() == "about "
    assert hits(captured) == []
