"""Starts receivers and emitters for the benchmarks of delivery, and gathers what they say."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


class Receiver:
    """A receiver in a process of its own."""

    def __init__(self, mode: str, port: int = 0) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "receiver.py"), mode, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self._process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self) -> dict[str, int]:
        """End it; what it has seen."""
        told, _ = self._process.communicate(timeout=30)
        return json.loads(told)


@contextmanager
def receiving(mode: str) -> Iterator[Receiver]:
    """A receiver for the length of a block."""
    receiver = Receiver(mode)
    try:
        yield receiver
    finally:
        if receiver._process.poll() is None:
            receiver.close()


def environment(state: str) -> dict[str, str]:
    """Variables for a measured process: our sources, a state folder of its own, no telemetry setting of the shell's.

    Compiled modules are kept, as those of an installed package are.
    """
    dropped = ("OTEL_", "WORTHWHILE_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    sources = os.pathsep.join(str(ROOT / package) for package in ("sdk", "schemas"))
    return {**kept, "PYTHONPATH": sources, "XDG_STATE_HOME": state, "OTEL_SERVICE_NAME": "bench"}


def emit(pipe: str, endpoint: str, **options: float) -> dict[str, Any]:
    """Run `emitting.py`; what it says, and `exit_s`, the seconds from its last line to its end."""
    arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    with tempfile.TemporaryDirectory() as state:
        process = subprocess.Popen(
            [sys.executable, str(HERE / "emitting.py"), "--pipe", pipe, "--endpoint", endpoint, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(state),
        )
        told = process.stdout.read()
        began = time.perf_counter()
        _, errors = process.communicate(timeout=120)
        exit_s = time.perf_counter() - began
    if not told:
        raise RuntimeError(f"emitting through {pipe}: {errors.decode()[-600:]}")
    return {**json.loads(told), "exit_s": exit_s}
