"""Types survive decoration: mypy and pyright agree with every claim in `decorated.py`, and reject every marked line."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CASES = Path(__file__).with_name("decorated.py")
EXPECTED = {number for number, line in enumerate(CASES.read_text().splitlines(), 1) if "# error: " in line}
SOURCES = [str(ROOT / "sdk"), str(ROOT / "schemas")]


def run(*command: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def test_mypy_agrees(tmp_path: Path) -> None:
    found = run(
        *("mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path}", str(CASES)), MYPYPATH=":".join(SOURCES)
    )
    errors = re.findall(r"decorated\.py:(\d+): error: (.*)", found)
    assert errors, found
    assert {int(line) for line, _ in errors} == EXPECTED, found
    assert "sdk/worthwhile" not in found


def test_pyright_agrees(tmp_path: Path) -> None:
    shutil.copy(CASES, tmp_path)
    project = tmp_path / "pyrightconfig.json"
    project.write_text(json.dumps({"extraPaths": SOURCES, "typeCheckingMode": "strict", "pythonVersion": "3.11"}))
    found = json.loads(run("basedpyright", "--outputjson", "--pythonpath", sys.executable, "--project", str(project)))
    errors = [each for each in found["generalDiagnostics"] if each["severity"] == "error"]
    lines = {each["range"]["start"]["line"] + 1 for each in errors}
    assert lines == EXPECTED, "\n".join(f"{each['range']['start']['line'] + 1}: {each['message']}" for each in errors)
