"""What may not be in the repository: paths of somebody's machine, names of package indexes, unhashed locks."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = re.compile(
    r"(^|[^A-Za-z0-9_.])/(work|farm|root|home/[a-z]+)/[A-Za-z]|py[p]i\.org|python[h]osted|registry\.npm[j]s|deb\.debian\.org"
)


def tracked_text_files() -> list[Path]:
    names = (
        subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    )
    suffixes = {".png", ".gz", ".pb"}
    return [ROOT / n for n in names if n and (ROOT / n).exists() and (ROOT / n).suffix not in suffixes]


def test_no_machine_path_and_no_index_host_is_named():
    hits = []
    for path in tracked_text_files():
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if FORBIDDEN.search(line) and path != Path(__file__):
                hits.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert hits == []


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda p: p.name)
def test_every_locked_package_has_hashes(lock: Path):
    packages = re.split(r"\n(?=[a-z0-9])", lock.read_text())[1:]
    assert packages
    assert [p.splitlines()[0] for p in packages if "--hash=sha256:" not in p] == []
