"""Tokens over all exported spans equal the server's own count, whatever the library's own tracing is set to."""

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace
from tests.sdk.clients.anthropic_ways import MESSAGE, WAYS, Way, made
from tests.sdk.clients.conftest import Exported, attributes_of, counted, tokens_of, told
from tests.sdk.clients.driving import drain, entered, resolve
from tests.wire.provider import Provider

import worthwhile as ww
from worthwhile import clients

NATIVE = "com.anthropic.sdk.python"


@pytest.fixture
def others() -> Exported:
    """A second tracer provider, into which nothing of ours goes."""
    return Exported()


Setting = Callable[[pytest.MonkeyPatch, Exported, Exported], dict[str, Any]]


def native_default(patch: pytest.MonkeyPatch, ours: Exported, others: Exported) -> dict[str, Any]:
    """On, as it is by default, in a host with one global provider, which worthwhile uses too."""
    patch.setattr(trace, "_TRACER_PROVIDER", ours.provider)
    return {}


def native_elsewhere(patch: pytest.MonkeyPatch, ours: Exported, others: Exported) -> dict[str, Any]:
    """On by default, in a host whose global provider is not the one that worthwhile uses."""
    patch.setattr(trace, "_TRACER_PROVIDER", others.provider)
    return {}


def native_option(patch: pytest.MonkeyPatch, ours: Exported, others: Exported) -> dict[str, Any]:
    """Asked for, with a provider of the client's own."""
    return {"open_telemetry": {"traces": True, "tracer_provider": others.provider}}


def native_environment_off(patch: pytest.MonkeyPatch, ours: Exported, others: Exported) -> dict[str, Any]:
    """Off by its variable."""
    patch.setattr(trace, "_TRACER_PROVIDER", ours.provider)
    patch.setenv("ANTHROPIC_OPEN_TELEMETRY", "false")
    return {}


def native_option_off(patch: pytest.MonkeyPatch, ours: Exported, others: Exported) -> dict[str, Any]:
    """Off by the client's option."""
    patch.setattr(trace, "_TRACER_PROVIDER", ours.provider)
    return {"open_telemetry": False}


def native_nowhere(patch: pytest.MonkeyPatch, ours: Exported, others: Exported) -> dict[str, Any]:
    """On by default, in a host without OpenTelemetry."""
    return {}


SENDS_TRACE_CONTEXT: dict[Setting, bool] = {
    native_default: True,
    native_elsewhere: True,
    native_option: True,
    native_environment_off: False,
    native_option_off: False,
    native_nowhere: False,
}


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("native", [native_default, native_option_off], ids=lambda native: native.__name__)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_tokens_are_what_the_server_counted(
    way: Way,
    native: Setting,
    is_async: bool,
    provider: Provider,
    exported: Exported,
    others: Exported,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = native(monkeypatch, exported, others)
    async with entered(made(is_async, base_url=provider.url, **options)) as client:
        await way(client)
    assert len(exported.calls) == 1
    assert tokens_of(exported.spans + others.spans) == told(provider) == counted(provider) != {}


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("native", SENDS_TRACE_CONTEXT, ids=lambda native: native.__name__)
async def test_one_span_bears_tokens_in_every_setting_of_native_tracing(
    native: Setting,
    is_async: bool,
    provider: Provider,
    exported: Exported,
    others: Exported,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = native(monkeypatch, exported, others)
    async with entered(made(is_async, base_url=provider.url, **options)) as client:
        await resolve(client.messages.create(**MESSAGE))
        await drain(await resolve(client.messages.create(**MESSAGE, stream=True)))
        settings = client.open_telemetry
    everything = exported.spans + others.spans
    assert [tokens_of([span]) != {} for span in everything] == [True, True]
    assert tokens_of(everything) == counted(provider)
    # What the library does beside its span stays: requests carry a trace context if and only if they would anyway.
    contexts = [entry.headers.get("traceparent") for entry in provider.ledger.wait()]
    if SENDS_TRACE_CONTEXT[native]:
        spans = [span.get_span_context() for span in exported.calls]
        assert contexts == [f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}" for span in spans]
    else:
        assert contexts == [None, None]
    assert settings == made(is_async, base_url=provider.url, **options).open_telemetry


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_native_spans_that_are_not_calls_of_ours_stay(
    is_async: bool,
    provider: Provider,
    exported: Exported,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    native_default(monkeypatch, exported, exported)
    question = {key: MESSAGE[key] for key in ("model", "messages")}
    async with entered(made(is_async, base_url=provider.url)) as client:
        await resolve(client.messages.count_tokens(**question))
        clients.uninstall()
        await resolve(client.messages.create(**MESSAGE))
    scopes = [span.instrumentation_scope.name for span in exported.spans if span.instrumentation_scope]
    assert scopes == [NATIVE, NATIVE]
    assert exported.spans[0].name == "anthropic.messages.count_tokens"
    assert tokens_of(exported.spans) != {}


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_native_spans_stay_while_worthwhile_is_off(
    is_async: bool, provider: Provider, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    native_default(monkeypatch, exported, exported)
    ww.configure(enabled=False)
    async with entered(made(is_async, base_url=provider.url)) as client:
        await resolve(client.messages.create(**MESSAGE))
    (span,) = exported.spans
    assert span.name == "anthropic.messages.create"
    assert tokens_of(exported.spans) != {}


def test_native_spans_of_other_requests_inside_a_call_stay(
    provider: Provider, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    native_default(monkeypatch, exported, exported)

    def ask_first(request: Any, call_next: Any) -> Any:
        with made(False, base_url=provider.url) as other:
            other.messages.count_tokens(model="claude-wire", messages=MESSAGE["messages"])
        return call_next(request)

    with made(False, base_url=provider.url, middleware=[ask_first]) as client:
        client.messages.create(**MESSAGE)
    assert [span.name for span in exported.spans] == ["anthropic.messages.count_tokens", "chat claude-wire"]


async def test_a_native_span_is_a_childs_parent_no_more_but_ours_is(
    provider: Provider, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A span that HTTP instrumentation makes inside the call hangs under the span that is exported."""
    native_default(monkeypatch, exported, exported)
    tracer = exported.provider.get_tracer("http")

    def note(request: Any) -> None:
        tracer.start_span("http").end()

    import httpx2

    http = anthropic_http(httpx2, note)
    with made(False, base_url=provider.url, http_client=http) as client:
        client.messages.create(**MESSAGE)
    (inner,) = [span for span in exported.spans if span.name == "http"]
    assert inner.parent is not None
    assert inner.parent.span_id == exported.call.get_span_context().span_id
    assert attributes_of(exported.call)["gen_ai.provider.name"] == "openai"  # as the server is mapped


def anthropic_http(module: Any, hook: Callable[[Any], None]) -> Any:
    return module.Client(event_hooks={"request": [hook]})
