"""Types survive decoration: mypy and pyright agree with every claim of the cases, and reject every marked line."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CASES = [Path(__file__).with_name(f"{name}.py") for name in ("decorated", "fallbacks_and_caches")]
EXPECTED = {
    (path.name, number)
    for path in CASES
    for number, line in enumerate(path.read_text().splitlines(), 1)
    if "# error: " in line
}
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
        *("mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path}", *map(str, CASES)),
        MYPYPATH=":".join(SOURCES),
    )
    errors = re.findall(r"(\w+\.py):(\d+): error: ", found)
    assert {(name, int(line)) for name, line in errors} == EXPECTED, found
    assert "sdk/worthwhile" not in found


def test_pyright_agrees(tmp_path: Path) -> None:
    for path in CASES:
        shutil.copy(path, tmp_path)
    project = tmp_path / "pyrightconfig.json"
    project.write_text(json.dumps({"extraPaths": SOURCES, "typeCheckingMode": "strict", "pythonVersion": "3.11"}))
    found = json.loads(run("basedpyright", "--outputjson", "--pythonpath", sys.executable, "--project", str(project)))
    errors = [each for each in found["generalDiagnostics"] if each["severity"] == "error"]
    lines = {(Path(each["file"]).name, each["range"]["start"]["line"] + 1): each["message"] for each in errors}
    assert lines.keys() == EXPECTED, lines
