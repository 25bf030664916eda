"""What holds for every client: the host sees what it would see without us, and each call becomes one true span."""

import asyncio
import copy
import gc
import pickle
import socket
import threading
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from tests.sdk.clients.conftest import Exported, attributes_of, counted, tokens_of, told
from tests.sdk.clients.driving import closed, drain, entered, resolve
from tests.sdk.clients.specimens import SPECIMENS, Specimen
from tests.wire.provider import Provider

import worthwhile as ww
from worthwhile import clients

pytestmark = [
    pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda specimen: specimen.name),
    pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"]),
]


async def test_a_call_is_one_span_with_the_servers_count(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        await resolve(specimen.create(client, "m-wire"))
    call = exported.call
    assert (call.name, call.kind, call.status.status_code.name) == ("chat m-wire", trace.SpanKind.CLIENT, "UNSET")
    assert not call.events
    assert tokens_of(exported.spans) == told(provider) == counted(provider) != {}


async def test_results_and_chunks_are_those_of_the_bare_client(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    seen: list[Any] = []
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        for is_watched in (True, False):
            (clients.install if is_watched else clients.uninstall)()
            provider.ledger.clear()
            whole = await resolve(specimen.create(client, "m-wire"))
            stream = await resolve(specimen.create(client, "m-wire", stream=True))
            chunks = await drain(stream)
            seen.append(
                [type(whole), whole.to_dict(), type(stream), repr(whole), *[chunk.to_dict() for chunk in chunks]]
            )
            assert pickle.loads(pickle.dumps(whole)) == whole
    assert seen[0] == seen[1]
    assert len(exported.calls) == 2


async def test_requests_are_those_of_the_bare_client(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    more: dict[str, Any] = {"extra_body": {"metadata": {"a": "b"}}, "extra_headers": {"x-own": "1"}}
    before = copy.deepcopy(more)
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        for is_watched in (True, False):
            (clients.install if is_watched else clients.uninstall)()
            await resolve(specimen.create(client, "m-wire", **more))
            await drain(await resolve(specimen.create(client, "m-wire", stream=True, **more)))
    assert more == before
    watched, bare = provider.ledger.wait()[:2], provider.ledger.wait()[2:]
    for ours, theirs in zip(watched, bare, strict=True):
        asked = ours.body.pop("stream_options", None)
        assert asked == ({"include_usage": True} if specimen.name == "openai-chat" and ours.is_stream else None)
        assert ours.body == theirs.body
        lengths = {"content-length", "idempotency-key", "x-stainless-idempotency-key"}
        assert {k: v for k, v in ours.headers.items() if k not in lengths} == {
            k: v for k, v in theirs.headers.items() if k not in lengths
        }


async def test_a_stream_keeps_its_type_and_manners(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        stream = await resolve(specimen.create(client, "m-wire", stream=True))
        assert type(stream) is (specimen.module.AsyncStream if is_async else specimen.module.Stream)
        assert stream.response.status_code == 200
        async with entered(stream) as same:
            assert same is stream
            assert len(await drain(stream)) > 3
        assert await drain(stream) == []
        assert stream.response.is_closed
        assert stream.response.elapsed.total_seconds() > 0
    attributes = attributes_of(exported.call)
    assert attributes["gen_ai.request.stream"] is True
    assert isinstance(attributes["gen_ai.response.time_to_first_chunk"], float)
    assert tokens_of(exported.spans) == counted(provider)


async def test_exhausted_retries_are_an_error_with_every_try(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    async with entered(specimen.client(provider.url, is_async=is_async, max_retries=2)) as client:
        with pytest.raises(specimen.module.RateLimitError) as caught:
            await resolve(specimen.create(client, "m-wire@429"))
    assert "worthwhile" not in repr(caught.value.__context__)
    call, kind = exported.call, specimen.module.RateLimitError
    attributes = attributes_of(call)
    assert call.status.status_code.name == "ERROR"
    assert attributes["error.type"] == f"{kind.__module__}.{kind.__qualname__}"
    assert attributes["http.request.resend_count"] == 2
    assert attributes["http.response.status_code"] == 429
    tries = [dict(event.attributes or {}) for event in call.events]
    assert [t["worthwhile.attempt.number"] for t in tries] == [1, 2, 3]
    assert {t["http.response.status_code"] for t in tries} == {429}
    assert tries[0]["worthwhile.attempt.wait"] == 0.0
    assert all(0 < t["worthwhile.attempt.wait"] < 5 for t in tries[1:])
    assert attributes["worthwhile.usage.basis"] == "missing"
    assert tokens_of(exported.spans) == counted(provider) == {}


async def test_errors_are_those_of_the_bare_client(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    seen: list[Any] = []
    for is_watched in (True, False):
        (clients.install if is_watched else clients.uninstall)()
        for url, model in ((provider.url, "m@500"), (provider.url, "m@404"), (provider.url, "m@reset"), (nobody, "m")):
            async with entered(specimen.client(url, is_async=is_async, max_retries=0)) as client:
                with pytest.raises(specimen.module.APIError) as caught:
                    await resolve(specimen.create(client, model))
                error = caught.value
                seen.append((type(error), str(error), type(error.__cause__), str(error.__cause__)))
    assert seen[:4] == seen[4:]
    attributes = [attributes_of(call) for call in exported.calls]
    assert [a.get("http.response.status_code") for a in attributes] == [500, 404, None, None]
    assert all(a["error.type"].startswith(specimen.library) for a in attributes)
    assert [len(call.events) for call in exported.calls] == [1, 1, 1, 1]


@pytest.mark.parametrize("ending", ["error3", "drop3"])
async def test_a_stream_that_breaks_is_an_error_with_what_was_told(
    specimen: Specimen, is_async: bool, ending: str, provider: Provider, exported: Exported
) -> None:
    seen: list[Any] = []
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        for is_watched in (True, False):
            (clients.install if is_watched else clients.uninstall)()
            stream = await resolve(specimen.create(client, f"m-wire@{ending}", stream=True))
            chunks: list[Any] = []
            with pytest.raises(Exception) as caught:  # noqa: PT011 - which one is for the bare client to say
                await _drain_into(chunks, stream)
            await closed(stream)
            seen.append((type(caught.value), str(caught.value), len(chunks)))
    assert seen[0] == seen[1]
    attributes = attributes_of(exported.call)
    assert exported.call.status.status_code.name == "ERROR"
    assert attributes["error.type"] == f"{seen[0][0].__module__}.{seen[0][0].__qualname__}"
    sent = provider.ledger.wait()[0].sent
    assert tokens_of(exported.spans).get("input_tokens") == sent.input_tokens
    assert "gen_ai.usage.output_tokens" not in attributes


@pytest.mark.parametrize("leaving", ["close", "with", "drop", "drop unread", "response"])
async def test_an_abandoned_stream_has_only_what_was_told(
    specimen: Specimen, is_async: bool, leaving: str, provider: Provider, exported: Exported
) -> None:
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        stream = await resolve(specimen.create(client, "m-wire@hold3", stream=True))
        if leaving != "drop unread":
            # The server sends nothing more until we leave: a tap that read ahead would wait here.
            assert len(await drain(stream, 2)) == 2
        if leaving == "close":
            await closed(stream)
        elif leaving == "with":
            async with entered(stream):
                pass
        elif leaving == "response":
            await resolve(stream.response.aclose() if is_async else stream.response.close())
        response = stream.response
        del stream
        gc.collect()
        await asyncio.sleep(0)
        await resolve(response.aclose() if is_async else response.close())
    (entry,) = provider.ledger.wait()
    assert not entry.is_complete
    assert entry.counted.output_tokens
    assert entry.sent.output_tokens is None
    expected = {} if leaving == "drop unread" else told(provider)
    assert tokens_of(exported.spans) == expected
    attributes = attributes_of(exported.call)
    assert exported.call.status.status_code.name == "UNSET"
    assert attributes["worthwhile.usage.basis"] == ("reported" if expected else "missing")
    assert "worthwhile.cost.amount" not in attributes
    assert "gen_ai.response.finish_reasons" not in attributes


async def test_a_held_stream_ends_its_call_once(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        stream = await resolve(specimen.create(client, "m-wire", stream=True))
        await drain(stream)
        await closed(stream)
        await closed(stream)
    del stream
    gc.collect()
    assert len(exported.calls) == 1


async def test_the_call_is_current_only_while_the_client_works(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    tracer = exported.provider.get_tracer("host")
    with tracer.start_as_current_span("host") as host:
        async with entered(specimen.client(provider.url, is_async=is_async)) as client:
            await resolve(specimen.create(client, "m-wire"))
            assert trace.get_current_span() is host
            stream = await resolve(specimen.create(client, "m-wire", stream=True))
            assert trace.get_current_span() is host
            await drain(stream, 1)
            assert trace.get_current_span() is host
            await drain(stream)
    parents = [call.parent.span_id for call in exported.calls if call.parent]
    assert parents == [host.get_span_context().span_id] * 2


async def test_nothing_is_recorded_and_nothing_changed_when_off(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    ww.configure(enabled=False)
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        await drain(await resolve(specimen.create(client, "m-wire", stream=True)))
    (entry,) = provider.ledger.wait()
    assert "stream_options" not in entry.body
    assert exported.spans == []


async def test_an_unsampled_call_works_and_is_not_exported(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    ww.configure(tracer_provider=TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False))
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        whole = await resolve(specimen.create(client, "m-wire"))
        assert len(await drain(await resolve(specimen.create(client, "m-wire", stream=True)))) > 3
    assert whole.usage
    assert exported.spans == []


async def test_a_cancelled_call_is_recorded_and_stays_cancelled(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    if not is_async:
        pytest.skip("only tasks are cancelled")
    async with entered(specimen.client(provider.url, is_async=True, max_retries=0)) as client:
        waiting = asyncio.create_task(specimen.create(client, "m@hang"))
        await asyncio.to_thread(provider.ledger.wait_for_request)
        await _cancel(waiting)

        chunks: list[Any] = []
        stream = await specimen.create(client, "m@hold3", stream=True)
        chunks += await drain(stream, 2)
        reading = asyncio.create_task(_drain_into(chunks, stream))
        await asyncio.sleep(0)
        await _cancel(reading)
    assert len(exported.calls) == 2
    for call in exported.calls:
        assert attributes_of(call)["error.type"] == "asyncio.exceptions.CancelledError"
        assert "gen_ai.usage.output_tokens" not in attributes_of(call)
    assert tokens_of(exported.spans).get("input_tokens") == told(provider).get("input_tokens")


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _drain_into(chunks: list[Any], stream: Any) -> None:
    while chunk := await drain(stream, 1):
        chunks += chunk


async def test_calls_from_two_threads_do_not_mix(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    barrier = threading.Barrier(2)

    async def work(number: int) -> None:
        async with entered(specimen.client(provider.url, is_async=is_async)) as client:
            barrier.wait(10)
            for turn in range(3):
                await resolve(specimen.create(client, f"m-{number}-{turn}@429x1"))
                await drain(await resolve(specimen.create(client, f"s-{number}-{turn}", stream=True)))

    threads = [threading.Thread(target=asyncio.run, args=(work(number),)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    calls = [attributes_of(call) for call in exported.calls]
    assert sorted(a["gen_ai.response.model"] for a in calls) == sorted(
        f"{kind}-{n}-{turn}" for kind in "ms" for n in (0, 1) for turn in range(3)
    )
    assert {a.get("http.request.resend_count") for a in calls if a["gen_ai.response.model"][0] == "m"} == {1}
    assert tokens_of(exported.spans) == counted(provider)
