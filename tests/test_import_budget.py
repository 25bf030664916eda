"""`import worthwhile` costs the host program next to nothing. Modules are counted, because a count does not flicker."""

import json
import subprocess
import sys

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
