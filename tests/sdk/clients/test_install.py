"""Adaptors come at any time, in any order, once, and go without a trace."""

import json
import subprocess
import sys
import textwrap
from types import ModuleType
from typing import Any

import pytest
import wrapt
from tests.sdk.clients.conftest import Exported, tokens_of
from tests.sdk.clients.driving import drain, entered, resolve
from tests.sdk.clients.specimens import SPECIMENS, Specimen
from tests.wire.provider import Provider

from worthwhile import _guard, clients, testing

each_specimen = pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda specimen: specimen.name)

each_library = pytest.mark.parametrize(
    "specimen", {specimen.library: specimen for specimen in SPECIMENS}.values(), ids=lambda specimen: specimen.library
)

CREATE = {
    "openai": ("responses.create", "input='hi'"),
    "anthropic": ("beta.messages.create", "max_tokens=9, messages=[{'role': 'user', 'content': 'hi'}]"),
}


@each_library
@pytest.mark.parametrize("is_client_first", [True, False], ids=["client first", "worthwhile first"])
def test_the_order_of_imports_does_not_matter(specimen: Specimen, is_client_first: bool, provider: Provider) -> None:
    create, arguments = CREATE[specimen.library]
    url = provider.url + specimen.path
    made = f"{specimen.library}.{specimen.kinds[0]}(api_key='k', base_url={url!r})"
    steps = [f"import {specimen.library}; create = {made}.{create}", "import worthwhile as ww; ww.configure()"]
    script = f"""
        {steps[not is_client_first]}
        {steps[is_client_first]}
        import json
        from worthwhile import testing
        with testing.capture() as captured:
            create(model="m-wire", {arguments})
            for _ in create(model="m-wire@429x1", stream=True, {arguments}):
                pass
        print(json.dumps([[span.name, len(span.events)] for span in captured.calls]))
    """
    assert json.loads(_run(script)) == [["chat m-wire", 0], ["chat m-wire@429x1", 2]]


def test_the_adaptors_import_no_client() -> None:
    script = """
        import sys, worthwhile as ww
        ww.configure()
        print([name for name in ("openai", "anthropic", "httpx", "httpx2", "pydantic") if name in sys.modules])
    """
    assert _run(script) == "[]\n"


@each_library
def test_streams_left_open_at_exit_end_their_calls_without_noise(specimen: Specimen, provider: Provider) -> None:
    create, arguments = CREATE[specimen.library]
    script = f"""
        import gc, {specimen.library}
        import worthwhile as ww
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
        host = TracerProvider()
        host.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=lambda span: span.name + ";")))
        ww.configure(tracer_provider=host)
        client = {specimen.library}.{specimen.kinds[0]}(api_key="k", base_url={provider.url + specimen.path!r})
        models = ("dropped", "in a cycle", "open")
        streams = [client.{create}(model=model, stream=True, {arguments}) for model in models]
        print([next(stream) is None for stream in streams])
        del streams[0]
        cycle = [streams.pop(0)]
        cycle.append(cycle)
        del cycle
    """
    done = _finished(script)
    printed, _, spans = done.stdout.partition("\n")
    assert (printed, done.stderr, done.returncode) == ("[False, False, False]", "", 0)
    assert sorted(spans.split(";")) == ["", "chat dropped", "chat in a cycle", "chat open"]


def _run(script: str) -> str:
    done = _finished(script)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _finished(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, check=False
    )


@each_specimen
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_uninstall_restores_and_install_returns(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported
) -> None:
    base = specimen.module._base_client
    patched = [base.SyncAPIClient.__dict__["request"], base.AsyncAPIClient.__dict__["request"]]
    assert all(method.__wrapped__.__qualname__ == method.__qualname__ for method in patched)
    clients.install()
    assert [base.SyncAPIClient.__dict__["request"], base.AsyncAPIClient.__dict__["request"]] == patched
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        clients.uninstall()
        assert [base.SyncAPIClient.request, base.AsyncAPIClient.request] == [m.__wrapped__ for m in patched]
        await resolve(specimen.create(client, "bare"))
        clients.install()
        await resolve(specimen.create(client, "watched"))
    assert [call.name for call in exported.calls] == ["chat watched"]


@each_specimen
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_a_wrapper_that_outlives_uninstall_passes_through(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = specimen.module._base_client
    async with entered(specimen.client(provider.url, is_async=is_async)) as client:
        with monkeypatch.context() as others:
            for kind in (base.SyncAPIClient, base.AsyncAPIClient):
                others.setattr(kind, "request", wrapt.FunctionWrapper(kind.__dict__["request"], _pass_on))
            clients.uninstall()
            await drain(await resolve(specimen.create(client, "m-wire", stream=True)))
        (entry,) = provider.ledger.wait()
        assert "stream_options" not in entry.body
        assert exported.spans == []
        assert base.SyncAPIClient.__dict__["request"].__wrapped__ is not None
        clients.install()
        await resolve(specimen.create(client, "m-wire"))
    assert len(exported.calls) == 1


def _pass_on(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    return wrapped(*args, **kwargs)


async def test_a_stream_that_outlives_uninstall_is_still_counted(provider: Provider, exported: Exported) -> None:
    specimen = SPECIMENS[0]
    async with entered(specimen.client(provider.url, is_async=False)) as client:
        stream = specimen.create(client, "m-wire", stream=True)
        clients.uninstall()
        await drain(stream)
    assert tokens_of(exported.spans) != {}


@pytest.mark.parametrize("version", ["1.99.0", "9.0.0", "", "unknown"])
def test_a_version_that_no_adaptor_knows_is_left_alone(
    version: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_guard, "_seen", set())
    module = ModuleType("someclient")
    module.__version__ = version  # type: ignore[attr-defined]
    client = clients.Client("someclient", "some-client", (2, 3), "worthwhile.clients.absent")
    clients._patch(client, module, clients._Installation())
    assert caplog.messages == [f"calls of some-client {version} are not recorded: the adaptor knows 2.x and 3.x"]


@each_specimen
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(
    "broken",
    ["clients._base.begin", "clients._base.Call.prepare", "_streams.Reading.begin", "clients._base.endpoint"],
)
async def test_an_error_of_ours_never_reaches_the_host(
    specimen: Specimen,
    is_async: bool,
    broken: str,
    provider: Provider,
    exported: Exported,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("ours")

    monkeypatch.setattr(_guard, "_seen", set())
    monkeypatch.setattr(f"worthwhile.{broken}", fail)
    with testing.swallowing_errors():
        async with entered(specimen.client(provider.url, is_async=is_async)) as client:
            whole = await resolve(specimen.create(client, "m-wire"))
            chunks = await drain(await resolve(specimen.create(client, "m-wire", stream=True)))
    assert whole.usage
    assert len(chunks) > 3
    if broken == "_streams.Reading.begin":
        assert len(exported.calls) == 2
    assert "because of an internal error" in caplog.text


@each_specimen
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_a_chunk_that_breaks_our_reading_still_reaches_the_host(
    specimen: Specimen, is_async: bool, provider: Provider, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> Any:
        raise RuntimeError("ours")

    monkeypatch.setattr(f"worthwhile.clients.{specimen.library}.fields", fail)
    monkeypatch.setattr(f"worthwhile.clients._{specimen.library}_streams.fields", fail)
    with testing.swallowing_errors():
        async with entered(specimen.client(provider.url, is_async=is_async)) as client:
            chunks = await drain(await resolve(specimen.create(client, "m-wire", stream=True)))
            clients.uninstall()
            assert len(chunks) >= len(await drain(await resolve(specimen.create(client, "m-wire", stream=True))))
