"""The servers that the examples need, started once, and a way to run an example and see what it left behind."""

import contextlib
import csv
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

from loopback import servers, stack  # noqa: E402 - found through the line above


@dataclass(frozen=True)
class Ground:
    """A collector, the model servers, and the environment that connects an example with them."""

    data: Path
    logs: Path
    url: str
    models: stack.Models

    def run(self, name: str, *arguments: str) -> str:
        """Run an example as a service of its name and return what it printed."""
        environment = stack.environment(self.url, self.models) | {"OTEL_SERVICE_NAME": name}
        command = servers.program(f"examples/{name}.py", *arguments)
        return servers.run(command, environment, self.logs / f"{name}.log").decode()

    def rows(self, sql: str, **params: object) -> list[dict[str, Any]]:
        """Ask the collector."""
        return ask(self.data, self.logs, sql, **params)

    def requests(self, stand_in: str) -> list[dict[str, Any]]:
        """Every request that a stand-in has seen."""
        entries: list[dict[str, Any]] = json.loads(stack.fetch(f"{self.models.stand_ins[stand_in]}/ledger"))
        return entries


@dataclass(frozen=True)
class Demonstration:
    """What `examples/demo.py --keep` said and left behind, asked while it was up.

    Attributes:
        report: What it printed on stdout.
        words: What it printed on stderr.
        page: The page that it pointed to.
        figures: `worthwhile report --json`.
        answers: Rows by name of the query in `examples/queries`, of those that need no parameter.
        status: Its exit status after Ctrl-C.
    """

    data: Path
    report: str
    words: str
    page: str
    figures: dict[str, Any]
    answers: Mapping[str, list[dict[str, Any]]]
    status: int


@contextlib.contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A running demonstration that keeps everything in `folder`, and is gone after the block."""
    command = servers.program("examples/demo.py", *arguments)
    pipe = subprocess.PIPE
    environment = servers.base_environment() | {"TMPDIR": str(folder)}
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.communicate()


def ask(data: Path, logs: Path, sql: str, **params: object) -> list[dict[str, Any]]:
    """Rows of a query on a data folder, through the command line."""
    words = [word for name, value in params.items() for word in ("--param", f"{name}={value}")]
    command = servers.worthwhile("query", sql, "--data", str(data), "--format", "json", *words)
    rows: list[dict[str, Any]] = json.loads(servers.run(command, servers.base_environment(), logs / "query.log"))
    return rows


def export(path: Path, lines: Iterable[tuple[str, ...]]) -> str:
    """An export of ratings: (id, workload, ticket, verdict, detail)."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("id", "workload", "ticket", "verdict", "detail"), *lines])
    return str(path)


QUERIES = {path.stem: path.read_text("utf-8") for path in (EXAMPLES / "queries").glob("*.sql")}


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    folder = tmp_path_factory.mktemp("demonstration")
    data = folder / "data"
    environment = servers.base_environment()
    with started(folder, "--tasks", "60", "--data", str(data), "--keep") as process:
        assert process.stdout is not None
        report = ""
        for line in process.stdout:
            report += line
            if line.startswith("Page: "):
                break
        else:
            pytest.fail(f"the demonstration ended early:\n{process.stderr and process.stderr.read()}")
        page = stack.fetch(line.split()[1]).decode()
        command = servers.worthwhile("report", "--json", "--data", str(data))
        figures = json.loads(servers.run(command, environment, folder / "report.log"))
        answers = {name: ask(data, folder, sql) for name, sql in QUERIES.items() if "{" not in sql}
        process.send_signal(signal.SIGINT)
        rest, words = process.communicate(timeout=30)
        return Demonstration(data, report + rest, words, page, figures, answers, process.returncode)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[stack.Models]:
    with stack.models(tmp_path_factory.mktemp("models")) as running:
        yield running


@pytest.fixture(scope="module")
def ground(models: stack.Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("ground")
    with stack.collector(folder / "data", folder) as url:
        yield Ground(folder / "data", folder, url, models)


@pytest.fixture
def write_export(tmp_path: Path) -> Callable[[Iterable[tuple[str, ...]]], str]:
    return lambda lines: export(tmp_path / "ratings.csv", lines)
