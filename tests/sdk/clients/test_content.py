"""What is said in calls: recorded where it is asked for, in the form of the semantic conventions, and nowhere else."""

import asyncio
import gc
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from tests.sdk.clients.driving import closed, drain, entered, resolve
from tests.sdk.clients.specimens import PROMPT, SPECIMENS, Specimen
from tests.wire.provider import Provider

import worthwhile as ww
from worthwhile import _content, _settings, clients, testing
from worthwhile.clients import _base
from worthwhile.testing import Captured, SignalRecord

VARIABLE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
TOOLS = [
    {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {}}}}}
]

each_specimen = pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda specimen: specimen.name)
each_kind = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


@pytest.fixture
def captured(provider: Provider) -> Iterator[Captured]:
    clients.install()
    with testing.capture() as found:
        yield found
    _settings.forget()
    _content._redact = None
    _content._is_asked_by_task = False
    _content.follow(_settings.current())


@pytest.fixture
def said(captured: Captured) -> Captured:
    ww.configure(capture_content=True)
    return captured


def messages(record: SignalRecord, name: str) -> Any:
    """What a record has under `gen_ai.` and this name."""
    return json.loads(str(record.attributes[f"gen_ai.{name}"]))


def text_of(record: SignalRecord, name: str = "output.messages") -> str:
    """All texts of the messages of a record."""
    return "".join(part.get("content", "") for each in messages(record, name) for part in each["parts"])


def ask(provider: Provider, model: str = "m-wire", **more: Any) -> Any:
    client = openai.OpenAI(base_url=provider.openai_url, api_key="sk-wire", max_retries=0)
    return client.chat.completions.create(**{"model": model, "messages": [{"role": "user", "content": PROMPT}], **more})


@each_specimen
@each_kind
async def test_a_call_has_one_record_with_its_ids(
    specimen: Specimen, is_async: bool, provider: Provider, said: Captured
) -> None:
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        with ww.task("ticket", key="T-1"):
            answer = await resolve(specimen.create(client, "m-wire"))
    (record,), (call,) = said.contents, said.calls
    assert said.signals == []
    assert (record.event_name, record.trace_id, record.span_id) == (
        "gen_ai.client.inference.operation.details", call.trace_id, call.span_id
    )  # fmt: skip
    for name in ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "worthwhile.task.id"):
        assert record.attributes[name] == call.attributes[name]
    assert (record.attributes["worthwhile.workload"], record.attributes["worthwhile.task.key"]) == ("ticket", "T-1")
    assert messages(record, "input.messages") == [{"role": "user", "parts": [{"type": "text", "content": PROMPT}]}]
    (output,) = messages(record, "output.messages")
    assert output["role"] == "assistant"
    assert output["finish_reason"] in ("stop", "completed", "end_turn")
    assert text_of(record).startswith("The word0")
    assert text_of(record) in str(answer)
    assert not [key for key in call.attributes if "messages" in key or "instructions" in key]
    assert "worthwhile.content.truncated" not in record.attributes


@each_specimen
@each_kind
async def test_a_stream_says_what_the_host_has_read(
    specimen: Specimen, is_async: bool, provider: Provider, said: Captured
) -> None:
    some = 7 if specimen.name == "openai-responses" else 4  # whose first events hold no text
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        whole = await resolve(specimen.create(client, "m-wire"))
        await drain(await resolve(specimen.create(client, "m-wire", stream=True)))
        left = await resolve(specimen.create(client, f"m-wire@hold{some + 1}", stream=True))
        await drain(left, some)
        await closed(left)
    gc.collect()
    await asyncio.sleep(0)
    plain, streamed, abandoned = said.contents
    assert messages(streamed, "output.messages") == messages(plain, "output.messages")
    assert text_of(plain) in str(whole)
    assert text_of(plain).startswith(text_of(abandoned))
    assert "".join(text_of(abandoned).split()) != ""
    assert text_of(abandoned) != text_of(plain)


@each_specimen
@each_kind
async def test_results_are_those_of_a_client_that_nobody_watches(
    specimen: Specimen, is_async: bool, provider: Provider, said: Captured
) -> None:
    seen: list[Any] = []
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        for is_watched in (True, False):
            (clients.install if is_watched else clients.uninstall)()
            answer = await resolve(specimen.create(client, "m-wire"))
            stream = await resolve(specimen.create(client, "m-wire", stream=True))
            chunks = await drain(stream)
            seen.append((type(answer), type(stream), [type(chunk) for chunk in chunks], len(chunks)))
    assert seen[0] == seen[1]
    assert len(said.contents) == 2


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
def test_tools_and_what_they_were_asked(is_stream: bool, provider: Provider, said: Captured) -> None:
    told = [
        {"role": "system", "content": "Be short."},
        {"role": "assistant", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}}
        ]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]  # fmt: skip
    answer = ask(provider, messages=told, tools=TOOLS, stream=is_stream)
    if is_stream:
        list(answer)
    (record,) = said.contents
    assert messages(record, "input.messages") == [
        {"role": "system", "parts": [{"type": "text", "content": "Be short."}]},
        {"role": "assistant", "parts": [
            {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Rome"}}
        ]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "rain"}]},
    ]  # fmt: skip
    assert messages(record, "tool.definitions") == [{"type": "function", **TOOLS[0]["function"]}]  # type: ignore[dict-item]
    (output,) = messages(record, "output.messages")
    (part,) = [part for part in output["parts"] if part["type"] == "tool_call"]
    assert part["name"] == "weather"
    assert isinstance(part["arguments"], dict)
    assert output["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
def test_blocks_of_anthropic(is_stream: bool, provider: Provider, said: Captured) -> None:
    anthropic = pytest.importorskip("anthropic")
    image = {"type": "base64", "media_type": "image/png", "data": "A" * 5000}
    told = [
        {"role": "user", "content": [{"type": "text", "text": "This?"}, {"type": "image", "source": image}]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "A map.", "signature": "s"},
            {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Rome"}},
        ]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "rain"}]},
    ]  # fmt: skip
    tools = [{"name": "weather", "input_schema": {"type": "object"}}]
    client = anthropic.Anthropic(base_url=provider.url, api_key="sk-wire")
    answer = client.messages.create(
        model="m", max_tokens=9, messages=told, tools=tools, system="Look.", stream=is_stream
    )
    if is_stream:
        list(answer)
    (record,) = said.contents
    assert messages(record, "system_instructions") == [{"type": "text", "content": "Look."}]
    assert [message["parts"] for message in messages(record, "input.messages")] == [
        [
            {"type": "text", "content": "This?"},
            {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "... (5000 characters)"},
        ],
        [
            {"type": "reasoning", "content": "A map."},
            {"type": "tool_call", "id": "t1", "name": "weather", "arguments": {"city": "Rome"}},
        ],
        [{"type": "tool_call_response", "id": "t1", "response": "rain"}],
    ]
    assert messages(record, "tool.definitions") == [
        {"type": "function", "name": "weather", "parameters": {"type": "object"}}
    ]
    (output,) = messages(record, "output.messages")
    (part,) = [part for part in output["parts"] if part["type"] == "tool_call"]
    assert (part["name"], part["arguments"]) == ("weather", {"city": "Paris"})
    assert output["finish_reason"] == "tool_use"


@pytest.mark.parametrize("is_stream", [False, True], ids=["plain", "stream"])
def test_a_raw_answer_is_read_as_the_host_reads_it(is_stream: bool, provider: Provider, said: Captured) -> None:
    client = openai.OpenAI(base_url=provider.openai_url, api_key="sk-wire")
    body: dict[str, Any] = {"model": "m-wire", "messages": [{"role": "user", "content": PROMPT}], "stream": is_stream}
    with client.chat.completions.with_streaming_response.create(**body) as response:
        response.read()
    client.chat.completions.with_raw_response.create(**{**body, "stream": False}).parse()
    assert [text_of(record)[:9] for record in said.contents] == ["The word0", "The word0"]


def test_embeddings_and_completions(provider: Provider, said: Captured) -> None:
    client = openai.OpenAI(base_url=provider.openai_url, api_key="sk-wire")
    client.embeddings.create(model="m-wire", input=["one", "two"])
    client.embeddings.create(model="m-wire", input=list(range(100)))
    client.completions.create(model="m-wire", prompt="Once")
    texts, tokens, completion = said.contents
    assert [part["content"] for part in messages(texts, "input.messages")[0]["parts"]] == ["one", "two"]
    assert text_of(tokens, "input.messages") == "(100 numbers)"
    assert "gen_ai.output.messages" not in texts.attributes
    assert text_of(completion).startswith("The word0")


def test_instructions_stand_apart(provider: Provider, said: Captured) -> None:
    client = openai.OpenAI(base_url=provider.openai_url, api_key="sk-wire")
    client.responses.create(model="m-wire", input=PROMPT, instructions="Be short.")
    (record,) = said.contents
    assert messages(record, "system_instructions") == [{"type": "text", "content": "Be short."}]


def test_an_error_has_what_was_sent(provider: Provider, said: Captured) -> None:
    with pytest.raises(openai.InternalServerError):
        ask(provider, "m-wire@500")
    (record,) = said.contents
    assert text_of(record, "input.messages") == PROMPT
    assert record.attributes["error.type"] == "openai.InternalServerError"
    assert "gen_ai.output.messages" not in record.attributes


def test_what_the_host_changes_afterwards_is_not_in_the_record(provider: Provider, said: Captured) -> None:
    told: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "before"}]}]
    stream = ask(provider, messages=[], extra_body={"messages": told}, stream=True)  # which no client copies
    told[0]["content"][0]["text"] = "after"
    list(stream)
    answer = ask(provider, messages=told)
    spoken = answer.choices[0].message.content
    answer.choices[0].message.content = "after"
    told.clear()
    first, second = said.contents
    assert text_of(first, "input.messages") == "before"
    assert text_of(second) == spoken


def test_a_long_text_is_cut_with_its_length(provider: Provider, said: Captured) -> None:
    ww.configure(content_max_chars=400)
    answer = ask(provider, messages=[{"role": "user", "content": "x" * 5000}])
    (record,) = said.contents
    assert text_of(record, "input.messages") == f"{'x' * 300}... (5000 characters)"
    assert record.attributes["worthwhile.content.truncated"] == 5000 + len(answer.choices[0].message.content)
    assert text_of(record) == answer.choices[0].message.content  # of which a quarter is kept in any case
    ww.configure(content_max_chars=40)
    list(ask(provider, stream=True))
    assert len(text_of(said.contents[1])) <= 40


# Whether it is recorded.


def test_nothing_is_recorded_by_default(captured: Captured, provider: Provider) -> None:
    ww.configure(stream_usage="auto")
    ask(provider)
    assert len(captured.calls) == 1
    assert captured.contents == []
    assert _base._kind is _base.Call


def test_it_can_be_switched_off_again(provider: Provider, said: Captured) -> None:
    ask(provider)
    ww.configure(capture_content=False)
    assert _base._kind is _base.Call
    ask(provider)
    assert (len(said.calls), len(said.contents)) == (2, 1)


@pytest.mark.parametrize(
    ("variable", "text", "is_on"),
    [
        (VARIABLE, "true", True),
        (VARIABLE, "SPAN_ONLY", True),
        (VARIABLE, "EVENT_ONLY", True),
        (VARIABLE, "span_and_event", True),
        (VARIABLE, "false", False),
        (VARIABLE, "NO_CONTENT", False),
        ("WORTHWHILE_CAPTURE_CONTENT", "on", True),
    ],
)
def test_the_environment_may_ask(
    variable: str, text: str, is_on: bool, captured: Captured, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, text)
    _settings.forget()
    ww.configure()
    ask(provider)
    assert len(captured.contents) == is_on
    ww.configure(capture_content=not is_on)
    ask(provider)
    assert len(captured.contents) == 1


def test_a_task_may_say_no_for_all_that_is_in_it(provider: Provider, said: Captured) -> None:
    @ww.task("sensitive", capture_content=False)
    def work() -> None:
        ask(provider, "m-1")
        with ww.task("inner", capture_content=True):
            ask(provider, "m-2")

    @ww.task(capture_content=False)
    class Worker:
        def run(self) -> None:
            ask(provider, "m-3")

    work()
    Worker().run()
    with ww.task("other"):
        ask(provider, "m-4")
    assert len(said.calls) == 4
    assert [record.attributes["gen_ai.request.model"] for record in said.contents] == ["m-4"]


async def test_a_task_may_say_yes_for_itself(provider: Provider, captured: Captured) -> None:
    ww.configure(stream_usage="auto")
    async with (
        openai.AsyncOpenAI(base_url=provider.openai_url, api_key="sk-wire") as client,
        ww.task("watched", capture_content=True),
    ):
        await client.chat.completions.create(model="m-1", messages=[{"role": "user", "content": PROMPT}])
    ask(provider, "m-2")
    assert [record.attributes["gen_ai.request.model"] for record in captured.contents] == ["m-1"]


def test_whole_traces_are_sampled_and_every_call_is_counted(provider: Provider, said: Captured) -> None:
    ww.configure(content_sample_ratio=0.0)
    ask(provider)
    ww.configure(content_sample_ratio=0.5)
    with testing.capture(fixed=False) as found:
        for _ in range(8):
            with ww.task("pair"):
                ask(provider)
                ask(provider)
    assert (len(said.calls), said.contents) == (1, [])
    assert len(found.calls) == 16
    taken = [record.trace_id for record in found.contents]
    assert {taken.count(trace_id) for trace_id in taken} <= {2}
    assert set(taken) == {call.trace_id for call in found.calls if int(call.trace_id[16:], 16) < 1 << 63}


# Redaction.


def test_each_part_is_redacted_before_it_is_recorded(provider: Provider, said: Captured) -> None:
    seen: list[str] = []

    def redact(text: str) -> str | None:
        seen.append(text)
        return None if "secret" in text else text.replace("Rome", "[city]").replace("word", "####")

    ww.configure(redact=redact)
    told = [
        {"role": "user", "content": [{"type": "text", "text": "in Rome"}, {"type": "text", "text": "secret"}]},
        {"role": "assistant", "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}}
        ]},
    ]  # fmt: skip
    ask(provider, messages=told)
    (record,) = said.contents
    user, assistant = messages(record, "input.messages")
    assert user["parts"] == [{"type": "text", "content": "in [city]"}]
    assert assistant["parts"][0]["arguments"] == {"city": "[city]"}
    assert text_of(record).startswith("The ####0")
    assert '{"city":"Rome"}' in seen


@pytest.mark.parametrize("error", [ValueError("secret"), SystemExit(1)], ids=["error", "exit"])
def test_a_redaction_that_raises_costs_the_content_only(
    error: BaseException, provider: Provider, said: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    def redact(text: str) -> str:
        raise error

    before = ww.stats()
    ww.configure(redact=redact)
    ask(provider)
    assert said.contents == []
    assert len(said.calls) == 1
    ww.configure(redact=lambda text: text)
    ask(provider)
    assert len(said.contents) == 1
    assert ww.stats().contents_dropped == before.contents_dropped + 1
    assert ww.stats().contents == before.contents + 1
    assert "secret" not in caplog.text
