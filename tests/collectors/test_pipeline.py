"""The single writer: nothing leaves the spool before it is stored, everything leaves it once it is."""

import threading
from dataclasses import dataclass

import pytest

from worthwhile_collectors.errors import StoreError
from worthwhile_collectors.frames import requests
from worthwhile_collectors.pipeline import Pipeline
from worthwhile_collectors.quarantine import Quarantine
from worthwhile_collectors.spool import Spool, SpoolLimits

LIMITS = SpoolLimits(1 << 20, segment_bytes=1 << 16, durability="process")


@dataclass
class Refused:
    body: bytes
    reason: str


class Sink:
    """A database that fails when told to, refuses b"poison", and remembers every insert."""

    def __init__(self) -> None:
        self.inserts: list[tuple[str, str, list[bytes]]] = []
        self.fails: dict[bytes, Exception] = {}
        self.is_free = threading.Event()
        self.is_free.set()

    def insert_protobuf(self, kind, frames, token, *, is_suspect=False):
        self.is_free.wait()
        bodies = list(requests(frames))
        self.inserts.append((kind, token, bodies))
        for body in bodies:
            if body in self.fails:
                raise self.fails[body]
        return [Refused(body, "unreadable") for body in bodies if body == b"poison"]


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture
def start(tmp_path, sink):
    started = []

    def start_pipeline(**options):
        pipeline = Pipeline(Spool(tmp_path / "spool", LIMITS), sink, Quarantine(tmp_path / "quarantine"), **options)
        pipeline.start()
        started.append(pipeline)
        return pipeline

    yield start_pipeline
    sink.is_free.set()
    sink.fails.clear()
    for pipeline in started:
        pipeline.stop(0.1)


def test_flush_waits_until_everything_is_stored(start, sink):
    pipeline = start(segment_seconds=60)
    for number in range(5):
        pipeline.accept("traces", b"%d" % number)
    assert sink.inserts == []
    assert pipeline.flush(5)
    assert [(kind, bodies) for kind, _, bodies in sink.inserts] == [("traces", [b"0", b"1", b"2", b"3", b"4"])]
    assert pipeline.counts()["waiting_bytes"] == 0
    assert pipeline.flush(0)


def test_an_old_segment_is_stored_without_a_flush(start, sink):
    pipeline = start(segment_seconds=0.01)
    pipeline.accept("logs", b"x")
    for _ in range(200):
        if sink.inserts:
            break
        threading.Event().wait(0.02)
    assert sink.inserts[0][0] == "logs"


def test_flush_tells_the_truth_within_its_time(start, sink):
    pipeline = start(segment_seconds=60)
    sink.is_free.clear()
    pipeline.accept("traces", b"x")
    assert not pipeline.flush(0.05)
    sink.is_free.set()
    assert pipeline.flush(5)


@pytest.mark.parametrize("error", [StoreError("down"), RuntimeError("a mistake of the client"), OSError("reset")])
def test_a_failed_insert_is_repeated_with_the_same_token_and_bytes(start, sink, error):
    pipeline = start()
    sink.fails[b"x"] = error
    pipeline.accept("traces", b"x")
    assert not pipeline.flush(0.1)
    assert pipeline.counts()["last_error"] == str(error)
    sink.fails.clear()
    assert pipeline.flush(10)
    assert len(sink.inserts) >= 2
    assert len({(token, tuple(bodies)) for _, token, bodies in sink.inserts}) == 1
    assert pipeline.counts()["failed"] >= 1
    assert pipeline.counts()["requests"] == 1


def test_one_segment_that_fails_does_not_hold_up_the_others(start, sink):
    pipeline = start()
    sink.fails[b"bad"] = StoreError("always")
    pipeline.accept("traces", b"bad")
    assert not pipeline.flush(0.1)
    pipeline.accept("traces", b"good")
    assert not pipeline.flush(1)
    assert pipeline.counts()["requests"] == 1
    assert pipeline.counts()["waiting_segments"] == 1


def test_poison_is_quarantined_with_its_reason_and_the_rest_is_stored(start, sink, tmp_path):
    pipeline = start()
    for body in (b"good", b"poison", b"fine"):
        pipeline.accept("traces", body)
    assert pipeline.flush(5)
    counts = pipeline.counts()
    assert (counts["requests"], counts["rejected"], counts["waiting_bytes"]) == (2, 1, 0)
    [piece] = Quarantine(tmp_path / "quarantine").pieces()
    assert (piece.kind, piece.what, piece.reason, piece.size_bytes) == ("traces", "request", "unreadable", 6)


def test_damage_in_a_segment_is_quarantined_and_the_rest_is_stored(sink, tmp_path):
    spool = Spool(tmp_path / "spool", LIMITS)
    for body in (b"first", b"second", b"third"):
        spool.append("traces", body)
    spool.seal()
    [segment] = spool.sealed()
    data = bytearray(segment.path.read_bytes())
    data[data.index(b"second")] ^= 1
    segment.path.write_bytes(data)
    quarantine = Quarantine(tmp_path / "quarantine")
    pipeline = Pipeline(spool, sink, quarantine)
    pipeline.start()
    assert pipeline.stop(5)
    assert [bodies for _, _, bodies in sink.inserts] == [[b"first", b"third"]]
    assert [(p.what, p.reason) for p in quarantine.pieces()] == [("bytes", "the checksum in the spool is wrong")]
    assert pipeline.counts()["damaged"] == 1


def test_what_stop_could_not_store_waits_for_the_next_start(tmp_path, sink):
    first = Pipeline(Spool(tmp_path / "spool", LIMITS), sink, Quarantine(tmp_path / "quarantine"), segment_seconds=60)
    first.start()
    sink.fails[b"x"] = StoreError("down")
    first.accept("traces", b"x")
    assert not first.stop(0.1)
    sink.fails.clear()
    token = sink.inserts[-1][1]
    second = Pipeline(Spool(tmp_path / "spool", LIMITS), sink, Quarantine(tmp_path / "quarantine"))
    second.start()
    assert second.stop(5)
    assert sink.inserts[-1] == ("traces", token, [b"x"])


def test_the_quarantine_is_bounded_and_counts_what_it_drops(tmp_path):
    quarantine = Quarantine(tmp_path, quota_bytes=10)
    for body in (b"12345", b"12345", b"67890", b"x"):
        quarantine.keep(body, kind="logs", token="t", what="request", reason="r")
    assert (len(list(quarantine.pieces())), quarantine.size_bytes()) == (2, 10)
    assert quarantine.dropped == 1


def test_a_quarantine_that_cannot_be_written_counts(tmp_path):
    (tmp_path / "file").touch()
    quarantine = Quarantine(tmp_path / "file" / "folder")
    quarantine.keep(b"x", kind="logs", token="t", what="request", reason="r")
    assert (quarantine.kept, quarantine.dropped) == (0, 1)


def test_a_trickle_rests_after_a_slow_insert(tmp_path, sink):
    rests = threading.Event()

    class Recording(Spool):
        def seal(self, *, min_age_ns=0):
            if min_age_ns >= 9 * 20_000_000:
                rests.set()
            super().seal(min_age_ns=min_age_ns)

    class Slow(Sink):
        def insert_protobuf(self, kind, frames, token, *, is_suspect=False):
            threading.Event().wait(0.02)
            return super().insert_protobuf(kind, frames, token, is_suspect=is_suspect)

    slow = Slow()
    pipeline = Pipeline(
        Recording(tmp_path / "spool", LIMITS), slow, Quarantine(tmp_path / "quarantine"), segment_seconds=0.001
    )
    pipeline.start()
    assert not rests.wait(0.2)
    pipeline.accept("traces", b"1")
    assert rests.wait(30)
    assert pipeline.stop(5)
