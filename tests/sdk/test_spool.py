"""The spool on a real disk: what survives, what is adopted and by whom, what goes when it is full, who may read it."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sdk.conftest import SOURCES

from worthwhile import _frames
from worthwhile._backlog import Batch, Limit
from worthwhile._spool import Spool, SpoolLimits

ALL = Limit(1 << 40, 1 << 40)


class Lost(dict[str, int]):
    def add(self, cause: str, items: int) -> None:
        self[cause] = self.get(cause, 0) + items


@pytest.fixture
def lost() -> Lost:
    return Lost()


@pytest.fixture
def open_spool(tmp_path: Path, lost: Lost) -> Iterator[Callable[..., Spool]]:
    """Spools on one folder, as processes of their own would have them."""
    opened: list[Spool] = []

    def open_one(**limits: Any) -> Spool:
        spool = Spool(tmp_path / "spool", SpoolLimits(**limits), lost.add)
        opened.append(spool)
        return spool

    yield open_one
    for spool in opened:
        spool.close()


def bodies(batch: Batch[bytes] | None) -> list[bytes]:
    return [] if batch is None else [part.body for part in batch.parts]


def drain(spool: Spool, limit: Limit = ALL) -> list[bytes]:
    """Deliver everything, adopting what there is to adopt."""
    delivered: list[bytes] = []
    while True:
        batch = spool.take(limit)
        if batch is None:
            if not spool.adopt():
                return delivered
            continue
        delivered += bodies(batch)
        spool.settle(batch)


def segments(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "spool").glob("*.seg"))


def test_what_was_appended_comes_back_in_order_and_leaves_nothing(open_spool: Any, tmp_path: Path) -> None:
    spool = open_spool()
    written = [os.urandom(size) for size in (0, 1, 300_000, 7)]
    for number, body in enumerate(written):
        spool.append(body, number)
    assert spool.items() == 6
    assert not spool.is_empty()
    assert drain(spool) == written
    assert spool.items() == 0
    assert spool.is_empty()
    assert segments(tmp_path) == []


def test_a_batch_respects_the_limits_but_is_never_empty(open_spool: Any) -> None:
    spool = open_spool()
    for letter in b"abcdef":
        spool.append(bytes([letter]) * 100, 10)
    sizes = []
    while (batch := spool.take(Limit(20, 1000))) is not None:
        sizes.append(batch.items)
        spool.settle(batch)
    assert sizes == [20, 20, 20]
    spool.append(b"x" * 5000, 500)
    assert bodies(spool.take(Limit(20, 1000))) == [b"x" * 5000]


def test_a_batch_that_was_not_settled_is_the_same_again_whatever_was_appended(open_spool: Any) -> None:
    spool = open_spool()
    spool.append(b"a", 1)
    first = spool.take(ALL)
    spool.release(first)
    spool.append(b"b", 1)
    assert bodies(spool.take(ALL)) == [b"a"]
    spool.close()
    adopter = open_spool()
    assert adopter.adopt()
    assert bodies(adopter.take(ALL)) == [b"a"], "after a crash too, so that a resend is the request that was sent"
    assert drain(adopter) == [b"a", b"b"]


def test_segments_are_bounded_and_go_as_they_are_settled(open_spool: Any, tmp_path: Path) -> None:
    spool = open_spool(segment_bytes=1000)
    for number in range(20):
        spool.append(bytes([number]) + os.urandom(200), 1)
    assert len(segments(tmp_path)) > 2
    assert all(path.stat().st_size <= 1000 for path in segments(tmp_path))
    batch = spool.take(Limit(1, 1))
    before = len(segments(tmp_path))
    while batch is not None and len(segments(tmp_path)) == before:
        spool.settle(batch)
        batch = spool.take(Limit(1, 1))
    assert len(segments(tmp_path)) == before - 1
    spool.release(batch)
    assert len(drain(spool)) >= 15


def test_a_backlog_is_compressed(open_spool: Any, tmp_path: Path) -> None:
    spool = open_spool(segment_bytes=10_000)
    body = b"the same again and again " * 100
    for _ in range(100):
        spool.append(body, 1)
    assert sum(path.stat().st_size for path in segments(tmp_path)) < 40_000
    assert drain(spool) == [body] * 100


@pytest.mark.parametrize("torn", [1, 3, 15, 16, 20])
def test_a_torn_tail_is_cut_and_all_before_it_delivered(open_spool: Any, tmp_path: Path, torn: int) -> None:
    spool = open_spool()
    spool.append(b"first", 1)
    spool.append(b"second", 1)
    spool.close()
    (path,) = segments(tmp_path)
    with path.open("ab") as file:
        file.write(_frames.frame(b"torn away", 1, is_packed=False)[:torn])
    assert drain(open_spool()) == [b"first", b"second"]
    assert segments(tmp_path) == []


def test_damage_costs_the_damaged_frame_only(open_spool: Any, tmp_path: Path) -> None:
    spool = open_spool()
    for body in (b"first", b"second", b"third"):
        spool.append(body, 1)
    spool.close()
    (path,) = segments(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.index(b"second")] ^= 1
    path.write_bytes(data)
    assert drain(open_spool()) == [b"first", b"third"]


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
def test_any_damage_leaves_only_sound_frames(tail: bytes, at: int, value: int) -> None:
    sound = [b"alpha" * 9, b"beta" * 30, b"gamma"]
    data = bytearray(b"".join(_frames.frame(body, 1, is_packed=bool(n)) for n, body in enumerate(sound)) + tail)
    if at < len(data):
        data[at] = value
    found = [bytes(each.body) for each in _frames.frames(bytes(data))]
    assert all(body in sound for body in found)
    assert len(found) >= 2


def test_a_header_that_cannot_be_is_taken_as_nothing_sent(open_spool: Any, tmp_path: Path) -> None:
    spool = open_spool()
    spool.append(b"a", 1)
    spool.close()
    (path,) = segments(tmp_path)
    data = bytearray(path.read_bytes())
    data[8:16] = (1 << 40).to_bytes(8, "little")
    path.write_bytes(data)
    assert drain(open_spool()) == [b"a"]


@pytest.mark.parametrize("content", [b"", b"WWSP", b"another format\n" * 10])
def test_files_that_are_no_segments_of_ours_do_no_harm(open_spool: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "spool").mkdir(mode=0o700)
    path = tmp_path / "spool" / "0-0-0.seg"
    path.write_bytes(content)
    spool = open_spool()
    spool.append(b"a", 1)
    assert drain(spool) == [b"a"]
    assert path.exists() == content.startswith(b"another"), "a later version's segment is left alone"


def test_what_another_process_holds_is_not_adopted(open_spool: Any, tmp_path: Path) -> None:
    living = open_spool()
    living.append(b"mine", 1)
    other = open_spool()
    assert other.adopt() is False
    living.close()
    assert other.adopt() is True
    assert drain(other) == [b"mine"]


def test_only_one_of_two_adopts(open_spool: Any) -> None:
    ended = open_spool()
    ended.append(b"orphan", 1)
    ended.close()
    first, second = open_spool(), open_spool()
    assert (first.adopt(), second.adopt()) == (True, False)
    assert drain(first) == [b"orphan"]
    assert second.adopt() is False


def test_the_own_goes_before_what_was_adopted_and_only_that_counts(open_spool: Any) -> None:
    ended = open_spool()
    ended.append(b"orphan", 5)
    ended.close()
    spool = open_spool()
    spool.adopt()
    spool.append(b"own", 1)
    assert spool.items() == 1
    batch = spool.take(ALL)
    assert (bodies(batch), batch.is_own) == ([b"own"], True)
    spool.settle(batch)
    batch = spool.take(ALL)
    assert (bodies(batch), batch.is_own) == ([b"orphan"], False)


def test_a_poison_record_is_put_aside_with_the_reason_and_not_without_end(open_spool: Any, tmp_path: Path) -> None:
    spool = open_spool()
    spool.append(b"a", 1)
    taken = sum(spool.quarantine(b"bad", "HTTP 400 no such field") for _ in range(100))
    aside = sorted((tmp_path / "spool" / "quarantine").iterdir())
    assert taken == 64
    assert len(aside) == 128
    assert {path.read_bytes() for path in aside} == {b"bad", b"HTTP 400 no such field\n"}


@pytest.mark.parametrize(("durability", "expected"), [("process", [0, 0]), ("interval", [0, 1]), ("always", [3, 3])])
def test_durability_says_when_the_disk_itself_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durability: Any, expected: list[int]
) -> None:
    synced: list[int] = []
    monkeypatch.setattr("worthwhile._segment._sync_file", synced.append)
    now = [10**9]
    spool = Spool(tmp_path / "s", SpoolLimits(durability=durability), lambda c, n: None, clock_ns=lambda: now[0])
    spool.sync()
    spool._synced_ns = now[0]
    counts = []
    for _ in range(3):
        spool.append(b"a", 1)
    counts.append(len(synced))
    now[0] += 600_000_000
    spool.sync()
    spool.sync()
    counts.append(len(synced))
    assert counts == expected
    spool.close()


def test_a_forked_child_lets_go_of_its_parents_segments(open_spool: Any, tmp_path: Path) -> None:
    spool = open_spool()
    spool.append(b"parent", 1)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            spool.after_fork()
            spool.append(b"child", 1)
            code = 0 if not spool.adopt() and bodies(spool.take(ALL)) == [b"child"] else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert drain(spool) == [b"parent", b"child"], "the parent's lock held, and the child's ended with it"


WRITER = """
import os, signal, sys
from pathlib import Path
from worthwhile._spool import Spool, SpoolLimits

spool = Spool(Path(sys.argv[1]), SpoolLimits(segment_bytes=20_000), lambda cause, items: None)
number = 0
while True:
    body = b"%d|" % number + b"x" * (number * 7919 % 3000)
    spool.append(body, 1)
    os.write(1, b"%d\\n" % number)  # acknowledged
    number += 1
"""


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
def test_what_was_appended_survives_a_kill(tmp_path: Path, open_spool: Any, name: str) -> None:
    program = tmp_path / "writer.py"
    program.write_text(textwrap.dedent(WRITER))
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, program, tmp_path / "spool"],
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": ":".join(SOURCES)},
        ) as writer:
            assert writer.stdout is not None
            acknowledged = [int(writer.stdout.readline()) for _ in range(50)]
            writer.send_signal(getattr(signal, name))
            acknowledged += [int(line) for line in writer.stdout.read().splitlines()]
        delivered = [int(body.split(b"|")[0]) for body in drain(open_spool())]
        assert delivered[: len(acknowledged)] == acknowledged == list(range(len(acknowledged)))
        assert len(delivered) - len(acknowledged) in (0, 1)
