"""The process around the host's code is the same afterwards: its random numbers, signals, logging, threads and files.

Each check runs the same program twice in processes of its own, with and without us, and compares what they print.
"""

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import pytest
from tests.wire.provider import Provider

ROOT = Path(__file__).resolve().parents[2]

WORK = """
import asyncio, gc, json, logging, os, sys, threading, warnings
import openai, anthropic

def work(decorate, url):
    client = openai.OpenAI(api_key="k", base_url=url + "/v1")
    claude = anthropic.Anthropic(api_key="k", base_url=url)
    message = [{"role": "user", "content": "hello"}]

    @decorate
    def answer(text):
        return client.chat.completions.create(model="m-wire", messages=message)

    @decorate
    def stream(text):
        yield from client.chat.completions.create(model="m-wire", messages=message, stream=True)

    @decorate
    async def slow(text):
        async with openai.AsyncOpenAI(api_key="k", base_url=url + "/v1") as other:
            await other.responses.create(model="m-wire", input="hello")
        return text

    @decorate
    def fails(text):
        raise KeyError(text)

    answer("a")
    for _ in stream("a"):
        pass
    half = stream("a")
    next(half)
    half.close()
    asyncio.run(slow("a"))
    claude.messages.create(model="m-wire", max_tokens=9, messages=message)
    try:
        fails("a")
    except KeyError:
        pass
    try:
        client.with_options(max_retries=0).chat.completions.create(model="m-wire@500", messages=message)
    except openai.InternalServerError:
        pass
    client.close()
    claude.close()
    gc.collect()
"""

WATCHED = """
import worthwhile as ww
ww.configure(endpoint=sys.argv[2], service_name="host", endpoints={sys.argv[1].partition("//")[2]: "openai/frontier"})
decorate = ww.task("work", key="text", success=lambda result: True)
"""

AFTERWARDS = """
if is_watched:
    ww.accept("a", workload="work")
    ww.flush(0.2)
    assert ww.stats().calls >= 6 and ww.stats().tasks >= 5, ww.stats()
"""


STATES = """
namespaces = {}
for state, (before, after) in json.loads(sys.argv[3]).items():
    namespaces[state] = dict(globals())
    exec(before, namespaces[state])
"""

RESULTS = """
results = {}
for state, (before, after) in json.loads(sys.argv[3]).items():
    exec(after, namespaces[state])
    results[state] = namespaces[state]["result"]
print(json.dumps(results))
"""


def run(states: dict[str, tuple[str, str]], provider: Provider, *, is_watched: bool, strictly: bool = False) -> Any:
    """What the states are after the work, and what the program has printed beside them."""
    program = "\n".join(
        [
            WORK,
            f"is_watched = {is_watched}",
            "decorate = lambda target: target",
            STATES,
            WATCHED if is_watched else "",
            "for namespace in namespaces.values(): namespace['decorate'] = decorate",
            "work(decorate, sys.argv[1])",
            AFTERWARDS,
            RESULTS,
        ]
    )
    sources = os.pathsep.join(str(ROOT / package) for package in ("sdk", "schemas"))
    texts = {name: [textwrap.dedent(part) for part in parts] for name, parts in states.items()}
    strict = ["-X", "dev", "-W", "error"] if strictly else []
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, *strict, "-c", program, provider.url, "http://127.0.0.1:9", json.dumps(texts)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": sources, "HOME": home, "ANTHROPIC_OPEN_TELEMETRY": "false"},
            cwd="/",
        )
    assert done.returncode == 0, done.stderr[-2000:]
    *printed, last = done.stdout.splitlines()
    return {"states": json.loads(last), "printed": printed, "errors": done.stderr.splitlines()}


@pytest.fixture(scope="module")
def runs(server: Provider) -> tuple[Any, Any]:
    """The program with us, and without."""
    return run(STATE, server, is_watched=True), run(STATE, server, is_watched=False)


MOST_THREADS = 4
"""Beside the main thread: what drains, what sends, what ends dropped streams, and one to spare."""

MOST_FILES = 10
"""Beside the standard streams: connections and spool files."""

STATE: dict[str, tuple[str, str]] = {
    "random numbers": (
        # The clients draw from the generator as well, for their retries: they are given numbers of their own.
        """
        import random, types
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] in ("openai", "anthropic") and getattr(module, "random", None) is random.random:
                module.random = lambda: 0.5
        random.seed(7)
        before = random.getstate()
        """,
        "result = [random.getstate() == before, random.random()]",
    ),
    "hash seeds and decimals": (
        "import decimal; decimal.getcontext().prec = 5",
        "result = [decimal.getcontext().prec, str(decimal.getcontext().flags.values())]",
    ),
    "locale and time zone": (
        "import locale, time",
        "result = [locale.setlocale(locale.LC_ALL), time.tzname]",
    ),
    "signal handlers": (
        "import signal; signal.signal(signal.SIGTERM, lambda *args: None)",
        "result = [str(type(signal.getsignal(n))) for n in range(1, 32)] + [str(signal.getitimer(0))]",
    ),
    "hooks of the interpreter": (
        "",
        """
        hooks = [sys.excepthook, sys.unraisablehook, sys.displayhook, sys.breakpointhook, threading.excepthook]
        result = [
            [hook.__module__ for hook in hooks], sys.gettrace() is None, sys.getprofile() is None,
            threading.gettrace() is None, threading.getprofile() is None, sys.getswitchinterval(),
            sys.getrecursionlimit(), gc.isenabled(), gc.get_threshold(), gc.callbacks == [], gc.get_freeze_count(),
            [hook is None for hook in sys.get_asyncgen_hooks()], sys.get_coroutine_origin_tracking_depth(),
        ]
        """,
    ),
    "warnings": (
        "warnings.simplefilter('error'); filters = list(warnings.filters); show = warnings.showwarning",
        "result = [warnings.filters == filters, warnings.showwarning is show]",
    ),
    "logging": (
        """
        before = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
        handlers, factory = list(logging.root.handlers), logging.getLogRecordFactory()
        """,
        """
        result = [
            logging.root.handlers == handlers, logging.root.level, logging.root.manager.disable,
            logging.getLogRecordFactory() is factory, logging.getLoggerClass().__name__, logging.raiseExceptions,
            {name: logging.getLogger(name).level for name in before} == before, logging.lastResort is not None,
            sorted(name for name in before if logging.getLogger(name).disabled),
        ]
        """,
    ),
    "environment and folders": (
        "before = dict(os.environ); folder = os.getcwd(); path = list(sys.path); mask = os.umask(0o022)",
        """
        result = [
            dict(os.environ) == before, os.getcwd() == folder, sys.path == path, os.umask(mask) == 0o022, sys.argv[0],
            sys.flags.dev_mode,
        ]
        """,
    ),
    "standard streams": (
        "streams = (sys.stdin, sys.stdout, sys.stderr)",
        "result = [(sys.stdin, sys.stdout, sys.stderr) == streams, sys.stdout.encoding, sys.stdout.errors]",
    ),
    "event loops": (
        "",
        """
        result = [
            type(asyncio.get_event_loop_policy()).__name__, asyncio._get_running_loop() is None,
            asyncio.run(asyncio.sleep(0, "ran")),
        ]
        """,
    ),
    "built-ins and types": (
        "import builtins, types; names = set(vars(builtins)); subclasses = len(BaseException.__subclasses__())",
        """
        result = [
            set(vars(builtins)) - {'_'} == names - {'_'}, len(BaseException.__subclasses__()) == subclasses,
            len(threading.Thread.__dict__), len(os.__dict__) > 0,
        ]
        """,
    ),
    "the global OpenTelemetry providers": (
        "",
        """
        from opentelemetry import _logs, metrics, trace, context, propagate
        result = [
            type(trace.get_tracer_provider()).__name__, type(metrics.get_meter_provider()).__name__,
            type(_logs.get_logger_provider()).__name__, dict(context.get_current()),
            type(propagate.get_global_textmap()).__name__,
        ]
        """,
    ),
    "imported names": (
        "",
        "result = [sys.modules['__main__'].__name__, 'worthwhile' in openai.__dict__, sorted(openai.__all__)[:3]]",
    ),
    "numeric environment": (
        "",
        "import math, time; result = [0.1 + 0.2, math.pi, sys.float_info.epsilon, sys.int_info.bits_per_digit]",
    ),
}


@pytest.mark.parametrize("state", STATE)
def test_it_is_as_it_would_be_without_us(state: str, runs: tuple[Any, Any]) -> None:
    within, without = runs
    assert within["states"][state] == without["states"][state]


def test_nothing_is_printed(runs: tuple[Any, Any]) -> None:
    within, without = runs
    assert within["printed"] == without["printed"] == []


def test_nobody_is_warned_of_anything_but_the_missing_receiver(server: Provider) -> None:
    """In development mode, with every warning an error: files left open, coroutines forgotten, and all."""
    within = run({}, server, is_watched=True, strictly=True)["errors"]
    without = run({}, server, is_watched=False, strictly=True)["errors"]
    ours = [line for line in within if line not in without and not line.startswith("Executing <")]  # slow machines
    assert [line for line in ours if "127.0.0.1:9" not in line] == []
    assert len(ours) <= 4


def test_threads_and_files_are_few_and_do_not_grow(server: Provider) -> None:
    count = """
        def used():
            return [threading.active_count(), len(os.listdir('/proc/self/fd'))]
        first = used()
        for _ in range(5):
            work(decorate, sys.argv[1])
        gc.collect()
        result = [first, used()]
    """
    (threads_once, files_once), (threads_often, files_often) = run({"used": ("", count)}, server, is_watched=True)[
        "states"
    ]["used"]
    assert threads_often - threads_once <= 1
    assert files_often - files_once <= 2
    assert threads_often <= MOST_THREADS + 1
    assert files_often <= 3 + MOST_FILES


@pytest.mark.parametrize(
    "way", ["sys.exit(3)", "os._exit(3)", "raise KeyError", "os.abort()", "atexit.register(print, 'last')"]
)
def test_however_the_host_ends_the_shell_sees_the_same(way: str, tmp_path: Path) -> None:
    seen = []
    for decorate in ("import worthwhile as ww; d = ww.task('t')", "d = lambda f: f"):
        program = f"import atexit, os, sys\n{decorate}\nd(lambda: 1)()\n@d\ndef leave():\n    {way}\nleave()"
        sources = os.pathsep.join(str(ROOT / package) for package in ("sdk", "schemas"))
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=False,
            timeout=60,
            env={"PYTHONPATH": sources, "HOME": str(tmp_path), "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
        )
        seen.append((done.returncode, done.stdout))
    assert seen[0] == seen[1]
