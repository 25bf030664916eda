"""Every way in which a host may make one call with the openai client, each for a sync and for an async client."""

from collections.abc import Awaitable, Callable
from typing import Any

import openai
from pydantic import BaseModel
from tests.sdk.clients.driving import closed, drain, entered, resolve

Way = Callable[[Any], Awaitable[Any]]

LONG = "Summarise the ticket and name the next action. " * 12
CHAT: dict[str, Any] = {"model": "gpt-wire", "messages": [{"role": "user", "content": LONG}]}
RESPONSE: dict[str, Any] = {"model": "gpt-wire", "input": LONG}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


class Verdict(BaseModel):
    label: str
    score: int


def made(is_async: bool, **options: Any) -> Any:
    """A client."""
    kind = openai.AsyncOpenAI if is_async else openai.OpenAI
    return kind(**{"api_key": "sk-wire", **options})


async def chat(c: Any) -> Any:
    return await resolve(c.chat.completions.create(**CHAT))


async def chat_choices(c: Any) -> Any:
    return await resolve(c.chat.completions.create(**CHAT, n=3))


async def chat_tools(c: Any) -> Any:
    return await resolve(c.chat.completions.create(**CHAT, tools=[TOOL], reasoning_effort="low"))


async def chat_retried(c: Any) -> Any:
    return await resolve(c.chat.completions.create(**CHAT | {"model": "gpt-wire@429x2"}))


async def chat_with_options(c: Any) -> Any:
    return await resolve(c.with_options(timeout=30.0).chat.completions.create(**CHAT))


async def chat_bound_method(c: Any) -> Any:
    create = c.chat.completions.create
    return await resolve(create(**CHAT))


async def chat_post(c: Any) -> Any:
    return await resolve(c.post("/chat/completions", cast_to=dict[str, Any], body=CHAT))


async def chat_post_http(c: Any) -> Any:
    http_response = next(kind for kind in type(c._client).__mro__ if kind.__name__ in ("Client", "AsyncClient"))
    module = __import__(http_response.__module__.partition(".")[0])
    return await resolve(c.post("/chat/completions", cast_to=module.Response, body=CHAT))


async def chat_stream(c: Any) -> Any:
    return await drain(await resolve(c.chat.completions.create(**CHAT, stream=True)))


async def chat_stream_next(c: Any) -> Any:
    stream = await resolve(c.chat.completions.create(**CHAT, stream=True))
    try:
        while True:
            await resolve(anext(stream) if hasattr(stream, "__anext__") else next(stream))
    except (StopIteration, StopAsyncIteration):
        return None


async def chat_stream_asked(c: Any) -> Any:
    asked = {"include_usage": True}
    return await drain(await resolve(c.chat.completions.create(**CHAT, stream=True, stream_options=asked)))


async def chat_stream_choices(c: Any) -> Any:
    return await drain(await resolve(c.chat.completions.create(**CHAT, stream=True, n=2)))


async def chat_stream_tools(c: Any) -> Any:
    return await drain(await resolve(c.chat.completions.create(**CHAT, stream=True, tools=[TOOL])))


async def chat_stream_retried(c: Any) -> Any:
    stream = c.chat.completions.create(**CHAT | {"model": "gpt-wire@500x1"}, stream=True)
    return await drain(await resolve(stream))


async def chat_stream_manager(c: Any) -> Any:
    async with entered(await resolve(c.chat.completions.create(**CHAT, stream=True))) as stream:
        return await drain(stream)


async def chat_stream_extra_body(c: Any) -> Any:
    extra = {"stream_options": {"include_obfuscation": False}}
    return await drain(await resolve(c.chat.completions.create(**CHAT, stream=True, extra_body=extra)))


async def chat_helper(c: Any) -> Any:
    async with entered(c.chat.completions.stream(**CHAT)) as stream:
        return await drain(stream)


async def chat_helper_final(c: Any) -> Any:
    async with entered(c.chat.completions.stream(**CHAT, response_format=Verdict)) as stream:
        return await resolve(stream.get_final_completion())


async def chat_parse(c: Any) -> Any:
    parsed = await resolve(c.chat.completions.parse(**CHAT, response_format=Verdict))
    assert parsed.choices[0].message.parsed == Verdict(label="value", score=3)
    return parsed


async def chat_parse_beta(c: Any) -> Any:
    return await resolve(c.beta.chat.completions.parse(**CHAT, response_format=Verdict))


async def chat_parse_refused(c: Any) -> Any:
    """The answer is billed although the client's own parser raises."""
    try:
        cut_off = CHAT | {"model": "gpt-wire@truncate"}
        await resolve(c.chat.completions.parse(**cut_off, response_format=Verdict))
    except openai.LengthFinishReasonError:
        return None
    raise AssertionError


async def chat_raw(c: Any) -> Any:
    return (await resolve(c.chat.completions.with_raw_response.create(**CHAT))).parse()


async def chat_raw_unparsed(c: Any) -> Any:
    return (await resolve(c.chat.completions.with_raw_response.create(**CHAT))).headers


async def chat_raw_parse(c: Any) -> Any:
    return (await resolve(c.chat.completions.with_raw_response.parse(**CHAT, response_format=Verdict))).parse()


async def chat_raw_stream(c: Any) -> Any:
    raw = await resolve(c.chat.completions.with_raw_response.create(**CHAT, stream=True))
    return await drain(raw.parse())


async def chat_streaming_response(c: Any) -> Any:
    async with entered(c.chat.completions.with_streaming_response.create(**CHAT)) as response:
        return await resolve(response.parse())


async def chat_streaming_response_lines(c: Any) -> Any:
    async with entered(c.chat.completions.with_streaming_response.create(**CHAT)) as response:
        return await drain(response.iter_lines())


async def chat_streaming_response_stream(c: Any) -> Any:
    async with entered(c.chat.completions.with_streaming_response.create(**CHAT, stream=True)) as response:
        return await drain(await resolve(response.parse()))


async def chat_streaming_response_stream_bytes(c: Any) -> Any:
    async with entered(c.chat.completions.with_streaming_response.create(**CHAT, stream=True)) as response:
        return await drain(response.iter_bytes(chunk_size=7))


async def responses(c: Any) -> Any:
    return await resolve(c.responses.create(**RESPONSE, reasoning={"effort": "low"}))


async def responses_searched(c: Any) -> Any:
    return await resolve(c.responses.create(**RESPONSE, tools=[{"type": "web_search"}]))


async def responses_cut_off(c: Any) -> Any:
    return await resolve(c.responses.create(**RESPONSE | {"model": "gpt-wire@truncate"}))


async def responses_stream(c: Any) -> Any:
    return await drain(await resolve(c.responses.create(**RESPONSE, stream=True)))


async def responses_stream_cut_off(c: Any) -> Any:
    return await drain(await resolve(c.responses.create(**RESPONSE | {"model": "gpt-wire@truncate"}, stream=True)))


async def responses_stream_failed(c: Any) -> Any:
    return await drain(await resolve(c.responses.create(**RESPONSE | {"model": "gpt-wire@fail"}, stream=True)))


async def responses_stream_left_at_the_end(c: Any) -> Any:
    """The last event has the usage; a host that stops at it has missed nothing."""
    stream = await resolve(c.responses.create(**RESPONSE, stream=True))
    while (await drain(stream, 1))[0].type != "response.completed":
        pass
    await closed(stream)


async def responses_helper(c: Any) -> Any:
    async with entered(c.responses.stream(**RESPONSE)) as stream:
        return await resolve(stream.get_final_response())


async def responses_parse(c: Any) -> Any:
    parsed = await resolve(c.responses.parse(**RESPONSE, text_format=Verdict))
    assert parsed.output_parsed == Verdict(label="value", score=3)
    return parsed


async def responses_raw(c: Any) -> Any:
    return (await resolve(c.responses.with_raw_response.create(**RESPONSE))).parse()


async def responses_raw_stream(c: Any) -> Any:
    return await drain((await resolve(c.responses.with_raw_response.create(**RESPONSE, stream=True))).parse())


async def responses_streaming_response(c: Any) -> Any:
    async with entered(c.responses.with_streaming_response.create(**RESPONSE)) as response:
        return await resolve(response.json())


async def responses_retried(c: Any) -> Any:
    return await resolve(c.responses.create(**RESPONSE | {"model": "gpt-wire@503x1"}))


async def responses_compact(c: Any) -> Any:
    return await resolve(c.responses.compact(**RESPONSE))


async def embeddings(c: Any) -> Any:
    return await resolve(c.embeddings.create(model="embed-wire", input=[LONG, "short"]))


async def embeddings_raw(c: Any) -> Any:
    return (await resolve(c.embeddings.with_raw_response.create(model="embed-wire", input=LONG))).parse()


async def completions(c: Any) -> Any:
    return await resolve(c.completions.create(model="text-wire", prompt=LONG))


async def completions_stream(c: Any) -> Any:
    return await drain(await resolve(c.completions.create(model="text-wire", prompt=LONG, stream=True)))


WAYS: list[Way] = [
    way
    for name, way in globals().items()
    if name.startswith(("chat", "responses", "embeddings", "completions")) and callable(way)
]
