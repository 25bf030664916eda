"""The spool where the disk is full, read-only or somebody else's: memory takes its place, and nothing is raised."""

import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.sdk.test_spool import ALL, Lost, bodies, drain

from worthwhile._backlog import Kept, Limit, Ring
from worthwhile._spool import Spool, SpoolLimits


@pytest.fixture
def lost() -> Lost:
    return Lost()


@pytest.fixture
def open_spool(tmp_path: Path, lost: Lost) -> Iterator[Callable[[], Spool]]:
    spool = Spool(tmp_path / "spool", SpoolLimits(), lost.add)
    yield lambda: spool
    spool.close()


@pytest.fixture
def file_size_limit() -> Iterator[Callable[[int], None]]:
    """Sets how large a file may become: what a full disk looks like from within a process."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_keeps_nothing_half(open_spool: Any, file_size_limit: Any, tmp_path: Path) -> None:
    spool = open_spool()
    spool.append(b"a" * 100, 1)
    file_size_limit(200)
    with pytest.raises(OSError, match=r"File too large|No space"):
        spool.append(b"b" * 200, 1)
    (path,) = (tmp_path / "spool").iterdir()
    assert path.stat().st_size == spool.mark()[1], "what was written of it is gone"
    file_size_limit(resource.RLIM_INFINITY)
    spool.append(b"c" * 100, 1)
    assert drain(spool) == [b"a" * 100, b"c" * 100]


@pytest.fixture
def as_logged(as_in_production: None) -> None: ...


@pytest.mark.usefixtures("as_logged")
def test_memory_takes_the_place_of_a_full_disk_until_it_has_room(
    open_spool: Any, lost: Lost, file_size_limit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0]
    ring: Ring[bytes] = Ring(1000, len, lambda items: lost.add("disk", items))
    kept = Kept(open_spool(), ring, clock_ns=lambda: now[0])
    kept.append(b"0" * 100, 1)
    file_size_limit(150)
    for number in range(1, 16):
        kept.append(b"%x" % number * 100, 1)
    mark = kept.mark()
    assert lost == {"disk": 5}
    assert (kept.items(), kept.items_at_risk()) == (11, 10)
    assert len(caplog.records) == 1
    assert "No space left on device" in caplog.text

    file_size_limit(resource.RLIM_INFINITY)
    kept.append(b"g" * 100, 1)
    assert kept.items_at_risk() == 10, "not tried again yet"
    now[0] += 5_000_000_000
    kept.append(b"h" * 100, 1)
    assert (kept.items(), kept.items_at_risk()) == (12, 0)
    assert not kept.has_settled(mark)
    delivered = []
    while (batch := kept.take(Limit(1, 1))) is not None:
        delivered += bodies(batch)
        kept.settle(batch)
    assert sorted(body[:1] for body in delivered) == sorted([b"0", *(b"%x" % n for n in range(7, 16)), b"g", b"h"])
    assert kept.has_settled(mark)
    assert len(caplog.records) == 1


@pytest.mark.usefixtures("as_logged")
def test_what_moved_from_memory_to_disk_is_still_waited_for(open_spool: Any, lost: Lost, file_size_limit: Any) -> None:
    now = [0]
    kept = Kept(open_spool(), Ring(1000, len, lambda items: lost.add("disk", items)), clock_ns=lambda: now[0])
    file_size_limit(0)
    kept.append(b"a", 1)
    mark = kept.mark()
    file_size_limit(resource.RLIM_INFINITY)
    now[0] += 5_000_000_000
    kept.append(b"b", 1)
    assert kept.items_at_risk() == 0
    assert not kept.has_settled(mark)
    while (batch := kept.take(ALL)) is not None:
        kept.settle(batch)
    assert kept.has_settled(mark)


@pytest.mark.usefixtures("as_logged")
@pytest.mark.parametrize("place", ["below a file", "read-only", "full", "another's"])
def test_a_disk_that_cannot_be_used_costs_a_warning_and_memory(
    tmp_path: Path, place: str, lost: Lost, caplog: pytest.LogCaptureFixture, file_size_limit: Any
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    folders = {
        "below a file": tmp_path / "file" / "spool",
        "read-only": Path("/proc/spool"),
        "another's": tmp_path / "open",
    }
    if place == "full":
        file_size_limit(0)
    kept = Kept(
        Spool(folders.get(place, tmp_path / "spool"), SpoolLimits(), lost.add), Ring(1000, len, lambda items: None)
    )
    for _ in range(3):
        kept.append(b"a", 1)
    assert (kept.items(), kept.items_at_risk()) == (3, 3)
    assert bodies(kept.take(ALL)) == [b"a"] * 3
    assert len(caplog.records) == 1
    file_size_limit(resource.RLIM_INFINITY)
