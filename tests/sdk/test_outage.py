"""A receiver that is away, slow, choosy or wrong: nothing is lost that it could still take, and nothing sent in vain.

Real requests to a real receiver from a real spool; only the clock is wound forward by hand.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from tests.sdk.conftest import Receiver, Reply

import worthwhile as ww
from worthwhile import _outboxes, _settings, _setup
from worthwhile._delivery import Counts, Drainer, Outbox
from worthwhile._losses import CAUSES
from worthwhile._origin import PrivateOrigin
from worthwhile._pipeline import Pipeline


class Clock:
    def __init__(self) -> None:
        self.now_ns = 10**12

    def __call__(self) -> int:
        return self.now_ns


class Lane:
    """An outbox whose two threads are called by hand."""

    def __init__(self, outbox: Outbox[Any, Any], clock: Clock) -> None:
        self.outbox = outbox
        self.courier = outbox._courier
        self._clock = clock
        self._due_ns = 0
        self.courier._clock_ns = self.outbox._backlog._clock_ns = clock
        self.courier.reset()
        outbox._is_new = outbox._drainer.is_parked = False

    def record(self, *names: str) -> None:
        origin = PrivateOrigin(self.outbox.put, RESOURCE, SCOPE)
        with _setup.replaced(Pipeline(origin, None)):  # type: ignore[arg-type]
            for name in names:
                with ww.task(name):
                    pass
        self.outbox._drain()

    def run(self, seconds: float) -> None:
        """Let time pass, with the courier at work when it wants to be."""
        end_ns = self._clock.now_ns + int(seconds * 1e9)
        while True:
            if self.courier.is_due() or self._clock.now_ns >= self._due_ns:
                self._due_ns = self._clock.now_ns + int(self.courier.step() * 1e9)
            if self._due_ns > end_ns:
                break
            self._clock.now_ns = max(self._clock.now_ns, self._due_ns)
        self._clock.now_ns = end_ns

    def flush(self) -> bool:
        marker = self.outbox.start_flush()
        self.outbox._drain()
        self.courier.step()
        return marker.wait(0)

    @property
    def counts(self) -> Counts:
        return self.outbox.counts()


def setup_module() -> None:
    global RESOURCE, SCOPE
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    RESOURCE, SCOPE = Resource({"service.name": "shop"}), InstrumentationScope("worthwhile", "0")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_lane(
    receiver: Receiver, clock: Clock, tmp_path: Path, fresh: None, as_in_production: None
) -> Iterator[Callable[..., Lane]]:
    """Lanes to the receiver on one spool, as processes of their own would have them."""
    lanes: list[Lane] = []

    def open_one(**settings: object) -> Lane:
        settings = _settings.override({"endpoint": receiver.url, "spool": str(tmp_path / "spool"), **settings})
        outbox = _outboxes.outbox(_outboxes.spans(settings), settings, "shop", Drainer(), lambda: None)
        lanes.append(Lane(outbox, clock))
        return lanes[-1]

    yield open_one
    for lane in lanes:
        lane.courier.close()
        lane.outbox.after_fork()


def names_of(receiver: Receiver) -> list[str]:
    return receiver.task_names()


def numbered(count: int, start: int = 0) -> list[str]:
    return [f"t{number:06d}" for number in range(start, start + count)]


def no_losses(**some: int) -> dict[str, int]:
    return {cause: some.get(cause, 0) for cause in CAUSES}


def quarantined(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "spool").glob("*/quarantine/*"))


def test_two_hours_away_lose_nothing_and_end_quickly(receiver: Receiver, open_lane: Any) -> None:
    lane = open_lane()
    receiver.status = 503
    for minute in range(120):
        lane.record(*numbered(60, minute * 60))
        lane.run(60)
    assert 200 < len(receiver.bodies) < 600, "a request every half minute at the most once it has been away for long"
    assert len(set(receiver.bodies)) == 1, "the same request each time"
    assert lane.counts == Counts(0, 0, 0, 7200, 7200, 0, no_losses())
    receiver.status = 200
    receiver.bodies.clear()
    lane.run(35)
    assert lane.counts == Counts(7200, 0, 0, 0, 0, 0, no_losses())
    assert names_of(receiver) == numbered(7200)
    assert len(receiver.bodies) < 10, "a backlog goes in large requests"
    assert lane.flush() is True


def test_what_a_killed_process_left_goes_out_with_the_next_and_is_counted_apart(
    receiver: Receiver, open_lane: Any
) -> None:
    first = open_lane()
    receiver.status = 503
    first.record(*numbered(100))
    first.run(10)
    sent = set(receiver.bodies)
    first.outbox._backlog.spool.close()  # as its end does

    second = open_lane()
    receiver.status = 200
    receiver.bodies.clear()
    second.record("own")
    assert second.flush() is True, "it does not wait for others'"
    second.run(60)
    assert names_of(receiver) == ["own", *numbered(100)]
    assert receiver.bodies[1] in sent, "the request that was sent before, as it was"
    assert second.counts == Counts(1, 0, 0, 0, 0, 100, no_losses())


def test_another_service_does_not_take_it(receiver: Receiver, open_lane: Any, clock: Clock) -> None:
    first = open_lane()
    receiver.status = 503
    first.record("t")
    first.run(10)
    first.outbox._backlog.spool.close()
    receiver.status = 200
    settings = _settings.current()
    other = Lane(_outboxes.outbox(_outboxes.spans(settings), settings, "mail", Drainer(), lambda: None), clock)
    other.run(120)
    assert names_of(receiver) == []
    other.courier.close()


def test_a_wait_that_the_receiver_asks_for_is_kept_even_by_a_flush(receiver: Receiver, open_lane: Any) -> None:
    lane = open_lane()
    receiver.judge = lambda path, body: Reply(429, {"Retry-After": "600"})
    lane.record("t")
    lane.run(590)
    assert lane.flush() is False
    assert len(receiver.bodies) == 1
    receiver.judge = lambda path, body: Reply(200)
    lane.run(90)
    assert names_of(receiver) == ["t"]


def test_a_receiver_that_has_come_back_is_not_treated_as_one_that_was_away_for_long(
    receiver: Receiver, open_lane: Any
) -> None:
    lane = open_lane()
    for name in "ab":
        lane.record(name)
        receiver.status = 503
        lane.run(600)
        receiver.status = 200
        lane.run(60)
    receiver.status = 503
    lane.record("c")
    lane.run(6)
    receiver.status = 200
    lane.run(2)
    assert names_of(receiver) == ["a", "b", "c"]


def test_one_poison_span_of_512_is_put_aside_and_the_others_arrive(
    receiver: Receiver, open_lane: Any, tmp_path: Path
) -> None:
    lane = open_lane()
    receiver.judge = lambda path, body: Reply(400 if b"poison" in body else 200)
    names = numbered(512)
    names[300] = "poison"
    lane.record(*names)
    assert lane.flush() is False
    assert names_of(receiver) == [name for name in names if name != "poison"]
    assert len(receiver.bodies) < 25
    assert lane.counts == Counts(511, 1, 0, 0, 0, 0, no_losses())
    body, reason = (path.read_bytes() for path in quarantined(tmp_path))
    assert b"poison" in body
    assert b"400" in reason
    assert lane.flush() is True, "nothing more since"


def test_a_receiver_that_refuses_everything_gets_a_bounded_number_of_requests(
    receiver: Receiver, open_lane: Any, caplog: pytest.LogCaptureFixture
) -> None:
    lane = open_lane()
    receiver.status = 400
    lane.record(*numbered(512))
    assert lane.flush() is False
    first = len(receiver.bodies)
    lane.record(*numbered(512))
    assert lane.flush() is False
    assert first < 60
    assert len(receiver.bodies) - first == 1
    assert lane.counts == Counts(0, 1024, 0, 0, 0, 0, no_losses())
    assert len(caplog.records) == 1
    receiver.status = 200
    lane.record("t")
    assert lane.flush() is True


def test_a_request_that_is_too_large_is_divided_and_the_next_ones_are_smaller(
    receiver: Receiver, open_lane: Any
) -> None:
    lane = open_lane()
    receiver.judge = lambda path, body: Reply(413 if len(body) > 20_000 else 200)
    lane.record(*numbered(500))
    assert lane.flush() is True
    receiver.bodies.clear()
    lane.record(*numbered(500, 500))
    assert lane.flush() is True
    assert names_of(receiver) == numbered(1000)
    assert sum(len(body) > 20_000 for body in receiver.bodies) < len(receiver.bodies) / 3


def test_a_span_that_is_too_large_by_itself_is_put_aside(receiver: Receiver, open_lane: Any, tmp_path: Path) -> None:
    lane = open_lane()
    receiver.judge = lambda path, body: Reply(413 if b"x" * 500 in body else 200)
    lane.record("a", "x" * 20_000, "b")
    assert lane.flush() is False
    assert names_of(receiver) == ["a", "b"]
    assert lane.counts == Counts(2, 1, 0, 0, 0, 0, no_losses())
    assert len(quarantined(tmp_path)) == 2


def test_what_a_receiver_throws_away_is_counted_and_not_sent_again(receiver: Receiver, open_lane: Any) -> None:
    lane = open_lane()
    partial = ExportTraceServiceResponse(
        partial_success=ExportTracePartialSuccess(rejected_spans=3, error_message="too old")
    )
    receiver.judge = lambda path, body: Reply(
        200, {"Content-Type": "application/x-protobuf"}, partial.SerializeToString()
    )
    lane.record(*numbered(10))
    assert lane.flush() is False
    lane.run(600)
    assert len(receiver.bodies) == 1
    assert lane.counts == Counts(7, 3, 0, 0, 0, 0, no_losses())


def test_requests_wait_for_company_and_not_longer(receiver: Receiver, open_lane: Any) -> None:
    lane = open_lane()
    lane.record("a")
    lane.run(4)
    lane.record("b")
    lane.run(0.9)
    assert receiver.bodies == []
    lane.run(0.2)
    assert len(receiver.bodies) == 1
    lane.record(*numbered(512))
    lane.run(0)
    assert len(receiver.bodies) == 2, "a full batch goes at once"


def test_a_batch_size_that_was_set_is_kept_to(
    receiver: Receiver, open_lane: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")
    lane = open_lane()
    receiver.status = 503
    lane.record(*numbered(95))
    lane.run(10)
    receiver.status = 200
    receiver.bodies.clear()
    lane.run(60)
    assert names_of(receiver) == numbered(95)
    assert len(receiver.bodies) == 10


def test_without_a_spool_memory_is_bounded_and_what_goes_is_counted(
    receiver: Receiver, open_lane: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_outboxes, "RING_BYTES", 100_000)
    lane = open_lane(spool="off")
    receiver.status = 503
    lane.record(*numbered(1000))
    lane.run(100)
    counts = lane.counts
    assert counts.waiting + counts.dropped == 1000
    assert counts.losses == no_losses(queue_full=counts.dropped)
    assert counts.kept == 0
    assert counts.dropped > 500
    receiver.status = 200
    lane.run(100)
    assert len(receiver.spans) == counts.waiting == lane.counts.delivered
    assert names_of(receiver)[-1] == "t000999", "the oldest went"


def test_what_goes_for_the_quota_is_counted_and_reported(
    receiver: Receiver, open_lane: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = open_lane(spool_quota_mb=1)
    lane.outbox._backlog.spool._limits = lane.outbox._backlog.spool._limits._replace(segment_bytes=1 << 17)
    receiver.status = 503
    for number in range(60):
        lane.record(*[f"{number} {os.urandom(300).hex()}" for _ in range(64)])
    lane.run(10)
    counts = lane.counts
    assert counts.losses == no_losses(quota=counts.dropped)
    assert counts.dropped > 0
    receiver.status = 200
    lane.run(100)
    assert lane.counts.delivered + counts.dropped == 60 * 64
    assert len(receiver.spans) == lane.counts.delivered
    assert lane.flush() is False


def test_an_error_of_ours_in_sending_costs_time_and_at_last_the_batch(
    receiver: Receiver, open_lane: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = open_lane()

    def send(self: Any, body: bytes, timeout_s: float | None = None) -> Any:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr("worthwhile._transport.Sender.send", send)
        lane.record("lost")
        lane.run(60)
    lane.record("t")
    lane.run(60)
    assert names_of(receiver) == ["t"]
    assert lane.counts == Counts(1, 1, 0, 0, 0, 0, no_losses())


def test_a_span_that_cannot_be_encoded_costs_itself_only(receiver: Receiver, open_lane: Any) -> None:
    lane = open_lane()
    lane.outbox.put(object())
    lane.record("t")
    assert lane.flush() is False
    assert names_of(receiver) == ["t"]
    assert lane.counts == Counts(1, 0, 1, 0, 0, 0, no_losses(encode_error=1))


def test_losses_are_reported_with_the_next_export(receiver: Receiver, fresh: None, plain: Any) -> None:
    ww.configure(endpoint=receiver.url)
    receiver.judge = lambda path, body: Reply(400 if b"poison" in body else 200)
    with ww.task("poison"):
        pass
    assert ww.flush(10) is False
    assert receiver.signals == []
    for _ in range(2):
        with ww.task("t"):
            pass
        assert ww.flush(10) is True
    ww.flush(10)
    (report,) = receiver.signals
    assert report.event_name == "worthwhile.sdk.dropped"
    assert plain(report) == {
        "worthwhile.sdk.dropped": 1,
        "worthwhile.sdk.dropped.cause": "refused",
        "worthwhile.sdk.dropped.kind": "spans",
    }
    assert ww.stats().delivered == 2, "a report counts for nothing"
