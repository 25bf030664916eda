"""`import worthwhile` costs the host program next to nothing. Modules are counted, because a count does not flicker."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import sys, json
before = set(sys.modules)
import {module}
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def modules_of(module: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(module=module)], capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    return modules_of("worthwhile")


def test_at_most_130_modules(loaded: list[str]):
    assert len(loaded) <= 130


@pytest.mark.parametrize(
    "heavy",
    ["opentelemetry.sdk", "opentelemetry.exporter", "requests", "pydantic", "chdb", "openai", "anthropic", "asyncio"],
)
def test_nothing_heavy_is_loaded(loaded: list[str], heavy: str):
    assert [m for m in loaded if m == heavy or m.startswith(heavy + ".")] == []


def test_schemas_need_the_standard_library_only():
    ours = [m for m in modules_of("worthwhile_schemas.attributes, worthwhile_schemas.units") if "." not in m]
    assert [m for m in ours if m not in sys.stdlib_module_names and m != "worthwhile_schemas"] == []


SET_UP = """
import sys, json
import openai
from openai.resources.chat import completions
before = set(sys.modules)
import worthwhile as ww
ww.configure(endpoint="http://127.0.0.1:9")
with ww.task("t"):
    {call}
print(json.dumps(sorted(set(sys.modules) - before)), flush=True)
import os
os._exit(0)
"""


CALL = """
    from worthwhile._invocation import CallRequest, CallResponse, start
    start(CallRequest("chat", "openai", "gpt-4o")).finish(CallResponse(usage=ww.Usage(1, 1)))
    assert ww.current_task().cost_usd
"""


def set_up_by(call: str, state: str) -> list[str]:
    """Modules that a program with openai loads for a first task with this in it."""
    done = subprocess.run(
        [sys.executable, "-c", SET_UP.format(call=call)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "XDG_STATE_HOME": state},
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def set_up(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return set_up_by("pass", str(tmp_path_factory.mktemp("state")))


def test_the_first_task_loads_few_modules(set_up: list[str]):
    assert len(set_up) <= 69


def test_the_first_priced_call_loads_the_price_book_too(set_up: list[str], tmp_path: Path):
    assert set(set_up_by(CALL, str(tmp_path))) - set(set_up) == {"worthwhile_schemas.price_book"}


@pytest.mark.parametrize(
    "heavy",
    [
        "requests",
        "urllib3",
        "google",
        "opentelemetry.exporter",
        "opentelemetry.proto",
        "opentelemetry.sdk",
        "grpc",
        "wrapt",
        "worthwhile.caching",
        "worthwhile._streams",
    ],
)
def test_the_first_task_loads_nothing_that_few_need(set_up: list[str], heavy: str):
    assert [m for m in set_up if m == heavy or m.startswith(heavy + ".")] == []
