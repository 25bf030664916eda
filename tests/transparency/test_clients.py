"""The model clients behave as they do unwatched: methods, subclasses, patches of others, streams, and their memory."""

import asyncio
import functools
import gc
import inspect
import pickle
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from tests.sdk.clients.driving import closed, drain, entered, resolve
from tests.sdk.clients.specimens import SPECIMENS, Specimen
from tests.transparency.evil import Evil
from tests.wire.provider import Provider

import worthwhile as ww
from worthwhile import _streams, clients
from worthwhile.testing import Captured

LIBRARIES = list({specimen.library: specimen for specimen in SPECIMENS}.values())

each_specimen = pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda specimen: specimen.name)
each_library = pytest.mark.parametrize("specimen", LIBRARIES, ids=lambda specimen: specimen.library)
sync_and_async = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


@pytest.fixture(autouse=True)
def _watched(provider: Provider, captured: Captured) -> None:
    """Every test here runs watched, unless it takes the patches out itself."""


def request_method(specimen: Specimen, *, is_async: bool) -> Any:
    base = specimen.module._base_client
    return (base.AsyncAPIClient if is_async else base.SyncAPIClient).__dict__["request"]


@each_library
@sync_and_async
def test_the_patched_method_looks_like_the_original(specimen: Specimen, is_async: bool) -> None:
    within = request_method(specimen, is_async=is_async)
    clients.uninstall()
    without = request_method(specimen, is_async=is_async)
    clients.install()
    assert within is not without
    assert (within.__name__, within.__qualname__, within.__doc__, within.__module__) == (
        without.__name__,
        without.__qualname__,
        without.__doc__,
        without.__module__,
    )
    assert inspect.signature(within) == inspect.signature(without)
    assert inspect.iscoroutinefunction(within) == inspect.iscoroutinefunction(without) == is_async


@each_library
def test_public_methods_are_not_touched_at_all(specimen: Specimen) -> None:
    client = specimen.client("http://127.0.0.1:9", is_async=False)
    resource = client.messages if specimen.library == "anthropic" else client.chat.completions
    within = type(resource).__dict__["create"]
    clients.uninstall()
    assert type(resource).__dict__["create"] is within
    assert inspect.isfunction(within)


@each_specimen
@sync_and_async
async def test_uninstalling_restores_what_was_there(
    specimen: Specimen, is_async: bool, captured: Captured, provider: Provider
) -> None:
    clients.uninstall()
    original = request_method(specimen, is_async=is_async)
    for _ in range(3):
        clients.install()
        assert request_method(specimen, is_async=is_async) is not original
        clients.uninstall()
        assert request_method(specimen, is_async=is_async) is original
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        await resolve(specimen.create(client, "m-wire"))
    assert captured.calls == []


@each_specimen
@sync_and_async
async def test_a_subclass_that_overrides_request_is_seen_once(
    specimen: Specimen, is_async: bool, provider: Provider, captured: Captured
) -> None:
    seen: list[str] = []
    kind = getattr(specimen.module, specimen.kinds[is_async])

    class Own(kind):  # type: ignore[misc, valid-type]
        def request(self, *args: Any, **kwargs: Any) -> Any:
            seen.append("own")
            return super().request(*args, **kwargs)

    async with entered(Own(api_key="k", base_url=provider.url + specimen.path)) as client:
        answer = await resolve(specimen.create(client, "m-wire"))
    assert type(answer).__name__ in ("ChatCompletion", "Response", "Message", "BetaMessage")
    assert seen == ["own"]
    assert len(captured.calls) == 1


@each_specimen
@sync_and_async
@pytest.mark.parametrize("order", ["before us", "after us"])
async def test_a_host_that_patches_the_same_method_gets_every_call(
    specimen: Specimen, is_async: bool, order: str, provider: Provider, captured: Captured, monkeypatch: Any
) -> None:
    """Tracers and test doubles of others do so; ours may come first or last, and may leave first or last."""
    seen: list[str] = []
    base = specimen.module._base_client
    owner = base.AsyncAPIClient if is_async else base.SyncAPIClient
    if order == "before us":
        clients.uninstall()
    original = owner.__dict__["request"]

    @functools.wraps(original)
    def patched(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append("patched")
        return original(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(owner, "request", patched)
        clients.install()
        async with entered(specimen.client(provider.url, is_async=is_async)) as client:
            await resolve(specimen.create(client, "m-wire"))
            assert (len(seen), len(captured.calls)) == (1, 1)
            clients.uninstall()
            await resolve(specimen.create(client, "m-wire"))
            assert (len(seen), len(captured.calls)) == (2, 1)
    clients.uninstall()


@each_specimen
@sync_and_async
async def test_a_replaced_method_is_the_hosts_business(
    specimen: Specimen, is_async: bool, provider: Provider, captured: Captured
) -> None:
    """A test double in the place of `create` makes no call, and gets none from us."""
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        resource = client.messages if specimen.name.startswith("anthropic") else client.responses
        double = lambda **kwargs: sorted(kwargs)  # noqa: E731
        resource.create = double
        assert resource.create(model="m", input="x") == ["input", "model"]
    assert captured.calls == []


@each_specimen
@sync_and_async
async def test_methods_bound_and_copies_made_before_installing_are_watched_and_unwatched(
    specimen: Specimen, is_async: bool, provider: Provider, captured: Captured
) -> None:
    clients.uninstall()
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        copy = client.with_options(timeout=30.0, max_retries=1)
        partial = functools.partial(specimen.create, copy, "m-wire")
        clients.install()
        await resolve(partial())
        assert len(captured.calls) == 1
        clients.uninstall()
        await resolve(partial())
        assert len(captured.calls) == 1
        assert (copy.timeout, copy.max_retries) == (30.0, 1)


@each_specimen
@sync_and_async
async def test_the_first_chunk_arrives_before_the_second_is_asked_for(
    specimen: Specimen, is_async: bool, provider: Provider, captured: Captured
) -> None:
    """The server holds the stream after one event; whoever read ahead would wait for ever."""
    async with entered(specimen.client(provider.url, is_async=is_async, timeout=20.0)) as client:
        stream = await resolve(specimen.create(client, "m-wire@hold1", stream=True))
        assert len(await drain(stream, 1)) == 1
        await closed(stream)


@each_specimen
@sync_and_async
async def test_an_answer_goes_when_the_host_drops_it(
    specimen: Specimen, is_async: bool, provider: Provider, captured: Captured
) -> None:
    left: list[list[bool]] = []
    for is_watched in (True, False):
        (clients.install if is_watched else clients.uninstall)()
        async with entered(specimen.client(provider.url, is_async=is_async)) as client:
            answer = await resolve(specimen.create(client, "m-wire"))
            stream = await resolve(specimen.create(client, "m-wire", stream=True))
            chunk = (await drain(stream))[-1]
            watchers = [weakref.ref(each) for each in (answer, stream, chunk)]
            del answer, stream, chunk
            assert _streams.settle_dropped(20)
            gc.collect()
            left.append([watcher() is None for watcher in watchers])
    assert left[0] == left[1]
    assert len(captured.calls) == 2


@each_specimen
@sync_and_async
async def test_what_the_host_sends_goes_when_the_host_drops_it(
    specimen: Specimen, is_async: bool, provider: Provider, captured: Captured
) -> None:
    class Header(str):
        __slots__ = ("__weakref__",)

    headers = {"x-own": Header("1")}
    watcher = weakref.ref(headers["x-own"])
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        await resolve(specimen.create(client, "m-wire", extra_headers=headers))
    del headers, client
    gc.collect()
    assert watcher() is None


@each_specimen
@sync_and_async
@pytest.mark.parametrize(
    "evil",
    [{"temperature": Evil()}, {"metadata": {"a": Evil()}}, {"extra_body": {"x": Evil()}}],
    ids=lambda more: next(iter(more)),
)
async def test_a_request_that_cannot_be_sent_fails_as_ever(
    specimen: Specimen, is_async: bool, evil: Any, provider: Provider, captured: Captured
) -> None:
    errors: list[Any] = []
    async with entered(specimen.client(provider.url, is_async=is_async, max_retries=0)) as client:
        for is_watched in (True, False):
            (clients.install if is_watched else clients.uninstall)()
            try:
                await resolve(specimen.create(client, "m-wire", **evil))
            except BaseException as error:
                errors.append(type(error))
    assert len(errors) == 2
    assert errors[0] is errors[1]


@each_specimen
@sync_and_async
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, MemoryError, RuntimeError])
async def test_an_error_in_the_middle_of_a_call_is_the_same_object(
    specimen: Specimen, is_async: bool, error: type[BaseException], provider: Provider, captured: Captured
) -> None:
    raised = error("in the transport")

    def interrupt(*args: Any) -> Any:
        raise raised

    async with entered(specimen.client(provider.url, is_async=is_async, max_retries=0)) as client:
        hooks = client._client.event_hooks

        async def interrupt_later(*args: Any) -> Any:
            raise raised

        client._client.event_hooks = {**hooks, "request": [interrupt_later if is_async else interrupt]}
        try:
            await resolve(specimen.create(client, "m-wire"))
        except BaseException as seen:
            root: BaseException = seen
            while root is not raised and root.__cause__ is not None:
                root = root.__cause__
            assert root is raised
    assert ww.current_task() is None
    assert [call.attributes.get("error.type") is not None for call in captured.calls] == [True]


@each_specimen
def test_threads_that_share_a_client_get_their_own_answers(
    specimen: Specimen, provider: Provider, captured: Captured
) -> None:
    answers: dict[int, str] = {}
    with specimen.client(provider.url, is_async=False) as client:

        def work(number: int) -> None:
            answers[number] = specimen.create(client, f"m-wire-{number}").model

        threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == {number: f"m-wire-{number}" for number in range(16)}
    assert len(captured.calls) == 16


@each_specimen
@sync_and_async
async def test_a_stream_handed_to_another_thread_or_task_goes_on_there(
    specimen: Specimen, is_async: bool, provider: Provider, captured: Captured
) -> None:
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        with ww.task("begins it"):
            stream = await resolve(specimen.create(client, "m-wire", stream=True))
        found: list[Any] = []
        if is_async:
            found = await asyncio.create_task(drain(stream))
        else:
            thread = threading.Thread(target=lambda: found.extend(stream))
            thread.start()
            thread.join()
    assert len(found) > 2
    assert captured.calls[0].parent_id == captured.tasks[0].span_id


@each_specimen
async def test_answers_pickle_and_compare_as_ever(specimen: Specimen, provider: Provider) -> None:
    with specimen.client(provider.url, is_async=False) as client:
        answer = specimen.create(client, "m-wire")
        assert pickle.loads(pickle.dumps(answer)) == answer
        assert type(answer).model_validate(answer.model_dump()) == answer
        clients.uninstall()
        assert set(vars(answer)) == set(vars(specimen.create(client, "m-wire")))


@each_specimen
async def test_a_stream_inside_a_watched_generator_is_closed_with_it(
    specimen: Specimen, provider: Provider, captured: Captured
) -> None:
    """The usual shape of an application: a generator of the host's own around the client's stream."""
    with specimen.client(provider.url, is_async=False) as client:

        @ww.task
        def chunks() -> Iterator[Any]:
            with specimen.create(client, "m-wire", stream=True) as stream:
                yield from stream

        generator = chunks()
        next(generator)
        generator.close()
    assert _streams.settle_dropped(20)
    assert len(captured.calls) == 1
    assert captured.tasks[0].attributes["worthwhile.task.status"] == "abandoned"
