"""Makes one virtual environment per peer under `.venvs/peers/`, because their version caps conflict.

    python benchmarks/peers/make_venvs.py              all of them; those that are up to date are left alone
    python benchmarks/peers/make_venvs.py openlit      only these
    python benchmarks/peers/make_venvs.py --lock       renew the pins in `<peer>.txt` from `<peer>.in` first

A peer whose packages the index does not serve is reported and left out; the benchmarks compare with those that are
there.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
HOME = HERE.parents[1] / ".venvs" / "peers"
UV = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")


def main(arguments: list[str]) -> int:
    """Bring the environments up to date; the number of those that could not be made."""
    if UV is None:
        sys.stderr.write("making the peers' environments: `uv` is not installed\n\nhint: python -m pip install uv\n")
        return 1
    known = sorted(path.stem for path in HERE.glob("*.in"))
    chosen = [name for name in arguments if not name.startswith("-")] or known
    if "--lock" in arguments:
        for name in chosen:
            lock(name)
    failed = [name for name in chosen if not make(name)]
    if failed:
        sys.stderr.write(f"making the peers' environments: failed: {', '.join(failed)}\n")
    return len(failed)


def lock(name: str) -> None:
    """Pin everything that `<name>.in` needs in `<name>.txt`."""
    options = [
        "--quiet",
        "--no-emit-index-url",
        "--no-header",
        "--no-annotate",
        "--python-version",
        "3.11",
        "--universal",
    ]
    subprocess.run([UV, "pip", "compile", *options, f"{name}.in", "-o", f"{name}.txt"], check=True, cwd=HERE)


def make(name: str) -> bool:
    """Make one environment if it is missing or outdated; False if its packages could not be installed."""
    pins = HERE / f"{name}.txt"
    home = HOME / name
    stamp = home / ".pins-sha256"
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return True
    sys.stderr.write(f"peers: {name}\n")
    for command in (
        [UV, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)],
        [UV, "pip", "install", "--quiet", "--python", str(home / "bin" / "python"), "-r", str(pins)],
    ):
        if subprocess.run(command, check=False, cwd=HERE).returncode != 0:
            return False
    stamp.write_text(digest)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
