"""Streams that their host forgets: their calls end elsewhere, once, and never by waiting inside a finalizer."""

import gc
import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from tests.sdk.clients import openai_ways
from tests.sdk.clients.conftest import Exported, attributes_of, counted, tokens_of, told
from tests.sdk.clients.driving import drain, entered, resolve
from tests.sdk.clients.specimens import SPECIMENS, Specimen
from tests.wire.provider import Provider

import worthwhile as ww
from worthwhile import _streams, _taps
from worthwhile._call import NO_SKIPS
from worthwhile._invocation import INERT
from worthwhile.clients import _openai_streams

each_specimen = pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda specimen: specimen.name)


class Locked(SpanProcessor):
    """A processor of the host that takes a lock which is not reentrant, as an exporter's queue does."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def on_end(self, span: ReadableSpan) -> None:
        with self.lock:
            pass


@each_specimen
def test_a_stream_collected_under_a_lock_waits_for_nobody(
    specimen: Specimen, provider: Provider, exported: Exported
) -> None:
    processor = Locked()
    exported.provider.add_span_processor(processor)
    with specimen.client(provider.url, is_async=False) as client:
        stream = specimen.create(client, "m-wire", stream=True)
        next(stream)
        with processor.lock:
            stream.cycle = stream
            del stream
            gc.collect()
        assert attributes_of(exported.call)["gen_ai.request.stream"] is True


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    "script",
    ["trail8", "trail70", "trail200", "early", "early,trail8", "early,trail200", "eager,trail200", "truncate,trail70"],
)
@pytest.mark.parametrize("is_asked", [False, True], ids=["hidden", "asked"])
async def test_what_is_told_anywhere_in_a_stream_is_kept(
    is_asked: bool, script: str, is_async: bool, provider: Provider, exported: Exported
) -> None:
    more = {"stream_options": {"include_usage": True}} if is_asked else {}
    async with entered(openai_ways.made(is_async, base_url=provider.openai_url)) as client:
        stream = await resolve(
            client.chat.completions.create(
                model=f"gpt-wire@{script}", messages=[{"role": "user", "content": "a b c"}], stream=True, **more
            )
        )
        chunks = await drain(stream)
    trail = int(script.partition("trail")[2] or 0)
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1 - trail] is not None
    assert attributes_of(exported.call)["gen_ai.response.finish_reasons"] == (
        ("length",) if "truncate" in script else ("stop",)
    )
    assert tokens_of(exported.spans) == told(provider) == counted(provider) != {}


@each_specimen
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_nothing_depends_on_which_chunks_are_skipped(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    told_with: list[dict[str, Any]] = []
    seen: list[int] = []
    see = _streams.Reading.see
    for skips_none in (False, True):

        def watched(reading: _streams.Reading, chunk: Any, skips_none: bool = skips_none) -> bool:
            seen[-1] += 1
            is_hidden = see(reading, chunk)
            if skips_none:
                reading.skips = NO_SKIPS
            return is_hidden

        seen.append(0)
        monkeypatch.setattr(_streams.Reading, "see", watched)
        async with entered(specimen.client(provider.url, is_async=is_async)) as client:
            await drain(await resolve(specimen.create(client, "m-wire", stream=True)))
        said = attributes_of(exported.calls[-1])
        told_with.append({name: said[name] for name in said if "time" not in name and not name.endswith(".id")})
    assert told_with[0] == told_with[1]
    assert "gen_ai.usage.output_tokens" in told_with[0]
    assert seen[0] < seen[1]


def piece(usage: Any = None, reason: str | None = None, tier: str | None = None) -> Any:
    """A chunk with a piece of an answer, as openai makes it."""
    choice = {"index": 0, "delta": {"content": "a"}, "finish_reason": reason}
    head = {"id": "c", "created": 1, "model": "m", "object": "chat.completion.chunk"}
    return ChatCompletionChunk.model_validate({**head, "choices": [choice], "usage": usage, "service_tier": tier})


COUNT = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("first_tier", [None, "default"])
@pytest.mark.parametrize("telling", [{"usage": COUNT}, {"reason": "stop"}, {"tier": "flex"}], ids=str)
@pytest.mark.parametrize("hides_usage", [False, True], ids=["usage asked for", "usage hidden"])
async def test_what_a_piece_in_the_middle_tells_is_seen(
    telling: dict[str, Any], first_tier: str | None, hides_usage: bool, is_async: bool
) -> None:
    if first_tier is not None and "tier" in telling:
        pytest.skip("the tier of a stream is told once")
    chunks = [piece(tier=first_tier), piece(), piece(**telling), *[piece() for _ in range(9)]]
    call: Any = SimpleNamespace(selection=SimpleNamespace(names=()), asked=(), hides_usage=hides_usage)
    reading = _openai_streams.chat(call)
    reading.begin(INERT)

    async def later() -> AsyncIterator[Any]:
        for chunk in chunks:
            yield chunk

    tap: Any = _taps.AsyncStreamTap(later(), reading) if is_async else _taps.stream_tap(iter(chunks), reading)
    assert await drain(tap) == chunks
    shown = [chunk for chunk in chunks if chunk.usage is not None or not hides_usage]
    assert [chunk for chunk in chunks if "usage" in chunk.model_fields_set] == shown
    _, counts, _, tier, _, reason = reading.facts()
    assert reason == telling.get("reason")
    assert tier == telling.get("tier", first_tier)
    assert (None if counts is None else counts[:2]) == ((5, 6) if "usage" in telling else None)


@each_specimen
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_a_stream_that_nobody_begins_to_read_ends_its_call(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        stream = await resolve(specimen.create(client, "m-wire", stream=True))
        response = stream.response
        del stream
        gc.collect()
        assert _streams.settle_dropped(20)
        assert len(exported.calls) == 1
        await resolve(response.aclose() if is_async else response.close())


@each_specimen
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_a_stream_ends_its_call_when_it_is_exhausted(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tap says so, and need not wait until somebody closes the body or forgets the stream."""
    monkeypatch.setattr(_streams.Reading, "drop", lambda reading: None)
    monkeypatch.setattr(_taps.BodyTap, "close", lambda tap: tap.__wrapped__.close())
    monkeypatch.setattr(_taps.BodyTap, "aclose", lambda tap: tap.__wrapped__.aclose())
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        stream = await resolve(specimen.create(client, "m-wire", stream=True))
        await drain(stream)
        assert len(exported.calls) == 1
        assert not _streams._open


@each_specimen
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_a_stream_dropped_after_its_last_news_has_its_usage(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        stream = await resolve(specimen.create(client, "m-wire", stream=True))
        everything = len(await drain(stream))
        stream = await resolve(specimen.create(client, "m-wire", stream=True))
        response = stream.response
        await drain(stream, everything)
        del stream
        gc.collect()
        await resolve(response.aclose() if is_async else response.close())
    first, second = exported.calls
    if specimen.name == "openai-chat":  # whose usage comes after the last chunk that the host sees
        assert tokens_of([second]) == {}
    else:
        assert tokens_of([second]) == tokens_of([first]) != {}
    assert (
        attributes_of(second)["gen_ai.response.finish_reasons"]
        == attributes_of(first)["gen_ai.response.finish_reasons"]
    )


@each_specimen
def test_a_stream_left_after_its_last_chunk_has_succeeded(
    specimen: Specimen, provider: Provider, exported: Exported
) -> None:
    """The call that it stood in for is made up for, so the next call is nobody's fallback."""
    with ww.task("work"), specimen.client(provider.url, is_async=False, max_retries=0) as client:
        length = len(list(specimen.create(client, "m-wire", stream=True)))
        with pytest.raises(specimen.module.APIError):
            specimen.create(client, "first@500")
        with specimen.create(client, "second", stream=True) as stream:
            for _ in range(length):
                next(stream)
        specimen.create(client, "third")
    fallbacks = [attributes_of(call).get("worthwhile.fallback.from") for call in exported.calls]
    assert fallbacks == [None, None, "first@500", None]


@each_specimen
def test_flush_ends_the_calls_of_dropped_streams_first(
    specimen: Specimen, provider: Provider, exported: Exported
) -> None:
    with specimen.client(provider.url, is_async=False) as client:
        stream = specimen.create(client, "m-wire", stream=True)
        next(stream)
        del stream
        gc.collect()
        assert ww.flush(20)
        assert len(exported.exporter.get_finished_spans()) == 1


@each_specimen
def test_the_duration_of_a_dropped_stream_ends_when_it_is_dropped(
    specimen: Specimen, provider: Provider, exported: Exported
) -> None:
    with specimen.client(provider.url, is_async=False) as client:
        stream = specimen.create(client, "m-wire", stream=True)
        next(stream)
        del stream
        gc.collect()
        assert _streams.settle_dropped(20)
        before = exported.call.end_time
        specimen.create(client, "m-wire")
    assert before == exported.calls[0].end_time
    assert (exported.calls[0].end_time or 0) <= (exported.calls[1].start_time or 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_child_leaves_its_parents_streams_alone(provider: Provider) -> None:
    specimen = SPECIMENS[0]
    script = f"""
        import gc, json, os, sys, openai
        import worthwhile as ww
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
        from worthwhile import _streams, _taps
        host = TracerProvider(shutdown_on_exit=False)
        line = lambda span: json.dumps([os.getpid() == parent, span.name]) + os.linesep
        host.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=line)))
        ww.configure(tracer_provider=host)
        parent = os.getpid()
        client = openai.OpenAI(api_key="k", base_url={provider.url + specimen.path!r})
        def stream(model):
            made = client.chat.completions.create(model=model, messages=[], stream=True)
            next(made)
            return made
        inherited = stream("parents")
        child = os.fork()
        if not child:
            del inherited
            gc.collect()
            client = openai.OpenAI(api_key="k", base_url={provider.url + specimen.path!r})
            own = stream("childs")
            del own
            gc.collect()
            assert _streams.settle_dropped(20)
            sys.stdout.flush()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        del inherited
        gc.collect()
        assert _streams.settle_dropped(20)
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    spans: list[Any] = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(spans) == [[False, "chat childs"], [True, "chat parents"]]
