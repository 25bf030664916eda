"""Every way in which a host may make one call with the anthropic client, each for a sync and for an async client."""

from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
from pydantic import BaseModel
from tests.sdk.clients.driving import closed, drain, entered, resolve

Way = Callable[[Any], Awaitable[Any]]

LONG = "Summarise the ticket and name the next action. " * 12
CACHED = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
MESSAGE: dict[str, Any] = {
    "model": "claude-wire",
    "max_tokens": 512,
    "messages": [{"role": "user", "content": CACHED}],
}
TOOL = {"name": "weather", "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
THINKING = {"type": "enabled", "budget_tokens": 1024}


class Verdict(BaseModel):
    label: str
    score: int


def made(is_async: bool, **options: Any) -> Any:
    """A client."""
    kind = anthropic.AsyncAnthropic if is_async else anthropic.Anthropic
    return kind(**{"api_key": "sk-wire", **options})


async def create(c: Any) -> Any:
    return await resolve(c.messages.create(**MESSAGE))


async def create_uncached(c: Any) -> Any:
    return await resolve(c.messages.create(**MESSAGE | {"messages": [{"role": "user", "content": "hi"}]}))


async def create_thinking(c: Any) -> Any:
    return await resolve(c.messages.create(**MESSAGE, thinking=THINKING, tools=[TOOL]))


async def create_searching(c: Any) -> Any:
    return await resolve(c.messages.create(**MESSAGE, tools=[SEARCH]))


async def create_retried(c: Any) -> Any:
    return await resolve(c.messages.create(**MESSAGE | {"model": "claude-wire@529x2"}))


async def create_with_options(c: Any) -> Any:
    return await resolve(c.with_options(timeout=30.0).messages.create(**MESSAGE))


async def create_bound_method(c: Any) -> Any:
    method = c.messages.create
    return await resolve(method(**MESSAGE))


async def create_beta(c: Any) -> Any:
    return await resolve(c.beta.messages.create(**MESSAGE))


async def create_stream(c: Any) -> Any:
    return await drain(await resolve(c.messages.create(**MESSAGE, stream=True)))


async def create_stream_searching(c: Any) -> Any:
    """The searches are told at the start only, the reasoning at the end only."""
    return await drain(await resolve(c.messages.create(**MESSAGE, stream=True, tools=[SEARCH], thinking=THINKING)))


async def create_stream_manager(c: Any) -> Any:
    async with entered(await resolve(c.messages.create(**MESSAGE, stream=True))) as stream:
        return await drain(stream)


async def create_stream_retried(c: Any) -> Any:
    return await drain(await resolve(c.messages.create(**MESSAGE | {"model": "claude-wire@500x1"}, stream=True)))


async def create_stream_beta(c: Any) -> Any:
    return await drain(await resolve(c.beta.messages.create(**MESSAGE, stream=True)))


async def create_stream_left_at_the_end(c: Any) -> Any:
    """`message_delta` has the last of the usage; a host that stops at it has missed nothing."""
    stream = await resolve(c.messages.create(**MESSAGE, stream=True))
    while (await drain(stream, 1))[0].type != "message_delta":
        pass
    await closed(stream)


async def helper(c: Any) -> Any:
    async with entered(c.messages.stream(**MESSAGE)) as stream:
        return await drain(stream)


async def helper_final(c: Any) -> Any:
    async with entered(c.messages.stream(**MESSAGE, thinking=THINKING)) as stream:
        return await resolve(stream.get_final_message())


async def helper_text(c: Any) -> Any:
    async with entered(c.messages.stream(**MESSAGE)) as stream:
        return await drain(stream.text_stream)


async def helper_beta(c: Any) -> Any:
    async with entered(c.beta.messages.stream(**MESSAGE)) as stream:
        return await resolve(stream.until_done())


async def parse(c: Any) -> Any:
    parsed = await resolve(c.messages.parse(**MESSAGE, output_format=Verdict))
    assert parsed.parsed_output == Verdict(label="value", score=3)
    return parsed


async def parse_beta(c: Any) -> Any:
    return await resolve(c.beta.messages.parse(**MESSAGE, output_format=Verdict))


async def raw(c: Any) -> Any:
    return await resolve((await resolve(c.messages.with_raw_response.create(**MESSAGE))).parse())


async def raw_unparsed(c: Any) -> Any:
    return (await resolve(c.messages.with_raw_response.create(**MESSAGE))).headers


async def raw_stream(c: Any) -> Any:
    response = await resolve(c.messages.with_raw_response.create(**MESSAGE, stream=True))
    return await drain(await resolve(response.parse()))


async def streaming_response(c: Any) -> Any:
    async with entered(c.messages.with_streaming_response.create(**MESSAGE)) as response:
        return await resolve(response.json())


async def streaming_response_parse(c: Any) -> Any:
    async with entered(c.messages.with_streaming_response.create(**MESSAGE)) as response:
        return await resolve(response.parse())


async def streaming_response_stream(c: Any) -> Any:
    async with entered(c.messages.with_streaming_response.create(**MESSAGE, stream=True)) as response:
        return await drain(await resolve(response.parse()))


async def streaming_response_stream_lines(c: Any) -> Any:
    async with entered(c.messages.with_streaming_response.create(**MESSAGE, stream=True)) as response:
        return await drain(response.iter_lines())


WAYS: list[Way] = [
    way
    for name, way in globals().items()
    if name.startswith(("create", "helper", "parse", "raw", "streaming")) and callable(way)
]
