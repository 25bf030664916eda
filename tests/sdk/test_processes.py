"""Whole processes: set-up at the first task and not before, bounded exits, forks, and children of `multiprocessing`."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

ONE_TASK = """
import worthwhile as ww

with ww.task("t", key="K") as t:
    t.accept()
"""


def test_a_plain_program_delivers_at_its_exit(run_program: Any, receiver: Any) -> None:
    done = run_program(ONE_TASK, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert receiver.task_names() == ["t"]
    assert len(receiver.signals) == 1


@pytest.mark.parametrize("ending", ["raise ValueError", "raise SystemExit(3)"])
def test_an_ending_by_exception_delivers_too(run_program: Any, receiver: Any, ending: str) -> None:
    done = run_program(f"{ONE_TASK}\n    {ending}\n", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert done.returncode in (1, 3)
    assert receiver.task_names() == ["t"]
    assert len(receiver.signals) == 1


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


EXIT_TIME = """
import atexit, sys, time

def tell():
    sys.stdout.write(f"{time.perf_counter() - started:.3f}")

atexit.register(tell)  # runs last, because it was registered first
import logging
logging.basicConfig(level=logging.INFO)
import worthwhile as ww

for number in range(1000):
    with ww.task(f"t{number}") as t:
        t.accept()
started = time.perf_counter()
"""


@pytest.mark.parametrize("kind", ["refused", "silent", "503"])
def test_the_exit_is_bounded_whatever_the_receiver_does(
    run_program: Any, receiver: Any, silent_port: int, kind: str
) -> None:
    receiver.status = 503
    url = {"refused": "http://127.0.0.1:9", "silent": f"http://127.0.0.1:{silent_port}", "503": receiver.url}[kind]
    done = run_program(EXIT_TIME, OTEL_EXPORTER_OTLP_ENDPOINT=url, WORTHWHILE_SPOOL="off")
    assert done.returncode == 0
    assert 1.5 < float(done.stdout) < 2.6
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert (
        f"2000 spans and signals were lost: they could not be delivered to {url} before the process ended" in lines[0]
    )
    assert "worthwhile up" in lines[0]


def test_the_exit_timeout_is_a_setting(run_program: Any, silent_port: int) -> None:
    url = f"http://127.0.0.1:{silent_port}"
    done = run_program(EXIT_TIME, OTEL_EXPORTER_OTLP_ENDPOINT=url, WORTHWHILE_EXIT_TIMEOUT="0.2")
    assert float(done.stdout) < 1.0


def test_importing_and_decorating_load_no_sdk_and_start_no_thread(run_program: Any) -> None:
    done = run_program(
        """
        import sys, threading
        import worthwhile as ww

        @ww.task("t", key="a")
        def work(a): ...

        ww.current_task()
        print([name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))])
        print(threading.active_count())
        """
    )
    assert done.stdout.split("\n")[:2] == ["[]", "1"], done.stderr


FORK = """
import os, sys
import worthwhile as ww

for number in range(100):
    with ww.task(f"parent-{number}"):
        pass
child = os.fork()
if child == 0:
    assert ww.stats().waiting == 0
    for number in range(100):
        with ww.task(f"child-{number}"):
            pass
    assert ww.flush(10), ww.stats()
    assert ww.stats().delivered == 100
    os._exit(0)
_, status = os.waitpid(child, 0)
assert status == 0
with ww.task("parent-last"):
    pass
assert ww.flush(10)
assert ww.stats().delivered == 101
"""


@pytest.mark.parametrize("warm", ["", "ww.flush(10)"], ids=["queued", "connected"])
def test_parent_and_forked_child_each_deliver_their_own_once(run_program: Any, receiver: Any, warm: str) -> None:
    program = FORK.replace("child = os.fork()", f"{warm}\nchild = os.fork()")
    done = run_program(program, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, OTEL_BSP_SCHEDULE_DELAY="3600000")
    assert done.returncode == 0, done.stderr
    expected = [f"{who}-{number}" for who in ("child", "parent") for number in range(100)] + ["parent-last"]
    assert receiver.task_names() == sorted(expected)
    assert len({span.span_id for span in receiver.spans}) == 201
    ports: dict[str, set[int]] = {"parent": set(), "child": set()}
    for name, port in receiver.connections.items():
        ports[name.removeprefix("invoke_workflow ").partition("-")[0]].add(port)
    assert not ports["parent"] & ports["child"], "no connection is shared"


def test_a_child_forked_inside_a_task_belongs_to_it(run_program: Any, receiver: Any) -> None:
    done = run_program(
        """
        import os
        import worthwhile as ww

        with ww.task("outer"):
            child = os.fork()
            if child == 0:
                with ww.task("inner"):
                    pass
                ww.flush(10)
                os._exit(0)
            os.waitpid(child, 0)
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
    )
    assert done.returncode == 0, done.stderr
    spans = {span.name: span for span in receiver.spans}
    assert spans["invoke_workflow inner"].parent_span_id == spans["invoke_workflow outer"].span_id


MULTIPROCESSING = """
import multiprocessing, sys
import worthwhile as ww

@ww.task("child", key="number")
def work(number):
    return number

if __name__ == "__main__":
    with ww.task("parent"):
        pass
    with multiprocessing.get_context("METHOD").Pool(2) as pool:
        assert pool.map(work, range(4)) == [0, 1, 2, 3]
        pool.close()
        pool.join()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_deliver_at_their_end(run_program: Any, receiver: Any, method: str) -> None:
    done = run_program(MULTIPROCESSING.replace("METHOD", method), OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert receiver.task_names() == ["child"] * 4 + ["parent"]


def test_a_program_with_a_debug_interpreter_has_nothing_to_say(run_program: Any, receiver: Any) -> None:
    done = run_program(
        """
        import asyncio
        import worthwhile as ww

        with ww.task("set up"):  # a slow first step would be reported by the event loop's debug mode
            pass

        @ww.task
        async def stream():
            yield 1
            yield 2

        async def main():
            async for _ in stream():
                break

        asyncio.run(main())
        """,
        arguments=("-X", "dev", "-W", "error"),
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert receiver.task_names() == ["set up", "stream"]


def test_emitting_does_not_wait_for_a_silent_receiver(run_program: Any, silent_port: int) -> None:
    begin = time.perf_counter()
    done = run_program(
        """
        import os, time
        import worthwhile as ww

        with ww.task("warm up"):
            pass
        slowest = 0
        for number in range(3000):
            begin = time.perf_counter()
            with ww.task("t"):
                pass
            slowest = max(slowest, time.perf_counter() - begin)
        print(slowest, flush=True)
        os._exit(0)
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{silent_port}",
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1.0, "far below the exporter's time-out of ten seconds"
    assert time.perf_counter() - begin < 9
