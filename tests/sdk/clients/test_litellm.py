"""LiteLLM's fallbacks, router included: legs that it tries through the openai client are linked inside a task.

LiteLLM sends to OpenAI and Azure through the openai client, which is where its calls are seen. For the providers that
it sends to with an HTTP client of its own, Anthropic among them, there is no span, and so no leg.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest
from tests.sdk.clients.conftest import Exported, attributes_of
from tests.wire.provider import Provider

import worthwhile as ww

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # not from the network
litellm = pytest.importorskip("litellm")
litellm.suppress_debug_info = True

pytestmark = [
    # Of LiteLLM's own logging threads and event loops, which outlive its calls.
    pytest.mark.filterwarnings("ignore"),
]

MESSAGES: Any = [{"role": "user", "content": "hello"}]
DOWN, SPARE = "gpt-4o@500", "gpt-4o-mini"


def legs(exported: Exported) -> list[Any]:
    names = ("gen_ai.request.model", *(f"worthwhile.fallback.{name}" for name in ("from", "to", "reason", "index")))
    return [tuple(attributes_of(call).get(name) for name in names) for call in exported.calls]


LINKED = [
    (DOWN, None, None, None, None),
    (SPARE, DOWN, SPARE, "openai.InternalServerError", 1),
]


def _base(provider: Provider) -> dict[str, Any]:
    return {"api_key": "sk-wire", "api_base": provider.openai_url}


def _router(provider: Provider) -> Any:
    deployments = [
        {"model_name": name, "litellm_params": {"model": f"openai/{model}", **_base(provider)}}
        for name, model in (("main", DOWN), ("spare", SPARE))
    ]
    return litellm.Router(model_list=deployments, fallbacks=[{"main": ["spare"]}], num_retries=0)


def completion(provider: Provider) -> Any:
    once = {"num_retries": 0, "max_retries": 0}
    return litellm.completion(f"openai/{DOWN}", MESSAGES, fallbacks=[f"openai/{SPARE}"], **once, **_base(provider))


def other_place(provider: Provider) -> Any:
    spare = {"model": f"openai/{SPARE}", **_base(provider)}
    return litellm.completion(
        f"openai/{DOWN}", MESSAGES, fallbacks=[spare], num_retries=0, max_retries=0, **_base(provider)
    )


def async_completion(provider: Provider) -> Any:
    once = {"num_retries": 0, "max_retries": 0}
    return asyncio.run(
        litellm.acompletion(f"openai/{DOWN}", MESSAGES, fallbacks=[f"openai/{SPARE}"], **once, **_base(provider))
    )


def router(provider: Provider) -> Any:
    return _router(provider).completion("main", MESSAGES)


def async_router(provider: Provider) -> Any:
    return asyncio.run(_router(provider).acompletion("main", MESSAGES))


def router_stream(provider: Provider) -> Any:
    return list(_router(provider).completion("main", MESSAGES, stream=True))


def async_router_stream(provider: Provider) -> Any:
    async def run() -> list[Any]:
        return [chunk async for chunk in await _router(provider).acompletion("main", MESSAGES, stream=True)]

    return asyncio.run(run())


@pytest.mark.parametrize(
    "ask",
    [completion, other_place, async_completion, router, async_router, router_stream, async_router_stream],
    ids=lambda ask: ask.__name__,
)
def test_legs_are_linked(ask: Callable[[Provider], Any], provider: Provider, exported: Exported) -> None:
    with ww.task("t"):
        assert ask(provider)
    assert legs(exported) == LINKED
    assert [(entry.model, entry.status) for entry in provider.ledger.wait()] == [("gpt-4o", 500), (SPARE, 200)]


def test_without_a_task_a_fallback_block_links_them(provider: Provider, exported: Exported) -> None:
    with ww.fallback() as chain, chain.leg():
        router(provider)
    assert legs(exported) == LINKED


def test_retries_through_the_openai_client_are_tries_of_one_call(provider: Provider, exported: Exported) -> None:
    litellm.completion("openai/gpt-4o@429x1", MESSAGES, max_retries=2, **_base(provider))
    assert attributes_of(exported.call)["http.request.resend_count"] == 1


def test_azure_goes_through_the_openai_client_too(provider: Provider, exported: Exported) -> None:
    litellm.completion("azure/gpt-4o", MESSAGES, api_version="2024-10-21", api_key="sk", api_base=provider.url)
    assert attributes_of(exported.call)["gen_ai.request.model"] == "gpt-4o"


def test_calls_by_litellms_own_http_client_are_not_seen(provider: Provider, exported: Exported) -> None:
    litellm.completion("anthropic/claude-sonnet-4-5", MESSAGES, api_key="sk", api_base=provider.url)
    assert exported.calls == []
