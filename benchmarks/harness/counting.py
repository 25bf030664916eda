"""Counts what one call costs: machine instructions under callgrind, allocations, bytes kept. Counts do not flicker.

A count is of the calling thread where it is `inline`, and of every thread, up to the encoded bytes, where it is
`total`; from both, what the same calls cost unwatched in the same process is taken off.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PEERS = ROOT / ".venvs" / "peers"

PEER_NAMES = ("genai_openai", "openai_v2", "openllmetry", "openinference", "openlit", "logfire", "langfuse")


class MissingToolError(Exception):
    """Something that the machine lacks; the message says how to get it."""


@dataclass(frozen=True)
class Count:
    """Thousands of instructions per call.

    Attributes:
        base: Of the bare client.
        inline: Added on the calling thread.
        total: Added on all threads, until the spans are encoded.
    """

    base: float
    inline: float
    total: float


def available(names: tuple[str, ...] = PEER_NAMES) -> list[str]:
    """The peers whose environments are there (`benchmarks/peers/make_venvs.py` makes them)."""
    return [name for name in names if _python(name) is not None]


def _python(arm: str) -> str | None:
    if arm in PEER_NAMES:
        path = PEERS / arm / "bin" / "python"
        return str(path) if path.exists() else None
    return sys.executable


def instructions(arm: str, scenario: str = "chat", count: int = 50) -> Count:
    """Instructions per call of one arm in one scenario, in two runs: of the calling thread, and of all threads."""
    for tool in ("valgrind", "gcc"):
        require(tool)
    thread = _instructions(arm, scenario, count, separately=True)
    process = _instructions(arm, scenario, count, separately=False)
    return Count(
        base=thread["call_off"] / count / 1e3,
        inline=(thread["call_on"] - thread["call_off"]) / count / 1e3,
        total=sum(process[f"{part}_on"] - process[f"{part}_off"] for part in ("call", "flush")) / count / 1e3,
    )


def delivered(arm: str, scenario: str = "chat", count: int = 50) -> float:
    """Thousands of instructions per call on all threads, until its request is in the spool and ready to be sent."""
    process = _instructions(arm, scenario, count, separately=False, delivers=True)
    return sum(process[f"{part}_on"] - process[f"{part}_off"] for part in ("call", "flush")) / count / 1e3


def inline(arm: str, scenario: str, count: int = 30) -> float:
    """Thousands of instructions that watching adds per call on the calling thread."""
    for tool in ("valgrind", "gcc"):
        require(tool)
    thread = _instructions(arm, scenario, count, separately=True)
    return (thread["call_on"] - thread["call_off"]) / count / 1e3


def _instructions(arm: str, scenario: str, count: int, *, separately: bool, delivers: bool = False) -> dict[str, int]:
    """Instructions by label; those of the calling thread only, or of every thread."""
    with tempfile.TemporaryDirectory() as folder:
        shim = build_shim(Path(folder))
        command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--combine-dumps=no"]
        # A dump that is asked for holds the counts of the thread that asks, if they are kept separately.
        command += [f"--separate-threads={'yes' if separately else 'no'}", f"--callgrind-out-file={folder}/counts"]
        options = ["--mode", "instructions", "--shim", str(shim), "--count", str(count)]
        options += ["--delivers"] if delivers else []
        spans = _measure(arm, scenario, options, command, PYTHONHASHSEED="0")["spans"]
        if spans["off"] != 0 or (arm != "none" and spans["on"] < count):
            raise RuntimeError(f"counting `{arm}`: unwatched calls made {spans['off']} spans, watched {spans['on']}")
        return _sums(Path(folder))


def allocations(arm: str, scenario: str = "chat", count: int = 100) -> tuple[float, float]:
    """Mallocs and bytes that watching adds per call on the calling thread."""
    require("gcc")
    with tempfile.TemporaryDirectory() as folder:
        shim = build_shim(Path(folder), counts_heap=True)
        options = ["--mode", "heap", "--count", str(count)]
        found = _measure(arm, scenario, options, [], LD_PRELOAD=str(shim), PYTHONMALLOC="malloc")
    return found["mallocs"], found["bytes"]


def kept(arm: str, scenario: str = "chat", count: int = 200) -> float:
    """Bytes that one finished span keeps alive until it is encoded."""
    found = _measure(arm, scenario, ["--mode", "kept", "--count", str(count)], [])
    return float(found["kept_bytes"])


def require(tool: str) -> None:
    """Raise `MissingToolError` unless the machine has `tool`."""
    if shutil.which(tool) is None:
        raise MissingToolError(f"`{tool}` is not on this machine\n\nhint: apt-get install valgrind gcc")


def build_shim(folder: Path, *, counts_heap: bool = False) -> Path:
    """Compile `shim.c` into `folder`."""
    shim = folder / "shim.so"
    flags = ["-DCOUNT_HEAP"] if counts_heap else []
    done = subprocess.run(
        ["gcc", "-O2", "-shared", "-fPIC", *flags, str(HERE / "shim.c"), "-o", str(shim)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise MissingToolError(f"`shim.c` does not compile: {done.stderr[-300:]}\n\nhint: apt-get install valgrind gcc")
    return shim


def _measure(arm: str, scenario: str, options: list[str], prefix: list[str], **environment: str) -> dict[str, Any]:
    python = _python(arm)
    if python is None:
        raise MissingToolError(
            f"there is no environment for `{arm}`\n\nhint: python benchmarks/peers/make_venvs.py {arm}"
        )
    command = [*prefix, python, str(HERE / "measured.py"), "--arm", arm, "--scenario", scenario, *options]
    sources = os.pathsep.join(str(ROOT / package) for package in ("sdk", "schemas"))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "WORTHWHILE_"))}
    with tempfile.TemporaryDirectory() as state:
        return _run(command, {**inherited, "PYTHONPATH": sources, "XDG_STATE_HOME": state, **environment})


def _run(command: list[str], variables: dict[str, str]) -> dict[str, Any]:
    variables["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables, timeout=900)
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        raise RuntimeError(f"`{' '.join(command)}` failed: {done.stderr[-600:]}")
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def _sums(folder: Path) -> dict[str, int]:
    """Label -> instructions, from the dumps that the measured process asked for."""
    found: dict[str, int] = {}
    for path in folder.glob("counts*"):
        text = path.read_text(errors="replace")
        label = re.search(r"desc: Trigger: Client Request: (\w+)", text)
        total = re.search(r"^totals: (\d+)", text, re.MULTILINE)
        if label and total:
            found[label[1]] = found.get(label[1], 0) + int(total[1])
    return found
