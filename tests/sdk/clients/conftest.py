"""A provider server, and every span that a test exports, whoever made it."""

import gc
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.sdk.conftest import start_afresh
from tests.wire.ledger import total
from tests.wire.provider import Provider

import worthwhile as ww
from worthwhile import _settings, _streams, clients

collect_ignore_glob = [
    f"test_{library}*.py" for library in ("openai", "anthropic") if importlib.util.find_spec(library) is None
]


@pytest.fixture(scope="module", autouse=True)
def _nothing_left_of_others() -> None:
    """What a module before has recorded for a receiver that is gone would make every flush wait for it."""
    start_afresh()


KINDS = {
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "gen_ai.usage.cache_read.input_tokens": "cache_read_tokens",
    "gen_ai.usage.cache_write.input_tokens": "cache_write_tokens",
    "worthwhile.usage.cache_write_1h.input_tokens": "cache_write_1h_tokens",
    "gen_ai.usage.reasoning.output_tokens": "reasoning_tokens",
    "worthwhile.usage.web_searches": "web_searches",
}


@dataclass
class Exported:
    """What one tracer provider has exported, and that provider."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    provider: TracerProvider = field(default_factory=lambda: TracerProvider(shutdown_on_exit=False))

    def __post_init__(self) -> None:
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    @property
    def spans(self) -> list[ReadableSpan]:
        """Every finished span, once the calls of dropped streams have ended."""
        assert _streams.settle_dropped(20)
        return list(self.exporter.get_finished_spans())

    @property
    def calls(self) -> list[ReadableSpan]:
        """Our call spans."""
        return [span for span in self.spans if (span.attributes or {}).get("worthwhile.span.type") == "call"]

    @property
    def call(self) -> ReadableSpan:
        """The only call span there is."""
        (call,) = self.calls
        return call


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    """The attributes of a span."""
    return dict(span.attributes or {})


def tokens_of(spans: list[ReadableSpan]) -> dict[str, int]:
    """The sum of each kind of token over every span that bears any."""
    sums: dict[str, int] = {}
    for span in spans:
        for key, value in attributes_of(span).items():
            if key in KINDS:
                sums[KINDS[key]] = sums.get(KINDS[key], 0) + value
    return sums


def told(provider: Provider) -> dict[str, int]:
    """The sum of each kind of token that the server has told its clients."""
    return total([entry.sent for entry in provider.ledger.wait()])


def counted(provider: Provider) -> dict[str, int]:
    """The sum of each kind of token that the server has counted."""
    return total([entry.counted for entry in provider.ledger.wait()])


@pytest.fixture(scope="session", autouse=True)
def _quick_clients() -> Iterator[None]:
    """Spare every new client the 30 ms of loading all root certificates, and every `gc.collect` the old objects."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(Path(__file__).with_name("root.pem")))
        gc.collect()
        gc.freeze()
        yield
        gc.unfreeze()


@pytest.fixture(scope="session")
def server() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


@pytest.fixture
def provider(server: Provider) -> Provider:
    server.ledger.wait()
    server.ledger.clear()
    return server


@pytest.fixture
def exported(provider: Provider) -> Iterator[Exported]:
    """Our spans, made by a host's provider; the wire server is mapped to a provider that takes `include_usage`."""
    found = Exported()
    clients.install()
    ww.configure(endpoints={f"127.0.0.1:{provider.port}": "openai/frontier"}, tracer_provider=found.provider)
    yield found
    clients.install()
    _settings.forget()
