"""Start the servers that the examples talk to, on free loopback ports, and stop them again whatever happens."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [str(ROOT / part) for part in ("sdk", "schemas", "collectors", "dashboards")]

# Runs a command that the kernel ends when its parent dies, however it dies (Linux: PR_SET_PDEATHSIG is 1).
LIFELINE = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


class ChildError(Exception):
    """A program that the examples need did not start, or ended with an error."""


@dataclass(frozen=True, slots=True)
class Child:
    """A running program."""

    process: subprocess.Popen[bytes]
    command: Sequence[str]
    log: Path

    def first_line(self, patience_s: float = 60.0) -> str:
        """The first line that it prints, which is how a server here says where it is ready.

        Raises:
            ChildError: It ended before, or printed nothing for `patience_s`.
        """
        assert self.process.stdout is not None
        lines: Queue[bytes] = Queue()
        Thread(target=lambda stream: lines.put(stream.readline()), args=(self.process.stdout,), daemon=True).start()
        with contextlib.suppress(Empty):
            if line := lines.get(timeout=patience_s):
                return line.decode().strip()
        raise self.error("it did not say that it is ready")

    def written(self, path: Path, patience_s: float = 60.0) -> str:
        """What it writes into the file `path`, which is how the collector says where it is ready.

        Raises:
            ChildError: It ended before, or did not write the file within `patience_s`.
        """
        deadline = time.monotonic() + patience_s
        while self.process.poll() is None and time.monotonic() < deadline:
            if path.exists():
                return path.read_text("utf-8")
            time.sleep(0.02)
        raise self.error("it did not say that it is ready")

    def error(self, what: str) -> ChildError:
        """An error about this program, with the end of its log."""
        log = "\n".join(f"    {line}" for line in self.log.read_text(errors="replace").splitlines()[-15:])
        typed = " ".join(Path(part).name if part == sys.executable else part for part in self.command)
        return ChildError(f"running `{typed}`: {what}\n{log}")


def launch(
    command: Sequence[str], environment: Mapping[str, str], log: Path, *, stdout: int | None = subprocess.PIPE
) -> Child:
    """Start `command` in a process group of its own, so that Ctrl-C reaches only its parent; stderr goes to `log`."""
    wrapped = [sys.executable, "-c", LIFELINE, str(os.getpid()), *command]
    with log.open("ab") as stderr:
        process = subprocess.Popen(  # noqa: S603 - the command is ours
            wrapped,
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            process_group=0,
        )
    return Child(process, command, log)


def stop(process: subprocess.Popen[bytes], patience_s: float = 20.0) -> int:
    """Ask `process` to end, insist after `patience_s`, and return its exit status."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        status = process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        status = process.wait()
    if process.stdout:
        process.stdout.close()
    return status


@contextlib.contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[Child]:
    """Run a program for the duration of the block."""
    child = launch(command, environment, log)
    try:
        yield child
    finally:
        stop(child.process)


def run(command: Sequence[str], environment: Mapping[str, str], log: Path, patience_s: float = 120.0) -> bytes:
    """Run a program to its end and return what it printed.

    Raises:
        ChildError: It ended with an error, or not within `patience_s`.
    """
    with running(command, environment, log) as child:
        try:
            printed, _ = child.process.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired:
            raise child.error(f"it is not done after {patience_s:.0f} s") from None
        if child.process.returncode != 0:
            raise child.error(f"its exit status is `{child.process.returncode}`, expected 0")
    return printed


def show(command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """Run a program to its end; what it prints goes where our own output goes.

    Raises:
        ChildError: It ended with an error.
    """
    sys.stdout.flush()
    child = launch(command, environment, log, stdout=None)
    try:
        status = child.process.wait()
    finally:
        stop(child.process)
    if status != 0:
        raise child.error(f"its exit status is `{status}`, expected 0")


def program(name: str, *arguments: str) -> list[str]:
    """The command that runs one of our Python files."""
    return [sys.executable, str(ROOT / name), *arguments]


def worthwhile(*arguments: str) -> list[str]:
    """The command that runs the `worthwhile` command line."""
    return [sys.executable, "-m", "worthwhile_collectors.cli", *arguments]


def base_environment() -> dict[str, str]:
    """This process's environment without any setting that would send telemetry or model calls elsewhere."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "WORTHWHILE_", "OPENAI_", "ANTHROPIC_"))
        and name.lower() not in {"http_proxy", "https_proxy", "all_proxy"}
    }
    path = [*SOURCES, *filter(None, [os.environ.get("PYTHONPATH", "")])]
    return kept | {"PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}
