"""Call spans: what one model call becomes, whole, and what it must never say."""

import contextlib
import threading
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, attach, detach, set_value

import worthwhile as ww
from worthwhile import Usage
from worthwhile._context import current_call
from worthwhile._invocation import Attempt, CallRequest, CallResponse, Invocation, start
from worthwhile.testing import START_NS, STEP_NS, Captured, EventRecord, SpanRecord, capture
from worthwhile_schemas import attributes as names

MODEL = "gpt-4o-mini"


def begin(model: str | None = MODEL, **request: Any) -> Invocation:
    return start(CallRequest("chat", "openai", model, **request))


def test_a_call_becomes_this_span(captured: Captured) -> None:
    with ww.task("reply", key="T-1") as t:
        invocation = begin(attributes={"gen_ai.request.temperature": 0.5, "openai.api.type": "chat_completions"})
        with invocation.activated():
            assert trace.get_current_span() is invocation.span
        invocation.finish(
            CallResponse(
                id="chatcmpl-1",
                model="gpt-4o-mini-2024-07-18",
                finish_reasons=("stop",),
                usage=Usage(1200, 96, cache_read_tokens=1024, reasoning_tokens=32),
                service_tier="default",
                attributes={"openai.response.system_fingerprint": "fp_1"},
            )
        )
    call = captured.calls[0]
    version = call.attributes["worthwhile.cost.price_version"]
    assert isinstance(version, str)
    assert call == SpanRecord(
        name="chat gpt-4o-mini",
        kind="CLIENT",
        status="UNSET",
        attributes={
            "worthwhile.span.type": "call",
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.token.semantics": "inclusive",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.request.temperature": 0.5,
            "openai.api.type": "chat_completions",
            "server.address": "api.openai.com",
            "server.port": 443,
            "worthwhile.route.tier": "frontier",
            "worthwhile.route.locality": "public",
            "worthwhile.route.locality_basis": "public_name",
            "worthwhile.workload": "reply",
            "worthwhile.task.id": t.id,
            "worthwhile.task.key": "T-1",
            "gen_ai.response.id": "chatcmpl-1",
            "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
            "gen_ai.response.finish_reasons": ("stop",),
            "openai.response.system_fingerprint": "fp_1",
            "worthwhile.service_tier": "standard",
            "gen_ai.usage.input_tokens": 1200,
            "gen_ai.usage.output_tokens": 96,
            "gen_ai.usage.cache_read.input_tokens": 1024,
            "gen_ai.usage.reasoning.output_tokens": 32,
            "worthwhile.usage.basis": "reported",
            # 176 x 0.15 + 1024 x 0.075 + 96 x 0.60 USD per million tokens
            "worthwhile.cost.amount": 0.0001608,
            "worthwhile.cost.input": 0.0000264,
            "worthwhile.cost.cache_read": 0.0000768,
            "worthwhile.cost.cache_write": 0.0,
            "worthwhile.cost.output": 0.0000576,
            "worthwhile.cost.server_tools": 0.0,
            "worthwhile.cost.cache_saving": 0.0000768,
            "worthwhile.cost.basis": "list",
            "worthwhile.cost.price_version": version,
        },
        events=(),
        start_ns=START_NS + 2 * STEP_NS,
        end_ns=START_NS + 3 * STEP_NS,
        trace_id=captured.tasks[0].trace_id,
        span_id="0000000000000003",
        parent_id=captured.tasks[0].span_id,
    )


def test_every_attribute_written_is_declared(captured: Captured) -> None:
    with ww.task("outer"), ww.task("reply", key="T-1"):
        begin("a").fail(ValueError())
        invocation = begin(is_stream=True)
        invocation.first_chunk()
        invocation.attempt(Attempt(1, 0, 5, 0, 500, None))
        invocation.attempt(Attempt(2, 0, 5, 5, 200, None))
        usage = Usage(100, 50, 10, 10, 5, 20, 3, 4, 1)
        invocation.finish(CallResponse("id", MODEL, ("stop",), usage, "flex"))
    declared = set(names.ATTRIBUTES)
    written = {key for span in captured.spans for key in span.attributes}
    written |= {key for span in captured.spans for event in span.events for key in event.attributes}
    assert written - declared == set()
    assert len(written) > 40
    for span in captured.spans:
        for key, value in span.attributes.items():
            types = {"string": str, "int": int, "double": float, "bool": bool, "string[]": tuple}
            assert type(value) is types[names.ATTRIBUTES[key].type], key


def test_outside_a_task_a_call_names_none(captured: Captured) -> None:
    begin().finish(None)
    assert [key for key in captured.calls[0].attributes if "task" in key or "workload" in key] == []


def test_unknown_tokens_and_cost_are_absent_never_zero(captured: Captured) -> None:
    begin().finish(CallResponse(model=MODEL))
    attributes = captured.calls[0].attributes
    assert attributes["worthwhile.usage.basis"] == "missing"
    assert attributes["worthwhile.cost.basis"] == "unknown"
    assert [key for key in attributes if key.startswith(("gen_ai.usage", "worthwhile.cost."))] == [
        "worthwhile.cost.basis"
    ]


def test_contradictory_tokens_are_kept_marked_and_not_priced(captured: Captured) -> None:
    begin().finish(CallResponse(model=MODEL, usage=Usage(10, 5, cache_read_tokens=11)))
    attributes = captured.calls[0].attributes
    assert attributes["worthwhile.usage.basis"] == "inconsistent"
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 11
    assert "worthwhile.cost.amount" not in attributes


def cost_of(captured: Captured, **case: Any) -> tuple[object, object]:
    captured.clear()
    request = {"base_url": case.pop("base_url", None)}
    begin(case.pop("request_model", MODEL), **request).finish(CallResponse(**case))
    attributes = captured.calls[0].attributes
    return attributes.get("worthwhile.cost.amount"), attributes["worthwhile.cost.basis"]


def test_where_a_cost_comes_from(fresh: None, captured: Captured) -> None:
    usage = Usage(1_000_000, 0)
    assert cost_of(captured, model=MODEL, usage=usage) == (0.15, "list")
    assert cost_of(captured, model=None, usage=usage) == (0.15, "list"), "the request's model, if none answered"
    assert cost_of(captured, model="nobody/knows", usage=usage) == (0.15, "list"), "nor is the answering one known"
    assert cost_of(captured, model="gpt-4o", usage=usage) == (2.5, "list"), "the answering model counts"
    assert cost_of(captured, request_model="nobody/knows", model="nobody/knows", usage=usage) == (None, "unknown")
    assert cost_of(captured, model=MODEL, usage=usage, reported_cost_usd="0.0123") == (0.0123, "provider")
    assert cost_of(captured, model=MODEL, reported_cost_usd="1e-3") == (0.001, "provider"), "even without tokens"
    assert cost_of(captured, base_url="http://127.0.0.1:8080/v1", model=MODEL, usage=usage) == (None, "self_hosted")
    assert cost_of(captured, base_url="https://llm.example.com/v1", model=MODEL, usage=usage) == (None, "unknown")
    ww.configure(endpoints={"127.0.0.1:8080": "openai/frontier", "10.1.2.3:8000": "vllm"})
    assert cost_of(captured, base_url="http://127.0.0.1:8080/v1", model=MODEL, usage=usage) == (0.15, "list")
    assert cost_of(captured, base_url="http://10.1.2.3:8000/v1", model=MODEL, usage=usage) == (None, "self_hosted")


@pytest.mark.parametrize("text", ["", "free", "NaN", "Infinity", "-0.1", "1e999999", "1e7"])
def test_a_nonsense_cost_of_the_provider_is_ignored(captured: Captured, text: str) -> None:
    assert cost_of(captured, model=MODEL, usage=Usage(1_000_000, 0), reported_cost_usd=text) == (0.15, "list")


def test_service_tiers_are_normalised_and_priced() -> None:
    seen = {}
    with capture(fixed=False) as captured:  # the tiers' prices begin after the fixed clock's day
        for tier in ("default", "standard", "auto", "flex", "priority", "batch", "Scale"):
            captured.clear()
            begin("gpt-5").finish(CallResponse(model="gpt-5", usage=Usage(1_000_000, 0), service_tier=tier))
            attributes = captured.calls[0].attributes
            seen[tier] = (attributes["worthwhile.service_tier"], attributes.get("worthwhile.cost.amount"))
    assert {tier: name for tier, (name, _) in seen.items()} == {
        "default": "standard",
        "standard": "standard",
        "auto": "standard",
        "flex": "flex",
        "priority": "priority",
        "batch": "batch",
        "Scale": "Scale",
    }
    assert seen["default"][1] == 1.25
    assert seen["flex"][1] == seen["batch"][1] == 0.625


def test_a_failed_call_says_what_failed_and_nothing_of_the_message(captured: Captured) -> None:
    invocation = begin()
    invocation.fail(ValueError("the prompt was: secret"))
    call = captured.calls[0]
    assert call.status == "ERROR"
    assert call.attributes["error.type"] == "ValueError"
    assert call.events == ()
    assert "secret" not in repr(call)


def test_a_failed_stream_keeps_what_had_arrived(captured: Captured) -> None:
    begin(is_stream=True).fail(ValueError(), CallResponse(id="x", model=MODEL, usage=Usage(1_000_000, 0)))
    attributes = captured.calls[0].attributes
    assert attributes["gen_ai.request.stream"] is True
    assert attributes["gen_ai.usage.input_tokens"] == 1_000_000
    assert attributes["worthwhile.cost.amount"] == 0.15
    assert captured.calls[0].status == "ERROR"


def test_an_abandoned_stream_is_no_error(captured: Captured) -> None:
    begin(is_stream=True).abandon(CallResponse(id="x", model=MODEL))
    assert captured.calls[0].status == "UNSET"
    assert captured.calls[0].attributes["worthwhile.usage.basis"] == "missing"


def test_the_first_end_counts(captured: Captured) -> None:
    invocation = begin()
    assert not invocation.is_ended
    invocation.finish(CallResponse(id="first"))
    invocation.fail(ValueError())
    invocation.abandon(None)
    invocation.finish(CallResponse(id="second"))
    assert invocation.is_ended
    assert [call.attributes.get("gen_ai.response.id") for call in captured.calls] == ["first"]


def test_time_to_first_chunk_is_taken_once(captured: Captured) -> None:
    invocation = begin(is_stream=True)
    invocation.first_chunk()
    invocation.first_chunk()
    invocation.finish(None)
    assert captured.calls[0].attributes["gen_ai.response.time_to_first_chunk"] == STEP_NS / 1e9


def attempt(number: int, status: int | None = 200, error: str | None = None) -> Attempt:
    perf = START_NS + number * 10 * STEP_NS
    return Attempt(number, perf, 2_000_000, 0 if number == 1 else 500_000_000, status, error)


def test_one_good_try_is_not_written(captured: Captured) -> None:
    invocation = begin()
    invocation.attempt(attempt(1))
    invocation.finish(None)
    assert captured.calls[0].events == ()
    assert "http.request.resend_count" not in captured.calls[0].attributes
    assert "http.response.status_code" not in captured.calls[0].attributes


def test_retries_are_events_in_order(captured: Captured) -> None:
    invocation = begin()
    invocation.attempt(attempt(1, 429))
    invocation.attempt(attempt(2, None, "httpx.ConnectError"))
    invocation.attempt(attempt(3))
    invocation.finish(None)
    call = captured.calls[0]
    assert call.attributes["http.request.resend_count"] == 2
    assert call.attributes["worthwhile.retry.wait"] == 1.0
    assert call.attributes["http.response.status_code"] == 200
    started = call.start_ns - (START_NS + STEP_NS)  # this clock's perf reading follows its wall reading
    assert call.events == tuple(
        EventRecord("worthwhile.attempt", started + START_NS + number * 10 * STEP_NS, attributes)
        for number, attributes in enumerate(
            (
                {
                    "worthwhile.attempt.number": 1,
                    "worthwhile.attempt.duration": 0.002,
                    "worthwhile.attempt.wait": 0.0,
                    "http.response.status_code": 429,
                    "worthwhile.attempt.billed": False,
                },
                {
                    "worthwhile.attempt.number": 2,
                    "worthwhile.attempt.duration": 0.002,
                    "worthwhile.attempt.wait": 0.5,
                    "error.type": "httpx.ConnectError",
                    "worthwhile.attempt.billed": False,
                },
                {
                    "worthwhile.attempt.number": 3,
                    "worthwhile.attempt.duration": 0.002,
                    "worthwhile.attempt.wait": 0.5,
                    "http.response.status_code": 200,
                    "worthwhile.attempt.billed": True,
                },
            ),
            1,
        )
    )


def test_an_only_try_that_failed_is_written(captured: Captured) -> None:
    invocation = begin()
    invocation.attempt(attempt(1, 400))
    invocation.fail(ValueError())
    call = captured.calls[0]
    assert [event.attributes["http.response.status_code"] for event in call.events] == [400]
    assert call.attributes["http.response.status_code"] == 400
    assert "http.request.resend_count" not in call.attributes


def test_a_call_is_current_only_while_activated(captured: Captured) -> None:
    invocation = begin()
    assert current_call() is None
    seen = []
    with contextlib.suppress(KeyError), invocation.activated():
        seen.append(current_call())
        raise KeyError
    assert seen == [invocation]
    assert current_call() is None
    assert trace.get_current_span() is trace.INVALID_SPAN
    invocation.finish(None)
    with invocation.activated():
        assert current_call() is None, "an ended call is not current again"


def test_suppressed_and_disabled_calls_are_inert(captured: Captured) -> None:
    token = attach(set_value(_SUPPRESS_INSTRUMENTATION_KEY, True))
    try:
        invocation = begin()
        with invocation.activated():
            assert current_call() is None
        invocation.first_chunk()
        invocation.attempt(attempt(1, 500))
        invocation.finish(CallResponse(usage=Usage(1, 1)))
        with ww.task("t"):
            pass
    finally:
        detach(token)
    assert captured.spans == []


def test_a_call_may_end_in_another_thread(captured: Captured) -> None:
    with ww.task("t") as t:
        invocation = begin()
        thread = threading.Thread(target=invocation.finish, args=(CallResponse(model=MODEL, usage=Usage(3, 4)),))
        thread.start()
        thread.join()
        assert t.usage == Usage(3, 4)


def test_losing_the_cost_does_not_lose_the_tokens(
    captured: Captured, as_in_production: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from worthwhile import _call_span

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(_call_span, "price_call", broken)
    begin().finish(CallResponse(model=MODEL, usage=Usage(3, 4)))
    attributes = captured.calls[0].attributes
    assert attributes["gen_ai.usage.input_tokens"] == 3
    assert attributes["worthwhile.cost.basis"] == "unknown"
    assert "the cost of a model call" in caplog.text


def test_unpriced_calls_are_counted(captured: Captured) -> None:
    before = ww.stats()
    begin("nobody/knows").finish(CallResponse(usage=Usage(1, 1)))
    begin("nobody/knows", base_url="http://127.0.0.1:1/v1").finish(CallResponse(usage=Usage(1, 1)))
    begin().finish(CallResponse(usage=Usage(1, 1)))
    begin().finish(None)
    after = ww.stats()
    assert after.unpriced_calls - before.unpriced_calls == 1
    assert after.calls - before.calls == 4
