"""What the host-transparency tests share: everything recorded in memory, errors of ours swallowed as in production."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import context
from tests.wire.provider import Provider

import worthwhile as ww
from worthwhile import _guard, _settings, clients, testing


@pytest.fixture
def captured() -> Iterator[testing.Captured]:
    """Everything recorded, and the promise that it is recorded without one internal error."""
    before = _guard.internal_errors
    with testing.capture() as collected:
        yield collected
    assert _guard.internal_errors == before


@pytest.fixture
def production() -> Iterator[None]:
    """Internal errors are swallowed, logged and counted, as in production."""
    with testing.swallowing_errors():
        _guard._seen.clear()
        yield
    _guard._seen.clear()


@pytest.fixture(autouse=True)
def _nothing_stays_current() -> Iterator[None]:
    """No test leaves a task, a span or anything else current for the next one to trip over."""
    before = context.get_current()
    yield
    after = context.get_current()
    if after != before:
        context.attach(before)
    assert after == before


@pytest.fixture(scope="session", autouse=True)
def _quick_clients() -> Iterator[None]:
    """Spare every client the loading of all root certificates, and every `gc.collect` the objects of other tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(Path(__file__).parents[1] / "sdk" / "clients" / "root.pem"))
        gc.collect()
        gc.freeze()
        yield
        gc.unfreeze()


@pytest.fixture(scope="session")
def server() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


@pytest.fixture
def provider(server: Provider) -> Iterator[Provider]:
    """A provider on loopback that our endpoint table knows, with every client watched, also afterwards."""
    server.ledger.wait()
    server.ledger.clear()
    clients.install()
    ww.configure(endpoints={f"127.0.0.1:{server.port}": "openai/frontier"})
    yield server
    clients.install()
    _settings.forget()
