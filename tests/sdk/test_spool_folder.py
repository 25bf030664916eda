"""The folder of a spool: whose it is, how much may be in it, and what goes when that is too much."""

import os
import stat
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.sdk.test_spool import ALL, Lost, drain, segments

from worthwhile import _settings
from worthwhile._spool import Spool, SpoolLimits, default_root, folder_for


@pytest.fixture
def lost() -> Lost:
    return Lost()


@pytest.fixture
def open_spool(tmp_path: Path, lost: Lost) -> Iterator[Callable[..., Spool]]:
    """Spools on one folder, as processes of their own would have them."""
    opened: list[Spool] = []

    def open_one(**limits: Any) -> Spool:
        opened.append(Spool(tmp_path / "spool", SpoolLimits(**limits), lost.add))
        return opened[-1]

    yield open_one
    for spool in opened:
        spool.close()


def test_nobody_else_may_read_it(open_spool: Any, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        spool = Spool(tmp_path / "a" / "b" / "spool", SpoolLimits(), lambda cause, items: None)
        spool.append(b"a", 1)
        assert spool.quarantine(b"bad", "why")
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "a").rglob("*")}
    assert set(modes.values()) == {0o700, 0o600}
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    spool.close()


@pytest.mark.parametrize("kind", ["open to others", "a link", "a file"])
def test_a_folder_that_is_not_private_is_not_used(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "spool"
    if kind == "open to others":
        folder.mkdir()
        folder.chmod(0o770)
    elif kind == "a link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.touch()
    spool = Spool(folder, SpoolLimits(), lambda cause, items: None)
    with pytest.raises(OSError, match="this user alone"):
        spool.append(b"a", 1)


def test_each_receiver_service_user_and_credential_has_a_folder(tmp_path: Path) -> None:
    plain = _settings.override({}).wire("traces")
    wires = [plain._replace(url=url) for url in ("http://a/v1/traces", "http://a/v1/logs", "http://b/v1/traces")]
    wires += [plain._replace(headers={"authorization": token}) for token in ("Bearer 1", "Bearer 2")]
    wires += [plain._replace(headers={"authorization": "Bearer 1", "x-scope-orgid": "7"})]
    wires += [plain._replace(client_certificate=path) for path in ("/one.pem", "/two.pem")]
    folders = {folder_for(tmp_path, wire, service) for wire in wires for service in ("shop", "mail")}
    assert len(folders) == 2 * len(wires)
    assert all(secret not in str(folder) for folder in folders for secret in ("a/v1", "Bearer", "one.pem"))
    two = {"b": "2", "a": "1"}
    assert folder_for(tmp_path, plain._replace(headers=two), None) == folder_for(
        tmp_path, plain._replace(headers=dict(sorted(two.items()))), None
    )


def test_many_segments_take_few_file_descriptors(open_spool: Any, tmp_path: Path, lost: Lost) -> None:
    spool = open_spool(quota_bytes=1 << 20, segment_bytes=1 << 10)
    written = [os.urandom(1000) for _ in range(900)]
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    for body in written:
        spool.append(body, 1)
    assert len(segments(tmp_path)) == len(list(descriptors.iterdir())) - before < 64
    assert sum(path.stat().st_size for path in segments(tmp_path)) <= 1 << 20
    assert drain(spool) == written
    assert lost == {}


def test_what_is_dropped_of_a_large_orphan_is_counted_without_reading_it_whole(open_spool: Any, lost: Lost) -> None:
    ended = open_spool(segment_bytes=32 << 20)
    for _ in range(1000):
        ended.append(b"x" * 20_000, 3)
    ended.close()
    spool = open_spool(quota_bytes=33 << 20, segment_bytes=16 << 20)
    tracemalloc.start()
    try:
        spool.append(b"new", 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert lost == {"earlier": 3000}
    assert peak < 8 << 20


def test_the_default_place_is_the_users_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("XDG_STATE_HOME", "/var/state")
    assert default_root() == Path("/var/state/worthwhile/spool")
    for unset in ("", "not/absolute"):
        monkeypatch.setenv("XDG_STATE_HOME", unset)
        assert default_root() == Path("/home/someone/.local/state/worthwhile/spool")


def test_beyond_the_quota_the_oldest_go_and_are_counted(open_spool: Any, tmp_path: Path, lost: Lost) -> None:
    spool = open_spool(quota_bytes=10_000, segment_bytes=1000)
    written = [os.urandom(300) for _ in range(100)]
    for body in written:
        spool.append(body, 2)
    assert sum(path.stat().st_size for path in segments(tmp_path)) <= 10_000
    delivered = drain(spool)
    assert delivered == written[-len(delivered) :]
    assert 15 < len(delivered) < 34
    assert lost == {"quota": 2 * (100 - len(delivered))}


def test_the_quota_is_the_folders_and_orphans_count_apart(open_spool: Any, lost: Lost) -> None:
    for _ in range(5):
        ended = open_spool(segment_bytes=1000)
        ended.append(os.urandom(900), 7)
        ended.close()
    spool = open_spool(quota_bytes=3000, segment_bytes=1000)
    spool.append(os.urandom(900), 1)
    assert lost == {"earlier": 21}
    assert spool.items() == 1


def test_a_segment_under_way_is_not_dropped(open_spool: Any, lost: Lost) -> None:
    spool = open_spool(quota_bytes=3000, segment_bytes=1000)
    spool.append(b"1" * 900, 1)
    first = spool.take(ALL)
    for number in range(10):
        spool.append(os.urandom(900) + b"%d" % number, 1)
    assert first is not None
    spool.settle(first)
    assert spool.items() + lost["quota"] == 10


def test_many_small_files_count_as_larger_ones(open_spool: Any, tmp_path: Path) -> None:
    for _ in range(200):
        ended = open_spool(quota_bytes=32_000, segment_bytes=8000)
        ended.append(b"x", 1)
        ended.close()
    assert len(segments(tmp_path)) <= 128
