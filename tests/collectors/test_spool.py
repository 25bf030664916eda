"""What the spool acknowledged is there after a crash, once, and a full disk refuses instead of losing."""

import resource
import shutil
import signal
import stat
import struct
import subprocess
import sys
import threading
from itertools import chain

import pytest

from worthwhile_collectors.errors import SpoolError, SpoolFullError
from worthwhile_collectors.frames import requests
from worthwhile_collectors.spool import Spool, SpoolLimits

LIMITS = SpoolLimits(quota_bytes=1 << 20, segment_bytes=1 << 16)


def contents(spool: Spool) -> dict[str, list[bytes]]:
    return {s.token: list(requests(b"".join(spool.read(s).payloads))) for s in spool.sealed()}


def test_requests_of_each_kind_come_back_in_order(tmp_path):
    spool = Spool(tmp_path, LIMITS)
    for number in range(10):
        spool.append("traces", b"t%d" % number)
        spool.append("logs", b"l%d" % number)
    assert spool.sealed() == []
    spool.seal()
    assert [segment.kind for segment in spool.sealed()] == ["traces", "logs"]
    assert list(contents(spool).values()) == [[b"t%d" % n for n in range(10)], [b"l%d" % n for n in range(10)]]


def test_a_segment_is_sealed_when_it_is_full_or_old(tmp_path):
    now = [0]
    spool = Spool(tmp_path, LIMITS, clock_ns=lambda: now[0])
    spool.append("traces", b"x" * (1 << 16))
    assert len(spool.sealed()) == 1
    spool.append("traces", b"y")
    now[0] = 999
    spool.seal(min_age_ns=1000)
    assert len(spool.sealed()) == 1
    now[0] = 1000
    spool.seal(min_age_ns=1000)
    assert len(spool.sealed()) == 2


def test_what_a_dead_process_left_is_adopted_under_the_same_token(tmp_path):
    dead = Spool(tmp_path, LIMITS)
    dead.append("traces", b"sealed")
    dead.seal()
    dead.append("traces", b"open")
    dead.append("logs", b"torn")
    [open_log] = tmp_path.glob("logs-*.open")
    with open_log.open("ab") as file:
        file.write(b"\xf5WW1\x10")
    tokens = {path.stem.partition("-")[2] for path in tmp_path.iterdir()}
    heir = Spool(tmp_path, LIMITS)
    assert set(contents(heir)) == tokens
    assert sorted(chain(*contents(heir).values())) == [b"open", b"sealed", b"torn"]
    assert sum(heir.read(segment).torn_bytes for segment in heir.sealed()) == 5


def test_an_empty_leftover_is_removed(tmp_path):
    (tmp_path / "traces-1-2-3.open").touch()
    assert Spool(tmp_path, LIMITS).sealed() == []
    assert list(tmp_path.iterdir()) == []


def test_tokens_of_segments_never_repeat(tmp_path):
    tokens = set()
    for _ in range(3):
        spool = Spool(tmp_path, LIMITS)
        for _ in range(3):
            spool.append("traces", b"x")
            spool.seal()
        tokens |= {segment.token for segment in spool.sealed()}
    assert len(tokens) == 9


def test_the_quota_refuses_and_keeps_what_is_there(tmp_path):
    spool = Spool(tmp_path, SpoolLimits(quota_bytes=1000, segment_bytes=1 << 16))
    spool.append("traces", b"x" * 500)
    with pytest.raises(SpoolFullError, match="holds `514` of the `1000` bytes") as refusal:
        spool.append("traces", b"y" * 600)
    assert refusal.value.code == "spool_full"
    spool.append("traces", b"z" * 100)
    spool.seal()
    [kept] = contents(spool).values()
    assert kept == [b"x" * 500, b"z" * 100]
    spool.remove(spool.sealed()[0])
    assert spool.size_bytes() == 0
    spool.append("traces", b"y" * 600)


def test_a_full_disk_refuses_and_leaves_no_half_request(tmp_path):
    """The largest file size of the process stands in for the end of the disk: the kernel cuts the write off."""
    spool = Spool(tmp_path, SpoolLimits(quota_bytes=1 << 30, segment_bytes=1 << 20))
    spool.append("traces", b"x" * 500)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(SpoolFullError, match="make room on the disk"):
            spool.append("traces", b"y" * 600)
        spool.append("traces", b"z" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    spool.append("traces", b"later")
    spool.seal()
    assert list(contents(spool).values()) == [[b"x" * 500, b"z" * 100, b"later"]]


def test_a_removed_folder_loses_nothing_that_was_acknowledged(tmp_path):
    folder = tmp_path / "spool"
    spool = Spool(folder, LIMITS)
    spool.append("traces", b"acknowledged")
    shutil.rmtree(folder)
    with pytest.raises(SpoolFullError, match="still exists"):
        spool.append("logs", b"refused")
    spool.seal()
    assert list(contents(spool).values()) == [[b"acknowledged"]]


def test_a_place_that_is_no_folder_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SpoolError, match=r"opening the spool .*Not a directory"):
        Spool(tmp_path / "file" / "spool", LIMITS)


def test_a_segment_that_somebody_removed_is_told(tmp_path):
    spool = Spool(tmp_path, LIMITS)
    spool.append("traces", b"x")
    spool.seal()
    [segment] = spool.sealed()
    segment.path.unlink()
    with pytest.raises(SpoolError, match="nothing but the collector may touch"):
        spool.read(segment)


@pytest.mark.parametrize("durability", ["process", "interval", "always"])
def test_every_durability_keeps_requests_private(tmp_path, durability):
    spool = Spool(tmp_path / "spool", SpoolLimits(1 << 20, durability=durability))
    spool.append("traces", b"x")
    spool.sync()
    spool.seal()
    [segment] = spool.sealed()
    assert stat.S_IMODE(segment.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(segment.path.parent.stat().st_mode) == 0o700


def test_threads_may_append_at_once(tmp_path):
    spool = Spool(tmp_path, LIMITS)
    bodies = [[b"%d-%d" % (t, n) * 50 for n in range(100)] for t in range(8)]
    threads = [threading.Thread(target=lambda own=own: [spool.append("traces", b) for b in own]) for own in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spool.seal()
    assert sorted(chain(*contents(spool).values())) == sorted(chain(*bodies))


WRITER = """
import os, random, struct, sys
from pathlib import Path
from worthwhile_collectors.spool import Spool, SpoolLimits
spool = Spool(Path(sys.argv[1]), SpoolLimits(1 << 30, segment_bytes=1 << 15, durability="process"))
for number in range(10**9):
    spool.append("traces", struct.pack("<Q", number) + os.urandom(random.randrange(4000)))
    os.write(1, struct.pack("<Q", number))
"""


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path):
    for number in range(6):
        folder = tmp_path / str(number)
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE)
        acknowledged = writer.stdout.read(8 * (10 + 150 * number))
        writer.send_signal(signal.SIGKILL)
        acknowledged += writer.stdout.read()
        writer.stdout.close()
        writer.wait()
        last = struct.unpack("<Q", acknowledged[-8:])[0]
        heir = Spool(folder, LIMITS)
        numbers = [struct.unpack("<Q", body[:8])[0] for body in chain(*contents(heir).values())]
        assert numbers == list(range(len(numbers)))
        assert last <= numbers[-1] <= last + 1
