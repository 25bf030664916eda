"""No file grows past what one can hold in the head (STYLE 3); ruff counts the statements of functions."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 400
SOURCES = sorted(
    p
    for top in ("sdk", "collectors", "schemas", "dashboards", "tests", "examples", "benchmarks", "docs")
    for p in (ROOT / top).rglob("*.py")
)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_is_at_most_400_lines(path: Path):
    assert len(path.read_text().splitlines()) <= LIMIT, "split it by concept"


def test_the_sources_are_found():
    assert len(SOURCES) > 50
