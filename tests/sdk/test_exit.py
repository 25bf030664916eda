"""How processes end, and what the next one delivers of what they could not: nothing lost, nothing twice in totals."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.sdk.conftest import SOURCES, Receiver, Reply

EXIT = """
import atexit, sys, time

def tell():
    sys.stdout.write(f"{time.perf_counter() - started:.3f}")

atexit.register(tell)  # runs last, because it was registered first
import logging
logging.basicConfig(level=logging.INFO)
import worthwhile as ww

for number in range(1000):
    with ww.task(f"t{number:03d}") as t:
        t.accept()
started = time.perf_counter()
"""

DELIVER = """
import time
import worthwhile as ww

with ww.task("next"):
    pass
deadline = time.monotonic() + 30
while ww.stats().recovered < {count} and time.monotonic() < deadline:
    ww.flush(1)
    time.sleep(0.01)
assert ww.stats().recovered == {count}, ww.stats()
"""


@pytest.fixture
def address(receiver: Receiver) -> Iterator[Callable[[str], str]]:
    """Has the receiver's own address be one where things go wrong in a certain way, until `contextlib.close`."""
    with contextlib.ExitStack() as stack:

        def make(kind: str) -> str:
            if kind == "503":
                receiver.status = 503
                return receiver.url
            if kind == "refused":
                return "http://127.0.0.1:9"
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64 if kind == "silent" else 0))
            if kind == "black hole":
                for _ in range(4):  # the queue of connections is full, and what knocks gets no answer
                    knocking = stack.enter_context(socket.socket())
                    knocking.setblocking(False)
                    with contextlib.suppress(BlockingIOError):
                        knocking.connect(server.getsockname())
            return f"http://127.0.0.1:{server.getsockname()[1]}"

        yield make


@pytest.mark.parametrize("kind", ["refused", "silent", "503", "black hole"])
def test_an_exit_without_a_receiver_is_short_and_keeps_everything(
    run_program: Any, address: Callable[[str], str], kind: str
) -> None:
    url = address(kind)
    done = run_program(EXIT, OTEL_EXPORTER_OTLP_ENDPOINT=url)
    assert done.returncode == 0
    assert float(done.stdout) < 2.6
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert (
        f"2000 spans and signals are kept for the next process to deliver: they could not be delivered to {url}"
        in (lines[0])
    )
    assert "worthwhile up" in lines[0]


def test_a_receiver_that_is_known_to_be_away_is_not_waited_for(run_program: Any, receiver: Receiver) -> None:
    receiver.judge = lambda path, body: Reply(503, {"Retry-After": "60"})
    done = run_program(EXIT, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, WORTHWHILE_EXIT_TIMEOUT="30")
    assert float(done.stdout) < 15


def test_the_next_process_delivers_what_was_kept(run_program: Any, receiver: Receiver, tmp_path: Path) -> None:
    receiver.status = 503
    run_program(EXIT, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    receiver.status = 200
    done = run_program(DELIVER.format(count=2000), OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert receiver.task_names() == ["next", *(f"t{number:03d}" for number in range(1000))]
    assert len(receiver.signals) == 1000
    assert list(tmp_path.rglob("*.seg")) == []


def test_two_processes_that_start_together_deliver_it_once(
    run_program: Any, receiver: Receiver, tmp_path: Path
) -> None:
    receiver.status = 503
    for _ in range(4):
        run_program(EXIT, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    receiver.status = 200
    program = tmp_path / "adopter.py"
    program.write_text("import time, worthwhile as ww\nwith ww.task('next'): pass\nww.flush(20)\ntime.sleep(1.5)\n")
    environment = {"PYTHONPATH": ":".join(SOURCES), "HOME": str(tmp_path), "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
    adopters = [subprocess.Popen([sys.executable, program], env=environment) for _ in range(2)]
    assert [adopter.wait(60) for adopter in adopters] == [0, 0]
    run_program(DELIVER.format(count=0) + "\ntime.sleep(1.5)\n", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    ids = Counter(span.span_id for span in receiver.spans if span.name != "invoke_workflow next")
    assert len(ids) == 4000
    assert set(ids.values()) == {1}


def test_with_the_spool_off_an_exit_says_what_is_lost(run_program: Any, tmp_path: Path) -> None:
    done = run_program(EXIT, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", WORTHWHILE_SPOOL="off")
    assert "2000 spans and signals were lost" in done.stderr
    assert not (tmp_path / ".local").exists()


@pytest.mark.parametrize("home", ["/proc/nowhere", ""])
def test_without_a_place_for_the_spool_everything_else_works(run_program: Any, receiver: Receiver, home: str) -> None:
    program = (
        "import logging; logging.basicConfig()\nimport worthwhile as ww\nwith ww.task('t'): pass\nassert ww.flush(10)"
    )
    done = run_program(program, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, HOME=home, XDG_STATE_HOME=home)
    assert done.returncode == 0, done.stderr
    assert receiver.task_names() == ["t"]
    lines = [line for line in done.stderr.splitlines() if "spool" in line]
    assert len(lines) <= 1


def test_a_task_that_ends_while_the_interpreter_does_is_kept(run_program: Any, receiver: Receiver) -> None:
    done = run_program(
        """
        import atexit
        import worthwhile as ww

        def late():
            with ww.task("late"):
                pass

        with ww.task("before"):
            atexit.register(late)
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert receiver.task_names() == ["before", "late"]


def test_the_first_task_may_be_in_an_exit_function(run_program: Any, receiver: Receiver) -> None:
    """Threads cannot be started that late on Python 3.12 and newer."""
    done = run_program(
        """
        import atexit
        import worthwhile as ww

        def late():
            with ww.task("late"):
                pass
            ww.flush(5)

        atexit.register(late)
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert receiver.task_names() == ["late"]


EMITTER = """
import os, sys, threading, time
import worthwhile as ww

def tell():
    while True:
        stats = ww.stats()  # in the order in which they were put
        os.write(1, b"%d\\n" % (stats.delivered + stats.spooled))
        time.sleep(0.001)

threading.Thread(target=tell, daemon=True).start()
number = 0
while True:
    with ww.task(f"{sys.argv[1]}-{number}"):
        number += 1
    if number % 20 == 0:
        time.sleep(0.005)
"""


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_what_was_in_the_spool_survives_a_kill(run_program: Any, receiver: Receiver, tmp_path: Path, name: str) -> None:
    program = tmp_path / "emitter.py"
    program.write_text(textwrap.dedent(EMITTER))
    environment = {
        "PYTHONPATH": ":".join(SOURCES),
        "HOME": str(tmp_path),
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_BSP_SCHEDULE_DELAY": "30",
    }
    choose = random.Random(name)
    acknowledged: dict[str, int] = {}
    for number in range(4):
        receiver.judge = lambda path, body: Reply(choose.choice((200, 200, 503)))
        with subprocess.Popen(
            [sys.executable, program, f"p{number}"], stdout=subprocess.PIPE, env=environment
        ) as emitter:
            assert emitter.stdout is not None
            while int(emitter.stdout.readline()) < 200:
                pass
            emitter.send_signal(getattr(signal, name))
            rest = emitter.stdout.read().splitlines()
            acknowledged[f"p{number}"] = int(rest[-1]) if rest else 200
    receiver.judge = lambda path, body: Reply(200)
    done = run_program(
        """
        import time
        import worthwhile as ww

        with ww.task("last"):
            pass
        assert ww.flush(20)
        time.sleep(2)
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
    )
    assert (done.returncode, done.stderr) == (0, "")
    names = {span.name.removeprefix("invoke_workflow ") for span in receiver.spans}
    for process, count in acknowledged.items():
        missing = [number for number in range(count) if f"{process}-{number}" not in names]
        assert missing == []
    assert len({span.span_id for span in receiver.spans}) == len(names), "sent again at most, never recorded again"
    assert list(tmp_path.rglob("*.seg")) == []


PREFORK = """
import os, sys, warnings
import worthwhile as ww

warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)  # of Python 3.12 and newer

for number in range(100):
    with ww.task(f"master-{number}"):
        pass
workers = []
for worker in range(4):
    pid = os.fork()
    if pid == 0:
        for number in range(100):
            with ww.task(f"worker{worker}-{number}"):
                pass
        if worker % 2:
            ww.flush(20)
        else:
            while ww.stats().spooled + ww.stats().delivered < 100:
                pass
        os.kill(os.getpid(), 9)
    workers.append(pid)
for pid in workers:
    os.waitpid(pid, 0)
assert ww.flush(20)
assert ww.stats().delivered == 100, ww.stats()
"""


def test_the_workers_of_a_forking_server_may_be_killed(run_program: Any, receiver: Receiver) -> None:
    done = run_program(PREFORK, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert (done.returncode, done.stderr) == (0, "")
    done = run_program(
        "import time, worthwhile as ww\nwith ww.task('last'): pass\nassert ww.flush(20)\ntime.sleep(2)",
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
    )
    assert done.returncode == 0, done.stderr
    names = {span.name.removeprefix("invoke_workflow ") for span in receiver.spans} - {"last"}
    makers = ("master", *(f"worker{number}" for number in range(4)))
    assert names == {f"{maker}-{number}" for maker in makers for number in range(100)}
    assert len({span.span_id for span in receiver.spans}) == 501


def test_no_secret_is_on_the_disk(run_program: Any, tmp_path: Path) -> None:
    run_program(
        EXIT,
        OTEL_EXPORTER_OTLP_ENDPOINT="http://user:s3cret-password@127.0.0.1:9/s3cret-path?key=s3cret-query",
        OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20s3cret-token",
    )
    files = [path for path in (tmp_path / ".local").rglob("*") if path.is_file()]
    assert len(files) == 2
    assert all(b"s3cret" not in path.read_bytes() and "s3cret" not in str(path) for path in files)


def test_flush_returns_in_time_whatever_the_receiver_does(run_program: Any, address: Callable[[str], str]) -> None:
    for kind in ("refused", "silent", "503", "black hole"):
        begin = time.monotonic()
        done = run_program(
            """
            import os, time
            import worthwhile as ww

            for number in range(1000):
                with ww.task("t"):
                    pass
            started = time.perf_counter()
            assert ww.flush(1) is False
            print(time.perf_counter() - started, flush=True)
            os._exit(0)
            """,
            OTEL_EXPORTER_OTLP_ENDPOINT=address(kind),
        )
        assert done.returncode == 0, done.stderr
        assert float(done.stdout) < 1.5, kind
        assert time.monotonic() - begin < 20
    assert os.getpid()
