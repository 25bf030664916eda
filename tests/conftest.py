"""Settings that hold for every test: no telemetry variable of the developer's shell leaks in."""

import os

import pytest


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("OTEL_", "WORTHWHILE_", "ANTHROPIC_", "OPENAI_")):
            monkeypatch.delenv(name)
