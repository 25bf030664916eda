"""`ww.fallback` around real clients: local first, hosted where that fails, as a host would write it."""

from typing import Any

import pytest
from tests.sdk.clients.conftest import Exported, attributes_of
from tests.sdk.clients.driving import entered
from tests.wire.provider import Provider

import worthwhile as ww

openai = pytest.importorskip("openai")

MESSAGES: Any = [{"role": "user", "content": "hello"}]


def client_of(provider: Provider, *, is_async: bool = False, **options: Any) -> Any:
    kind = openai.AsyncOpenAI if is_async else openai.OpenAI
    return kind(api_key="sk-wire", base_url=f"{provider.url}/v1", **options)


def marks(exported: Exported) -> list[Any]:
    names = ("gen_ai.request.model", "worthwhile.route.tier", *(f"worthwhile.fallback.{n}" for n in ("from", "kind")))
    return [tuple(attributes_of(call).get(name) for name in names) for call in exported.calls]


@pytest.fixture
def answers(provider: Provider, exported: Exported) -> Any:
    return provider, exported


async def test_the_second_client_answers_where_the_first_cannot(answers: Any) -> None:
    provider, exported = answers
    async with (
        entered(client_of(provider, max_retries=0)) as local,
        entered(client_of(provider, max_retries=0)) as hosted,
    ):
        legs = [ww.Leg(local, model="small@429", tier="edge"), ww.Leg(hosted, model="gpt-5", tier="frontier")]
        client = ww.fallback(legs)
        assert client.chat.completions.create(model="any", messages=MESSAGES).model == "gpt-5"
        parts = client.chat.completions.create(model="any", messages=MESSAGES, stream=True)
        assert type(parts) is openai.Stream
        assert len(list(parts)) > 1
    first = ("small@429", "edge", None, None)
    second = ("gpt-5", "frontier", "small@429", "rate_limit")
    assert marks(exported) == [first, second, first, second]


async def test_async_clients(answers: Any) -> None:
    provider, exported = answers
    async with (
        entered(client_of(provider, is_async=True, max_retries=0)) as local,
        entered(client_of(provider, is_async=True)) as hosted,
    ):
        client = ww.fallback(
            [ww.Leg(local, model="small"), ww.Leg(hosted, model="gpt-5")],
            when=lambda answer: answer.model == "small",
        )
        assert (await client.chat.completions.create(model="any", messages=MESSAGES)).model == "gpt-5"
        first, second = exported.calls
        assert attributes_of(second)["worthwhile.fallback.reason"] == "rejected"
        assert attributes_of(second)["worthwhile.fallback.kind"] == "quality"
        assert attributes_of(first)["worthwhile.fallback.chain"] == attributes_of(second)["worthwhile.fallback.chain"]


async def test_a_name_that_clients_do_not_have_fails_where_it_is_read(answers: Any) -> None:
    provider, _ = answers
    async with entered(client_of(provider)) as client:
        with pytest.raises(AttributeError):
            _ = ww.fallback([client]).chat.nonsense
        with pytest.raises(AttributeError):
            _ = ww.fallback([client])._private
