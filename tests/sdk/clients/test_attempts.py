"""Each HTTP try of a call is seen, whatever the client does silently, and no other request is."""

import itertools
from typing import Any

import pytest
from tests.sdk.clients.conftest import Exported, attributes_of
from tests.sdk.clients.driving import drain, entered, resolve
from tests.sdk.clients.specimens import SPECIMENS, Specimen
from tests.wire.provider import Provider

from worthwhile import _clock

pytestmark = [
    pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda specimen: specimen.name),
    pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"]),
]


def tries_of(exported: Exported) -> list[dict[str, Any]]:
    return [dict(event.attributes or {}) for event in exported.call.events]


async def test_silent_retries_are_seen(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        await resolve(specimen.create(client, "m@429x2"))
    tries = tries_of(exported)
    assert [event.name for event in exported.call.events] == ["worthwhile.attempt"] * 3
    assert [(t["worthwhile.attempt.number"], t["http.response.status_code"]) for t in tries] == [
        (1, 429),
        (2, 429),
        (3, 200),
    ]
    assert all("error.type" not in t for t in tries)
    assert attributes_of(exported.call)["http.request.resend_count"] == 2
    assert attributes_of(exported.call)["http.response.status_code"] == 200
    assert exported.call.status.status_code.name == "UNSET"
    span_ns = (exported.call.end_time or 0) - (exported.call.start_time or 0)
    spent = sum(t["worthwhile.attempt.duration"] + t["worthwhile.attempt.wait"] for t in tries)
    assert 0 < spent * 1e9 <= span_ns
    stamps = [event.timestamp for event in exported.call.events]
    assert stamps == sorted(stamps)
    assert (exported.call.start_time or 0) <= stamps[0]


async def test_a_stream_is_retried_before_it_begins(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        await drain(await resolve(specimen.create(client, "m@500x1", stream=True)))
    assert [t["http.response.status_code"] for t in tries_of(exported)] == [500, 200]


async def test_a_try_without_an_answer_has_its_error(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    async with entered(specimen.client(provider.url, is_async=is_async, max_retries=1)) as client:
        with pytest.raises(specimen.module.APIConnectionError):
            await resolve(specimen.create(client, "m@reset"))
    tries = tries_of(exported)
    assert [t["worthwhile.attempt.number"] for t in tries] == [1, 2]
    assert all(t["error.type"].startswith("httpx") for t in tries)
    assert all("http.response.status_code" not in t for t in tries)


async def test_one_good_try_leaves_no_event(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        await resolve(specimen.create(client, "m"))
    assert tries_of(exported) == []
    assert "http.request.resend_count" not in attributes_of(exported.call)


async def test_tries_of_one_call_are_not_those_of_the_next(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        await resolve(specimen.create(client, "m@429x1"))
        await resolve(specimen.create(client, "m@429x1"))
    numbers = [[dict(e.attributes or {})["worthwhile.attempt.number"] for e in call.events] for call in exported.calls]
    assert numbers == [[1, 2], [1, 2]]


async def test_requests_that_are_not_tries_are_not_counted(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    """A credential that the host fetches in the middle of a call goes through the same HTTP library."""
    kind = next(k for k in type(specimen.client("http://x", is_async=False)._client).__mro__ if k.__name__ == "Client")
    http = __import__(kind.__module__.partition(".")[0])

    def fetch(request: Any) -> None:
        with http.Client() as other:
            other.get(f"{provider.url}/token")

    async def fetch_async(request: Any) -> None:
        fetch(request)

    hooks = {"request": [fetch_async if is_async else fetch]}
    inner = (http.AsyncClient if is_async else http.Client)(event_hooks=hooks)
    async with entered(specimen.client(provider.url, is_async=is_async, http_client=inner)) as client:
        await resolve(specimen.create(client, "m@429x1"))
    assert [t["http.response.status_code"] for t in tries_of(exported)] == [429, 200]


async def test_the_wait_before_a_try_is_the_clients_back_off(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count(0, 10)
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        with monkeypatch.context() as clock:
            clock.setattr(_clock, "perf_ns", lambda: next(seconds) * 1_000_000_000)
            await resolve(specimen.create(client, "m@429x1"))
    first, second = tries_of(exported)
    assert (first["worthwhile.attempt.duration"], first["worthwhile.attempt.wait"]) == (10.0, 0.0)
    assert (second["worthwhile.attempt.duration"], second["worthwhile.attempt.wait"]) == (10.0, 10.0)


async def test_time_lost_between_tries_is_on_the_call(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        await resolve(specimen.create(client, "m@500x2"))
        await resolve(specimen.create(client, "m"))
    retried, plain = map(attributes_of, exported.calls)
    waits = [dict(event.attributes or {})["worthwhile.attempt.wait"] for event in exported.calls[0].events]
    assert retried["worthwhile.retry.wait"] == pytest.approx(sum(waits))
    assert retried["worthwhile.retry.wait"] > 0
    assert "worthwhile.retry.wait" not in plain


async def test_whether_a_try_is_billed(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    async with entered(specimen.client(provider.url, is_async=is_async, max_retries=1)) as client:
        await resolve(specimen.create(client, "m@429x1"))
        for script in ("504", "reset"):
            with pytest.raises(specimen.module.APIError):
                await resolve(specimen.create(client, f"m@{script}"))
    async with entered(specimen.client("http://127.0.0.1:1", is_async=is_async, max_retries=0)) as client:
        with pytest.raises(specimen.module.APIConnectionError):
            await resolve(specimen.create(client, "m"))
    found = [
        [dict(e.attributes or {}).get("worthwhile.attempt.billed") for e in call.events] for call in exported.calls
    ]
    assert found == [[False, True], [None, None], [None, None], [False]]
