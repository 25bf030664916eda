"""Runs the SDK's tests in further environments: openai 2, and the newest Python of the machine.

Each arm has its own virtual environment under `.venvs/`, made from a hashed lock file when missing or outdated.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Arm:
    """One environment and the tests that run in it."""

    name: str
    lock: str
    python: str
    tests: tuple[str, ...]


def main() -> int:
    """Run every arm, and return the number of arms that failed."""
    arms = [Arm("openai2", "openai2.txt", sys.executable, ("tests/sdk/clients",))]
    newest = newest_python()
    if newest:
        arms.append(
            Arm(
                "python-{}.{}".format(*version_of(newest)),
                "sdk.txt",
                newest,
                ("tests/sdk", "--ignore", "tests/sdk/test_pricing_catalogue.py"),
            )
        )
    else:
        sys.stderr.write("matrix: no Python newer than this one on the machine, so that arm does not run\n")
    failed = [arm.name for arm in arms if run(arm) != 0]
    if failed:
        sys.stderr.write(f"matrix: failed: {', '.join(failed)}\n")
    return len(failed)


def run(arm: Arm) -> int:
    """Bring the arm's environment up to date and run its tests."""
    sys.stderr.write(f"matrix: {arm.name} ({arm.lock}, {arm.python})\n")
    python = environment(arm)
    return subprocess.call(
        [python, "-m", "pytest", "-q", "-n", "auto", "--maxprocesses", "4", "--dist", "loadscope", *arm.tests], cwd=ROOT
    )


def environment(arm: Arm) -> str:
    """The arm's interpreter, in an environment that holds exactly its lock file and this checkout."""
    home = ROOT / ".venvs" / arm.name
    lock = ROOT / "requirements" / arm.lock
    stamp = home / ".lock-sha256"
    digest = hashlib.sha256(lock.read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    python = str(home / "bin" / "python")
    if stamp.exists() and stamp.read_text() == digest:
        return python
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}") or "uv"
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", arm.python, str(home)],
        [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", str(lock)],
    ):
        subprocess.run(command, check=True, cwd=ROOT)
    # What an editable install would write; hatchling is not in these small environments.
    site = next((home / "lib").glob("python3*/site-packages"))
    (site / "worthwhile.pth").write_text("\n".join(str(ROOT / d) for d in ("sdk", "schemas")) + "\n")
    stamp.write_text(digest)
    return python


def newest_python() -> str | None:
    """The newest CPython of the machine that is newer than this one, or None."""
    found = [str(p) for p in (Path.home() / ".pyenv" / "versions").glob("3.*/bin/python")]
    found += [path for minor in range(12, 20) if (path := shutil.which(f"python3.{minor}"))]
    usable = [(version, path) for path in found if (version := version_of(path)) > sys.version_info[:2]]
    return max(usable)[1] if usable else None


def version_of(python: str) -> tuple[int, int]:
    """(major, minor) of an interpreter; (0, 0) when it does not run."""
    code = "import sys; print(*sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    major, minor = done.stdout.split() if done.returncode == 0 else ("0", "0")
    return int(major), int(minor)


if __name__ == "__main__":
    sys.exit(main())
