"""`make demo`, end to end: what it shows is what happened, and nothing of it stays behind."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import demo
import pytest
from loopback import reconcile, servers, stack

from .conftest import Demonstration, ask, started

COUNTS = {
    "decorator": 15,
    "fallback": 6,
    "retries": 6,
    "local_first": 15,
    "streaming": 9,
    "anthropic_cache": 6,
    "async_gateway": 6,
    "nested_tasks": 6,
}
"""Tasks of each program when asked for 60 in all: its share, and at least six."""


def processes_with(text: str) -> list[str]:
    """Command lines of running processes that name `text`."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in line and str(os.getpid()) != file.parent.name:
            lines.append(line)
    return lines


def eventually(holds: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_it_succeeds_and_leaves_no_process(demonstration: Demonstration):
    assert demonstration.status == 0, demonstration.words
    assert processes_with(str(demonstration.data)) == []


def test_the_report_is_on_stdout_and_says_what_is_real(demonstration: Demonstration):
    assert "worthwhile report" in demonstration.report
    assert "stand-ins on loopback" in demonstration.report
    assert "house-model-7b" in demonstration.report
    assert "worthwhile report" not in demonstration.words
    assert "Traceback" not in demonstration.report + demonstration.words


def test_kept_up_it_serves_the_page(demonstration: Demonstration):
    assert "<html" in demonstration.page.lower()
    assert "ticket-reply" in demonstration.page


def test_otherwise_it_says_how_to_open_the_page(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    demo.explain(tmp_path / "data", None)
    page = rf"Page: .*up --data \S*{tmp_path.name}/data, then open http://127\.0\.0\.1:4318/"
    assert re.search(page, capsys.readouterr().out)


def test_every_server_agrees_with_clickhouse(demonstration: Demonstration):
    checked = re.search(r"checked: (\d+) top-level tasks and ([\d,]+) tokens .* the 4 servers", demonstration.words)
    assert checked, demonstration.words
    assert int(checked[1]) == sum(COUNTS.values())
    assert int(checked[2].replace(",", "")) > 10_000


def test_the_figures_are_those_of_the_programs(demonstration: Demonstration):
    figures = demonstration.figures
    workloads = {row["workload"]: row for row in figures["workloads"]}
    assert {name: row["tasks"] for name, row in workloads.items()} == {
        "ticket-reply": COUNTS["decorator"] + COUNTS["fallback"] + COUNTS["retries"],
        "route-ticket": COUNTS["local_first"],
        "summarise": COUNTS["streaming"],
        "policy-answer": COUNTS["anthropic_cache"],
        "embed-search": COUNTS["async_gateway"],
        "weekly-review": COUNTS["nested_tasks"],
        "name-cause": 3 * COUNTS["nested_tasks"],
    }
    replies = workloads["ticket-reply"]
    assert replies["fallbacks"] == COUNTS["fallback"]
    assert replies["retries"] == COUNTS["retries"]
    assert replies["escalations"] > 0
    assert 0 < replies["labelled"] < replies["tasks"]
    assert 0 < replies["successes"] < replies["labelled"]
    assert float(replies["cost_per_successful_task_usd"]) > 0
    assert workloads["policy-answer"]["cache_hit_rate"] > 0.3
    assert float(workloads["policy-answer"]["cache_saving_usd"]) > 0
    assert workloads["name-cause"]["cost_usd"] is None
    assert workloads["route-ticket"]["self_hosted_calls"] == COUNTS["local_first"]
    assert figures["unmatched_signals"] == 1
    assert "house-model-7b" in json.dumps(figures["unpriced_models"])
    assert "tiny-llama" not in json.dumps(figures["unpriced_models"])


def test_what_is_left_behind_can_be_read_by_another_process(demonstration: Demonstration, tmp_path: Path):
    """The ratings came from a process of their own, and count in their latest revision."""
    sql = "SELECT task_key, kind, source FROM outcomes WHERE task_key IN ('T-1000', 'T-1001', 'T-1005') ORDER BY 1"
    rows = ask(demonstration.data, tmp_path, sql)
    assert [(row["task_key"], row["kind"], row["source"]) for row in rows] == [
        ("T-1001", "accept", "human"),
        ("T-1005", "accept", "human"),
    ], "T-1000 was withdrawn, T-1005 was rejected first"


def test_a_count_that_differs_is_found(models: stack.Models):
    before = {provider: reconcile.stand_in_counts(url) for provider, url in models.stand_ins.items()}
    honest: list[dict[str, Any]] = [{"provider": provider, **counts} for provider, counts in before.items()]
    read, written = reconcile.llama_counts(models.local)
    honest.append({"provider": "llama_cpp", "input_tokens": read + 7, "cache_read_tokens": 7, "output_tokens": written})

    def differences(stored: list[dict[str, Any]]) -> list[str]:
        return [str(one) for one in reconcile.compare(models, stored) if one.counted != one.stored]

    assert differences(honest) == []
    honest[0]["output_tokens"] += 1
    honest[-1]["output_tokens"] += 1
    assert [line.split()[0] for line in differences(honest)] == ["openai", "llama.cpp"]


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_in_the_middle_it_takes_everything_along(tmp_path: Path, way: signal.Signals):
    if way is signal.SIGKILL and sys.platform != "linux":
        pytest.skip("only Linux ends the children of a killed process")
    data = tmp_path / "data"
    with started(tmp_path, "--data", str(data)) as running:
        assert next(line for line in running.stderr or () if "started" in line)
        children = servers_of(running.pid)
        assert len(children) >= 5
        running.send_signal(way)
        assert running.wait(30) == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[way]
    assert eventually(lambda: not [pid for pid in children if Path(f"/proc/{pid}").exists()])


def servers_of(parent: int) -> list[int]:
    """Children of a process."""
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]


@pytest.mark.parametrize("what", ["port", "folder"])
def test_it_says_why_it_cannot_start(tmp_path: Path, what: str):
    data = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as busy:
        arguments = ["--data", str(data)]
        if what == "port":
            arguments += ["--port", str(busy.getsockname()[1])]
        else:
            data.mkdir()
            (data / "letter.txt").write_text("mine")
        command = servers.program("examples/demo.py", *arguments)
        ended = subprocess.run(
            command, capture_output=True, text=True, env=servers.base_environment(), timeout=90, check=False
        )
    assert ended.returncode == 1
    assert "demo failed" in ended.stderr
    assert "hint" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    assert what == "port" or (data / "letter.txt").read_text() == "mine"
