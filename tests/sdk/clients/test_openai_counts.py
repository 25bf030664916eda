"""Tokens over exported spans equal the server's own count, in every way of calling it through the openai client."""

import pytest
from tests.sdk.clients.conftest import Exported, counted, tokens_of, told
from tests.sdk.clients.driving import entered
from tests.sdk.clients.openai_ways import WAYS, Way, made
from tests.wire.provider import Provider


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_tokens_are_what_the_server_counted(
    way: Way, is_async: bool, provider: Provider, exported: Exported
) -> None:
    async with entered(made(is_async, base_url=provider.openai_url)) as client:
        await way(client)
    assert len(exported.calls) == 1
    assert tokens_of(exported.spans) == told(provider) == counted(provider) != {}
