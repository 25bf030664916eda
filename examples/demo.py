"""The main job on this machine, in one command: real clients, a real llama.cpp server, embedded ClickHouse, the report.

Nothing leaves loopback. The hosted providers are stand-ins that count tokens and answer in the providers' formats; the
llama.cpp server is the real one, with a tiny model made on the spot. Every program beside this one takes part.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loopback import ratings, reconcile, servers, stack

from worthwhile_collectors.folder import DataFolder

DEFAULT_DATA = Path(".worthwhile-demo")
MOST_TASKS = 4000
QUERIES = Path(__file__).resolve().parent / "queries"


@dataclass(frozen=True, slots=True)
class Step:
    """One example as it takes part.

    Attributes:
        name: The program's file name without suffix.
        share: Its share of the tasks, in percent.
        shows: What there is to see.
        workload: Workload of its tickets, where customers rate the answers later; empty where they do not.
        first: Number of its first ticket.
        rated: Who rates them.
    """

    name: str
    share: int
    shows: str
    workload: str = ""
    first: int = 0
    rated: Callable[[str, Iterable[int]], Iterable[ratings.Rating]] = ratings.ratings

    def count(self, tasks: int) -> int:
        """How many of `tasks` it runs."""
        return max(6, tasks * self.share // 100)


STEPS = (
    Step("decorator", 25, "three lines around a plain call", "ticket-reply", 1000),
    Step("fallback", 5, "a dead endpoint, so that another model answers", "ticket-reply", 3000),
    Step("retries", 5, "every first try gets a 429", "ticket-reply", 9000),
    Step(
        "local_first",
        25,
        "llama.cpp, then a hosted model where a check fails",
        "route-ticket",
        5000,
        ratings.complaints,
    ),
    Step("streaming", 15, "streams, judged by their reader at once"),
    Step("anthropic_cache", 10, "a handbook in the prompt cache", "policy-answer", 4000),
    Step("async_gateway", 10, "embeddings from llama.cpp, answers through a gateway", "embed-search", 6000),
    Step("nested_tasks", 5, "tasks in a task, and a model without a price"),
)


class DemoError(Exception):
    """Something is not as it should be."""


def main() -> int:
    """Run the demonstration and return the exit status."""
    arguments = parse()
    for name in ("SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), lambda number, _: sys.exit(128 + number))
    started = time.perf_counter()
    try:
        demonstrate(arguments, started)
    except (servers.ChildError, DemoError) as error:
        say(f"\ndemo failed: {error}")
        return 1
    except KeyboardInterrupt:
        say("\nstopped")
        return 130
    return 0


def demonstrate(arguments: argparse.Namespace, started: float) -> None:
    """Start the servers, let the examples work, check what came of it, and show the report."""
    data = prepared(arguments.data)
    say("Everything runs on this machine and talks to loopback addresses only.")
    with tempfile.TemporaryDirectory(prefix="worthwhile-demo-") as folder:
        logs = Path(folder)
        with stack.collector(data, logs, arguments.port) as url:
            with stack.models(logs) as models:
                say_done("started: the collector with embedded ClickHouse, llama.cpp, 3 provider stand-ins", started)
                environment = stack.environment(url, models)
                run_steps(arguments.tasks, environment, logs)
                check(models, Store(data, environment, logs), arguments.tasks)
            say_done("done", started)
            say()
            servers.show(servers.worthwhile("report", "--data", str(data)), environment, logs / "report.log")
            explain(data, url if arguments.keep else None)
            if arguments.keep:
                with contextlib.suppress(KeyboardInterrupt):
                    signal.pause()


def run_steps(tasks: int, environment: Mapping[str, str], logs: Path) -> None:
    """Run every example, then, in yet another process, record what customers said about the answers."""
    rated: list[ratings.Rating] = []
    for step in STEPS:
        count = step.count(tasks)
        run_example(step.name, str(count), f"{count:>4}  {step.shows}", environment, logs)
        if step.workload:
            rated += step.rated(step.workload, range(step.first, step.first + count))
    rated += ratings.second_thoughts(STEPS[0].workload, STEPS[0].first)
    export = logs / "ratings.csv"
    ratings.write(export, rated)
    shows = f"{len(rated):>4}  ratings by ticket number: some revised, withdrawn or mistyped"
    run_example("outcomes_late", str(export), shows, environment, logs)


def run_example(name: str, argument: str, shows: str, environment: Mapping[str, str], logs: Path) -> None:
    """Run one example in a process of its own, as a service named after it."""
    started = time.perf_counter()
    command = servers.program(f"examples/{name}.py", argument)
    servers.run(command, {**environment, "OTEL_SERVICE_NAME": name}, logs / f"{name}.log")
    say_done(f"{name:<16}{shows}", started)


@dataclass(frozen=True, slots=True)
class Store:
    """The data folder, as the command line reads it."""

    data: Path
    environment: Mapping[str, str]
    logs: Path

    def rows(self, query: str) -> list[dict[str, Any]]:
        """The answer to one of the queries beside this program."""
        sql = (QUERIES / f"{query}.sql").read_text("utf-8")
        command = servers.worthwhile("query", sql, "--data", str(self.data), "--format", "json")
        rows: list[dict[str, Any]] = json.loads(servers.run(command, self.environment, self.logs / "query.log"))
        return rows


def check(models: stack.Models, store: Store, tasks: int) -> None:
    """Hold what is stored against what the servers counted and what was asked for.

    Raises:
        DemoError: They differ.
    """
    comparisons = reconcile.compare(models, store.rows("answered_calls"))
    wrong = [str(comparison) for comparison in comparisons if comparison.counted != comparison.stored]
    stored = {row["service"]: int(row["tasks"]) for row in store.rows("top_level_tasks")}
    wrong += [
        f"{step.name} ran {step.count(tasks)} tasks, ClickHouse has {stored.get(step.name, 0)}"
        for step in STEPS
        if stored.get(step.name) != step.count(tasks)
    ]
    if wrong:
        raise DemoError("\n  ".join(["what is stored is not what happened:", *wrong]))
    tokens = sum(int(one.counted) for one in comparisons if one.figure in reconcile.PROCESSED)
    counted_by = f"the programs and the {len(models.stand_ins) + 1} servers counted them"
    say(f"  checked: {sum(stored.values())} top-level tasks and {tokens:,} tokens in ClickHouse, as {counted_by}")


def explain(data: Path, url: str | None) -> None:
    """Say what the figures are, and how to open the page."""
    later = f"{typed('up')} --data {os.path.relpath(data)}, then open http://127.0.0.1:4318/"
    print(
        "\nHow to read this: the hosted providers above are stand-ins on loopback. Their dollar figures are the list\n"
        "prices of the models named, applied to the tokens that the stand-ins counted; the gateway's are what its\n"
        "stand-in said it charged. Latencies are those of loopback; tickets and ratings are made up. llama.cpp, the\n"
        "clients, the collector and ClickHouse are the real ones. A model of your own has no list price: its calls\n"
        "are counted, and have no cost here.\n\n"
        f"Page: {f'{url}/ (Ctrl-C ends it)' if url else later}"
    )


def typed(command: str) -> str:
    """How a person here types a `worthwhile` command."""
    script = Path(sys.executable).with_name("worthwhile")
    if not script.exists():
        return f"{sys.executable} -m worthwhile_collectors.cli {command}"
    on_path = shutil.which("worthwhile")
    return f"worthwhile {command}" if on_path and Path(on_path) == script else f"{os.path.relpath(script)} {command}"


def prepared(data: Path | None) -> Path:
    """An empty data folder: the given one, or the usual one without what an earlier demonstration left in it.

    Raises:
        DemoError: It is in use, or holds something else.
    """
    if data is None:
        if DataFolder(DEFAULT_DATA).is_open():
            raise DemoError(f"`{DEFAULT_DATA}` is in use by a demonstration\n\nhint: end that one, or give --data DIR")
        shutil.rmtree(DEFAULT_DATA, ignore_errors=True)
        return DEFAULT_DATA.absolute()
    if data.exists() and any(data.iterdir()):
        raise DemoError(f"`{data}` is not empty, expected a new or empty folder\n\nhint: --data with another name")
    return data.absolute()


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=number_of_tasks, default=300, help="about how many tasks to run [300]")
    parser.add_argument("--data", type=Path, help=f"new data folder [{DEFAULT_DATA}, replaced]")
    parser.add_argument("--port", type=int, default=0, help="port of the page; 0 takes a free one [0]")
    parser.add_argument("--keep", action="store_true", help="leave the page up until Ctrl-C")
    return parser.parse_args()


def number_of_tasks(text: str) -> int:
    """The value of `--tasks`; the programs' ticket numbers do not overlap up to the highest."""
    count = int(text) if text.isdecimal() else 0
    if not 1 <= count <= MOST_TASKS:
        raise argparse.ArgumentTypeError(f"`{text}`, expected a number from 1 to {MOST_TASKS}")
    return count


def say(text: str = "") -> None:
    """Tell the person something, beside the report."""
    print(text, file=sys.stderr, flush=True)


def say_done(what: str, started: float) -> None:
    """Tell that something is done, and since when it took."""
    say(f"  {what:<86}{time.perf_counter() - started:6.1f} s")


if __name__ == "__main__":
    sys.exit(main())
