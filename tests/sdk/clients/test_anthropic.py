"""What is particular to the anthropic client."""

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from dirty_equals import IsFloat
from tests.sdk.clients.anthropic_ways import CACHED, MESSAGE, SEARCH, THINKING, made
from tests.sdk.clients.conftest import Exported, attributes_of, counted, tokens_of
from tests.sdk.clients.driving import drain, entered, resolve
from tests.wire.provider import Provider

both = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


@pytest.fixture
def client(provider: Provider, exported: Exported) -> Iterator[Any]:
    with anthropic.Anthropic(api_key="sk-wire", base_url=provider.url) as made_client:
        yield made_client


def test_a_message_span_whole(client: Any, provider: Provider, exported: Exported) -> None:
    stream = client.messages.create(
        model="claude-wire@dated",
        max_tokens=2048,
        messages=[{"role": "user", "content": CACHED}],
        thinking=THINKING,
        tools=[SEARCH],
        service_tier="auto",
        output_config={"effort": "medium"},
        extra_body={"temperature": 1},
        stream=True,
    )
    assert [event.type for event in stream][-1] == "message_stop"
    (entry,) = provider.ledger.wait()
    counts = entry.counted
    assert exported.call.name == "chat claude-wire@dated"
    assert attributes_of(exported.call) == {
        "worthwhile.span.type": "call",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.token.semantics": "inclusive",
        "server.address": "127.0.0.1",
        "server.port": provider.port,
        "worthwhile.route.tier": "frontier",
        "worthwhile.route.locality": "host",
        "worthwhile.route.locality_basis": "loopback",
        "gen_ai.request.model": "claude-wire@dated",
        "gen_ai.request.max_tokens": 2048,
        "gen_ai.request.temperature": 1.0,
        "gen_ai.request.reasoning.level": "medium",
        "gen_ai.request.stream": True,
        "gen_ai.response.id": f"msg_{entry.number}",
        "gen_ai.response.model": "claude-wire-20260115",
        "gen_ai.response.finish_reasons": ("end_turn",),
        "gen_ai.response.time_to_first_chunk": IsFloat(gt=0, lt=30),
        "worthwhile.service_tier": "priority",
        "gen_ai.usage.input_tokens": counts.input_tokens,
        "gen_ai.usage.output_tokens": counts.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": counts.cache_read_tokens,
        "gen_ai.usage.cache_write.input_tokens": counts.cache_write_tokens,
        "worthwhile.usage.cache_write_1h.input_tokens": counts.cache_write_1h_tokens,
        "gen_ai.usage.reasoning.output_tokens": counts.reasoning_tokens,
        "worthwhile.usage.web_searches": 2,
        "worthwhile.usage.basis": "reported",
        "worthwhile.cost.basis": "unknown",
    }
    assert counts.cache_read_tokens
    assert counts.cache_write_tokens
    assert counts.cache_write_1h_tokens


@both
async def test_structured_output_is_json(is_async: bool, provider: Provider, exported: Exported) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    wanted = {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
    async with entered(made(is_async, base_url=provider.url)) as client:
        await resolve(client.messages.create(**MESSAGE, **wanted))
    assert attributes_of(exported.call)["gen_ai.output.type"] == "json"


@both
async def test_what_compaction_used_is_counted(
    is_async: bool, provider: Provider, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The totals leave it out, but it is billed; the iterations of the message itself are in the totals."""
    from tests.wire import anthropic_shapes

    own = anthropic_shapes._usage
    part = {"cache_read_input_tokens": 2, "cache_creation_input_tokens": 3, "output_tokens": 7}
    iterations = [{"type": "compaction", "input_tokens": 100, **part}, {"type": "message", "input_tokens": 9, **part}]
    monkeypatch.setattr(anthropic_shapes, "_usage", lambda entry: {**own(entry), "iterations": iterations})
    async with entered(made(is_async, base_url=provider.url)) as client:
        await resolve(client.beta.messages.create(**MESSAGE))
    added = {"input_tokens": 105, "output_tokens": 7, "cache_read_tokens": 2, "cache_write_tokens": 3}
    expected = {kind: number + added.get(kind, 0) for kind, number in counted(provider).items()}
    assert tokens_of(exported.spans) == expected


@both
async def test_fast_mode_is_a_tier(
    is_async: bool, provider: Provider, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.wire import anthropic_shapes

    own = anthropic_shapes._usage
    monkeypatch.setattr(anthropic_shapes, "_usage", lambda entry: {**own(entry), "speed": "fast"})
    async with entered(made(is_async, base_url=provider.url)) as client:
        await resolve(client.messages.create(**MESSAGE))
        await drain(await resolve(client.messages.create(**MESSAGE, stream=True)))
    assert {attributes_of(call)["worthwhile.service_tier"] for call in exported.calls} == {"fast"}


def test_counting_and_listing_are_not_calls(client: Any, exported: Exported) -> None:
    client.messages.count_tokens(model="claude-wire", messages=MESSAGE["messages"])
    with pytest.raises(anthropic.APIError):
        client.models.list()
    assert exported.calls == []


def test_a_middleware_that_answers_itself_does_not_disturb(provider: Provider, exported: Exported) -> None:
    def answer(request: Any, call_next: Any) -> Any:
        return "from the host's own cache"

    with made(False, base_url=provider.url, middleware=[answer]) as client:
        assert client.messages.create(**MESSAGE) == "from the host's own cache"
    assert tokens_of(exported.spans) == {}
    assert provider.ledger.wait() == []


def test_a_middleware_that_calls_on_is_one_call(provider: Provider, exported: Exported) -> None:
    def pass_on(request: Any, call_next: Any) -> Any:
        return call_next(request)

    with made(False, base_url=provider.url, middleware=[pass_on]) as client:
        client.messages.create(**MESSAGE)
        list(client.messages.create(**MESSAGE, stream=True))
    assert len(exported.calls) == 2
    assert tokens_of(exported.spans) == counted(provider)
