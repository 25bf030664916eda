"""Answers of the openai client that the host reads itself, byte by byte or line by line."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.sdk.clients.conftest import Exported, attributes_of, tokens_of
from tests.sdk.clients.driving import closed, drain, entered, resolve
from tests.sdk.clients.openai_ways import CHAT, made
from tests.wire.provider import Provider

both = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


@both
async def test_an_abandoned_raw_stream_has_no_usage(is_async: bool, provider: Provider, exported: Exported) -> None:
    async with entered(made(is_async, base_url=provider.openai_url)) as client:
        held = CHAT | {"model": "m@hold2"}
        raw = await resolve(client.chat.completions.with_raw_response.create(**held, stream=True))
        stream = raw.parse()
        assert len(await drain(stream, 2)) == 2
        await closed(stream)
        async with entered(client.chat.completions.with_streaming_response.create(**held, stream=True)) as response:
            assert len(await drain(response.iter_lines(), 2)) == 2
    assert len(exported.calls) == 2
    assert tokens_of(exported.spans) == {}
    assert {attributes_of(call)["worthwhile.usage.basis"] for call in exported.calls} == {"missing"}


@both
async def test_the_bytes_of_a_raw_stream_lack_only_our_chunk(
    is_async: bool, provider: Provider, exported: Exported
) -> None:
    """The host reads the bytes; the event that it did not ask for is taken out, every other passes as it came."""
    asked = {"include_usage": True}
    seen = []
    async with entered(made(is_async, base_url=provider.openai_url)) as client:
        for options in ({}, {"stream_options": asked}):
            provider.ledger.clear()
            manager = client.chat.completions.with_streaming_response.create(**CHAT, stream=True, **options)
            async with entered(manager) as response:
                seen.append(b"".join(await drain(response.iter_bytes())))
    ours, full = (part.split(b"\n\n") for part in seen)
    assert [event for event in full if event not in ours] == [next(e for e in full if b'"choices": []' in e)]
    assert [event for event in ours if event not in full] == []


@both
async def test_a_compressed_answer_is_counted(is_async: bool, provider: Provider, exported: Exported) -> None:
    """A body that the host reads itself is looked at as it passes, compressed or not."""
    transports = next(kind for kind in made(False)._client.__class__.__mro__ if kind.__name__ == "Client").__module__
    module = __import__(transports.partition(".")[0])
    usage = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
    answer = json.dumps({"id": "x", "object": "chat.completion", "model": "m", "choices": [], "usage": usage}).encode()

    class Body(module.SyncByteStream, module.AsyncByteStream):  # type: ignore[misc, name-defined]
        def __iter__(self) -> Iterator[bytes]:
            data = gzip.compress(answer)
            yield from (data[:9], data[9:])

        async def __aiter__(self) -> Any:
            for part in self:
                yield part

    def answer_with(request: Any) -> Any:
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        return module.Response(200, headers=headers, stream=Body())

    http = (module.AsyncClient if is_async else module.Client)(transport=module.MockTransport(answer_with))
    async with (
        entered(made(is_async, base_url=provider.openai_url, http_client=http)) as client,
        entered(client.chat.completions.with_streaming_response.create(**CHAT)) as response,
    ):
        assert b"".join(await drain(response.iter_bytes())) == answer
    assert tokens_of(exported.spans) == {"input_tokens": 5, "output_tokens": 3}
