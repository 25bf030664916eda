"""What holds for every test: no telemetry variable of the developer's shell leaks in, and Ctrl-C works."""

import os
import signal

import pytest

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it puts into the background with Ctrl-C ignored, and every child inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("OTEL_", "WORTHWHILE_", "ANTHROPIC_", "OPENAI_")):
            monkeypatch.delenv(name)
