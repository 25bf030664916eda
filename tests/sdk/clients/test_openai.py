"""What is particular to the openai client, in versions 2 and 3."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from dirty_equals import IsFloat, IsInt, IsPartialDict
from pydantic import BaseModel
from tests.sdk.clients.conftest import Exported, attributes_of, counted, tokens_of
from tests.sdk.clients.driving import drain, entered, resolve
from tests.sdk.clients.openai_ways import CHAT, LONG, Verdict, made
from tests.wire import openai_shapes
from tests.wire.provider import Provider
from tests.wire.reply import Part

import worthwhile as ww
from worthwhile_schemas.attributes import ATTRIBUTES

both = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


@pytest.fixture
def client(provider: Provider, exported: Exported) -> Iterator[Any]:
    with openai.OpenAI(api_key="sk-wire", base_url=provider.openai_url) as made_client:
        yield made_client


def test_a_chat_span_whole(client: Any, provider: Provider, exported: Exported) -> None:
    client.chat.completions.create(
        model="gpt-wire@dated",
        messages=[{"role": "user", "content": LONG}],
        max_completion_tokens=64,
        temperature=1,
        top_p=0.5,
        seed=7,
        frequency_penalty=0.25,
        presence_penalty=1,
        n=2,
        reasoning_effort="low",
        response_format={"type": "json_object"},
        service_tier="flex",
    )
    (entry,) = provider.ledger.wait()
    counts = entry.counted
    span = exported.call
    assert (span.name, span.status.status_code.name, span.events) == ("chat gpt-wire@dated", "UNSET", ())
    assert attributes_of(span) == {
        "worthwhile.span.type": "call",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.token.semantics": "inclusive",
        "openai.api.type": "chat_completions",
        "server.address": "127.0.0.1",
        "server.port": provider.port,
        "worthwhile.route.tier": "frontier",
        "worthwhile.route.locality": "host",
        "worthwhile.route.locality_basis": "loopback",
        "gen_ai.request.model": "gpt-wire@dated",
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.temperature": 1.0,
        "gen_ai.request.top_p": 0.5,
        "gen_ai.request.seed": 7,
        "gen_ai.request.frequency_penalty": 0.25,
        "gen_ai.request.presence_penalty": 1.0,
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.reasoning.level": "low",
        "gen_ai.output.type": "json",
        "openai.request.service_tier": "flex",
        "gen_ai.response.id": f"chatcmpl-{entry.number}",
        "gen_ai.response.model": "gpt-wire-2026-05-28",
        "gen_ai.response.finish_reasons": ("stop", "stop"),
        "openai.response.service_tier": "flex",
        "openai.response.system_fingerprint": "fp_wire",
        "worthwhile.service_tier": "flex",
        "gen_ai.usage.input_tokens": counts.input_tokens,
        "gen_ai.usage.output_tokens": counts.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": counts.cache_read_tokens,
        "gen_ai.usage.cache_write.input_tokens": counts.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": counts.reasoning_tokens,
        "worthwhile.usage.basis": "reported",
        "worthwhile.cost.basis": "unknown",
    }
    _assert_types(span)


def test_a_responses_stream_span_whole(client: Any, provider: Provider, exported: Exported) -> None:
    drained = client.responses.create(
        model="gpt-wire",
        input=LONG,
        stream=True,
        max_output_tokens=64,
        conversation={"id": "conv_1"},
        reasoning={"effort": "high"},
        text={"format": {"type": "text"}},
        tools=[{"type": "web_search"}],
    )
    assert [event.type for event in drained][-1] == "response.completed"
    (entry,) = provider.ledger.wait()
    assert attributes_of(exported.call) == IsPartialDict(
        {
            "openai.api.type": "responses",
            "gen_ai.conversation.id": "conv_1",
            "gen_ai.request.max_tokens": 64,
            "gen_ai.request.reasoning.level": "high",
            "gen_ai.output.type": "text",
            "gen_ai.request.stream": True,
            "gen_ai.response.id": f"resp_{entry.number}",
            "gen_ai.response.finish_reasons": ("completed",),
            "gen_ai.response.time_to_first_chunk": IsFloat(gt=0, lt=30),
            "worthwhile.usage.web_searches": 2,
            "worthwhile.usage.cache_write_1h.input_tokens": IsInt(gt=0),
        }
    )
    _assert_types(exported.call)


def test_an_embeddings_span_whole(client: Any, provider: Provider, exported: Exported) -> None:
    client.embeddings.create(model="embed-wire", input=LONG, dimensions=3)
    assert exported.call.name == "embeddings embed-wire"
    assert attributes_of(exported.call) == {
        "worthwhile.span.type": "call",
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "openai",
        "gen_ai.token.semantics": "inclusive",
        "server.address": "127.0.0.1",
        "server.port": provider.port,
        "worthwhile.route.tier": "frontier",
        "worthwhile.route.locality": "host",
        "worthwhile.route.locality_basis": "loopback",
        "gen_ai.request.model": "embed-wire",
        "gen_ai.embeddings.dimension.count": 3,
        "gen_ai.response.model": "embed-wire",
        "gen_ai.usage.input_tokens": provider.ledger.wait()[0].counted.input_tokens,
        "worthwhile.usage.basis": "reported",
        "worthwhile.cost.basis": "unknown",
    }


def _assert_types(span: Any) -> None:
    kinds = {"string": str, "int": int, "double": float, "bool": bool, "string[]": tuple}
    wrong = {key: value for key, value in attributes_of(span).items() if type(value) is not kinds[ATTRIBUTES[key].type]}
    assert wrong == {}


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, {"include_usage": True}),
        ({"stream_options": {"include_obfuscation": False}}, {"include_obfuscation": False, "include_usage": True}),
        ({"stream_options": None}, {"include_usage": True}),
        ({"stream_options": {"include_usage": True}}, {"include_usage": True}),
        ({"stream_options": {"include_usage": False}}, {"include_usage": False}),
        ({"extra_body": {"stream_options": {"x": 1}}}, {"x": 1, "include_usage": True}),
        ({"extra_body": {"stream_options": {"include_usage": False}}}, {"include_usage": False}),
    ],
    ids=repr,
)
def test_a_stream_is_asked_for_its_usage_unless_the_host_decided(
    options: dict[str, Any], sent: dict[str, Any], client: Any, provider: Provider, exported: Exported
) -> None:
    before = json.dumps(options)
    chunks = list(client.chat.completions.create(**CHAT, stream=True, **options))
    (entry,) = provider.ledger.wait()
    assert entry.body["stream_options"] == sent
    assert json.dumps(options) == before
    is_shown = "include_usage" in (options.get("stream_options") or options.get("extra_body") or {})
    assert [chunk.choices for chunk in chunks].count([]) == (is_shown and sent["include_usage"])
    assert ("gen_ai.usage.input_tokens" in attributes_of(exported.call)) is sent["include_usage"]


def test_options_that_the_host_made_itself_stay_as_they_are(
    client: Any, provider: Provider, exported: Exported
) -> None:
    from openai._models import FinalRequestOptions
    from openai.types.chat import ChatCompletionChunk

    body = {**CHAT, "stream": True}
    options = FinalRequestOptions.construct(method="post", url="/chat/completions", json_data=dict(body))
    list(client.request(object, options, stream=True, stream_cls=openai.Stream[ChatCompletionChunk]))
    assert options.json_data == body
    assert tokens_of(exported.spans) == counted(provider)


@pytest.mark.parametrize("place", [0, -3], ids=["first chunk", "last chunk"])
def test_the_tier_is_found_in_whichever_chunk_has_it(
    place: int, client: Any, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = openai_shapes._chat_events

    def thinned(*args: Any) -> list[Part]:
        parts = events(*args)
        kept = parts[place]
        return [
            part if part is kept else Part(part.data.replace(b"service_tier", b"other"), part.tells) for part in parts
        ]

    monkeypatch.setattr(openai_shapes, "_chat_events", thinned)
    list(client.chat.completions.create(**CHAT, stream=True, service_tier="flex"))
    assert attributes_of(exported.call)["openai.response.service_tier"] == "flex"


@pytest.mark.parametrize(
    ("setting", "is_asked"), [("auto", False), ("always", True), ("never", False)], ids=["auto", "always", "never"]
)
def test_an_unknown_server_is_asked_for_usage_only_if_told_to(
    setting: Any, is_asked: bool, client: Any, provider: Provider, exported: Exported
) -> None:
    ww.configure(endpoints={"10.0.0.1": "openai"}, stream_usage=setting)
    list(client.chat.completions.create(**CHAT | {"model": "local@nostream" if not is_asked else "local"}, stream=True))
    (entry,) = provider.ledger.wait()
    assert ("stream_options" in entry.body) is is_asked
    attributes = attributes_of(exported.call)
    assert attributes["gen_ai.provider.name"] == "openai_compatible"
    assert attributes["worthwhile.usage.basis"] == ("reported" if is_asked else "missing")
    assert "worthwhile.cost.amount" not in attributes


@both
async def test_only_our_own_chunk_is_hidden(is_async: bool, provider: Provider, exported: Exported) -> None:
    """Azure begins with a chunk without choices, and some servers send usage in every chunk."""
    async with entered(made(is_async, base_url=provider.openai_url)) as client:
        azure = await drain(await resolve(client.chat.completions.create(**CHAT | {"model": "m@azure"}, stream=True)))
        eager = await drain(await resolve(client.chat.completions.create(**CHAT | {"model": "m@eager"}, stream=True)))
    assert azure[0].choices == []
    assert all(chunk.choices for chunk in azure[1:] + eager)
    assert all(chunk.usage for chunk in eager)
    assert tokens_of(exported.spans) == counted(provider)


@pytest.mark.parametrize(
    ("version", "body", "is_asked"),
    [
        ("2024-06-01", {}, False),
        ("2024-10-21", {}, True),
        ("2025-04-01-preview", {}, True),
        ("preview", {}, True),
        ("2025-04-01-preview", {"data_sources": []}, False),
    ],
)
def test_azure_is_asked_for_usage_where_it_knows_the_option(
    version: str, body: dict[str, Any], is_asked: bool, provider: Provider, exported: Exported
) -> None:
    with openai.AzureOpenAI(api_key="k", api_version=version, azure_endpoint=provider.url) as client:
        list(client.chat.completions.create(**CHAT, stream=True, extra_body=body))
    (entry,) = provider.ledger.wait()
    assert "/deployments/gpt-wire/" in entry.path
    assert ("stream_options" in entry.body) is is_asked
    assert (tokens_of(exported.spans) == counted(provider)) is is_asked


def test_the_module_level_client_is_counted(
    provider: Provider, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai, "api_key", "sk-wire")
    monkeypatch.setattr(openai, "base_url", f"{provider.openai_url}/")
    try:
        openai.chat.completions.create(**CHAT)
    finally:
        openai._load_client().close()
        openai._reset_client()
    assert tokens_of(exported.spans) == counted(provider) != {}


def test_only_calls_of_models_are_recorded(client: Any, provider: Provider, exported: Exported) -> None:
    with pytest.raises(openai.APIError):
        client.models.list()
    with pytest.raises(openai.APIError):
        client.moderations.create(input="x")
    with pytest.raises(openai.APIError):
        client.responses.retrieve("resp_1")
    with pytest.raises(openai.APIError):
        client.get("/chat/completions", cast_to=object)
    assert exported.spans == []


@pytest.mark.parametrize(
    ("usage", "reported"),
    [
        ({"cost": 0.000123}, 0.000123),
        ({"cost": 1.5e-07}, 1.5e-07),
        ({"cost": 0}, 0.0),
        ({"cost": "0.25"}, 0.25),
        ({"cost": {"total_cost": 0.5, "input_tokens_cost": 0.1}}, 0.5),
        ({"cost": 0.001, "is_byok": True}, None),
        ({"cost": -1}, None),
        ({"cost": True}, None),
        ({"cost": "free"}, None),
        ({"cost": None}, None),
    ],
    ids=repr,
)
def test_a_reported_cost_is_taken_as_it_is(
    usage: dict[str, Any], reported: float | None, client: Any, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tests.wire.openai_shapes.chat_usage",
        lambda entry, script: {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4, **usage},
    )
    client.chat.completions.create(**CHAT)
    list(client.chat.completions.create(**CHAT, stream=True))
    for call in exported.calls:
        attributes = attributes_of(call)
        assert attributes.get("worthwhile.cost.amount") == reported
        assert attributes["worthwhile.cost.basis"] == ("unknown" if reported is None else "provider")


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": None, "completion_tokens": "9", "total_tokens": 1.5},
        {},
        {"prompt_tokens_details": [], "completion_tokens_details": "x"},
    ],
    ids=repr,
)
def test_counts_of_another_type_are_unknown(
    usage: dict[str, Any], client: Any, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.wire.openai_shapes.chat_usage", lambda entry, script: usage)
    client.chat.completions.create(**CHAT)
    client.chat.completions.with_raw_response.create(**CHAT)
    for call in exported.calls:
        assert attributes_of(call)["worthwhile.usage.basis"] == "missing"
    assert tokens_of(exported.spans) == {}


def test_a_failed_response_is_an_error_though_the_client_returns_it(client: Any, exported: Exported) -> None:
    failed = client.responses.create(model="gpt-wire@fail", input="hi")
    assert failed.status == "failed"
    list(client.responses.create(model="gpt-wire@fail", input="hi", stream=True))
    for call in exported.calls:
        assert attributes_of(call)["error.type"] == "server_error"
        assert attributes_of(call)["gen_ai.response.finish_reasons"] == ("failed",)


class Wrong(BaseModel):
    label: int


@both
async def test_a_billed_answer_that_does_not_parse_is_an_error_with_its_tokens(
    is_async: bool, provider: Provider, exported: Exported
) -> None:
    async with entered(made(is_async, base_url=provider.openai_url)) as client:
        with pytest.raises(openai.LengthFinishReasonError):
            await resolve(client.chat.completions.parse(**CHAT | {"model": "m@truncate"}, response_format=Verdict))
    assert exported.call.status.status_code.name == "ERROR"
    assert attributes_of(exported.call)["error.type"].endswith("LengthFinishReasonError")
    assert tokens_of(exported.spans) == counted(provider) != {}
