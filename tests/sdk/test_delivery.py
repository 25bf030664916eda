"""Delivery to a real OTLP/HTTP receiver: what arrives, what `flush` says, what is counted as lost."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.sdk.conftest import Reply

import worthwhile as ww
from worthwhile import Usage, _setup
from worthwhile._invocation import Attempt, CallRequest, CallResponse, start


@pytest.fixture(autouse=True)
def _fresh(fresh: None, as_in_production: None) -> None: ...


def work(name: str = "t", key: str | None = None) -> None:
    with ww.task(name, key=key):
        pass


def test_what_arrives_is_what_was_recorded(receiver: Any, plain: Callable[[Any], dict[str, object]]) -> None:
    ww.configure(endpoint=receiver.url, service_name="shop", headers={"authorization": "Bearer x"})
    with ww.task("reply", key="T-1\N{GRINNING FACE}") as t:
        invocation = start(CallRequest("chat", "openai", "gpt-4o-mini"))
        invocation.attempt(Attempt(1, 0, 1, 0, 429, None))
        invocation.attempt(Attempt(2, 0, 1, 1, 200, None))
        invocation.finish(CallResponse("id", "gpt-4o-mini", ("stop", "length"), Usage(1_000_000, 0, 0)))
        t.accept(actor="me")
    assert ww.flush(10) is True

    call, task = receiver.spans
    assert (call.name, call.kind) == ("chat gpt-4o-mini", Span.SPAN_KIND_CLIENT)
    assert (task.name, task.kind) == ("invoke_workflow reply", Span.SPAN_KIND_INTERNAL)
    assert call.parent_span_id == task.span_id
    assert call.trace_id == task.trace_id
    attributes = plain(call)
    assert attributes["worthwhile.task.key"] == "T-1\N{GRINNING FACE}"
    assert attributes["gen_ai.usage.input_tokens"] == 1_000_000
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 0, "zero is zero, not absent"
    assert attributes["worthwhile.cost.amount"] == 0.15
    assert attributes["gen_ai.response.finish_reasons"] == ["stop", "length"]
    assert [event.name for event in call.events] == ["worthwhile.attempt"] * 2

    (signal,) = receiver.signals
    assert signal.event_name == "gen_ai.evaluation.result"
    assert signal.severity_number == 9
    assert signal.severity_text == "INFO"
    assert not signal.HasField("body") or not signal.body.WhichOneof("value")
    assert signal.span_id == task.span_id
    assert plain(signal)["worthwhile.task.id"] == plain(task)["worthwhile.task.id"]
    assert {name for name, _ in receiver.scopes} == {"worthwhile"}
    assert {plain(resource)["service.name"] for resource in receiver.resources} == {"shop"}
    assert {headers["authorization"] for headers in receiver.headers} == {"Bearer x"}
    assert ww.stats()[4:8] == (3, 0, 0, 0)


def test_the_standard_variables_are_enough(receiver: Any, monkeypatch: pytest.MonkeyPatch, plain: Any) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-team=a%20b")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "from-environment")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    work()
    ww.accept("T", workload="t")
    assert ww.flush(10)
    assert len(receiver.spans) == len(receiver.signals) == 1
    assert {headers["x-team"] for headers in receiver.headers} == {"a b"}
    assert {headers["content-encoding"] for headers in receiver.headers} == {"gzip"}
    assert plain(receiver.resources[0])["service.name"] == "from-environment"
    assert plain(receiver.resources[0])["deployment.environment.name"] == "test"


def test_nothing_recorded_is_nothing_to_deliver() -> None:
    assert ww.flush(0.1) is True
    assert ww.stats()[4:8] == (0, 0, 0, 0)


def test_flush_says_no_when_the_receiver_did(receiver: Any, caplog: pytest.LogCaptureFixture) -> None:
    ww.configure(endpoint=receiver.url)
    receiver.status = 400
    work()
    assert ww.flush(10) is False
    assert ww.flush(10) is True, "nothing more was lost since"
    work()
    assert ww.flush(10) is False
    assert ww.stats()[4:8] == (0, 2, 0, 0)
    assert ww.stats().lost == {"refused": 2}
    receiver.status = 200
    work()
    assert ww.flush(10) is True
    assert ww.stats().delivered == 1
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 1, "once per cause"
    assert messages[0].startswith(f"lost 1 spans: {receiver.url}/v1/traces did not take them (")
    assert "400" in messages[0]


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_what_is_not_the_fault_of_the_data_is_kept(
    receiver: Any, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    ww.configure(endpoint=receiver.url)
    receiver.status = status
    work()
    assert ww.flush(0.3) is False
    assert ww.stats()[4:8] == (0, 0, 0, 1)
    assert ww.stats().spooled == 1
    receiver.status = 200
    assert ww.flush(10) is True, "a flush tries at once"
    assert ww.stats()[4:8] == (1, 0, 0, 0)
    assert receiver.task_names() == ["t"]
    kept = [record.getMessage() for record in caplog.records]
    assert len(kept) == (status != 503)
    assert all(f"{receiver.url}/v1/traces takes no spans: " in line and str(status) in line for line in kept)


def test_flush_uses_its_time_to_try_again(receiver: Any) -> None:
    ww.configure(endpoint=receiver.url)
    answers = iter((503, 503))
    receiver.judge = lambda path, body: Reply(next(answers, 200))
    work()
    assert ww.flush(20) is True
    assert receiver.task_names() == ["t"]


def test_flush_keeps_its_deadline_when_the_receiver_hangs(receiver: Any) -> None:
    ww.configure(endpoint=receiver.url)
    receiver.answers.clear()
    work()
    ww.accept("T", workload="t")
    begin = time.perf_counter()
    assert ww.flush(0.3) is False
    assert time.perf_counter() - begin < 3
    receiver.answers.set()
    assert ww.flush(10) is True
    assert len(receiver.spans) == len(receiver.signals) == 1


def test_flush_keeps_its_deadline_when_nobody_listens() -> None:
    ww.configure(endpoint="http://127.0.0.1:9")
    work()
    begin = time.perf_counter()
    assert ww.flush(0.3) is False
    assert time.perf_counter() - begin < 3


def test_a_full_queue_drops_and_counts(receiver: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "5")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1")
    ww.configure(endpoint=receiver.url)
    receiver.answers.clear()
    for number in range(20):
        work(str(number))
    receiver.answers.set()
    assert ww.flush(10) is False
    stats = ww.stats()
    assert stats.tasks >= 20
    assert stats.delivered + stats.dropped == 20
    assert stats.delivered == len(receiver.spans)
    assert 5 <= stats.delivered <= 7
    assert stats.waiting == 0
    assert [record.getMessage() for record in caplog.records] == [
        "spans dropped: queue full (5); see worthwhile.stats() for how many"
    ]
    work()
    assert ww.flush(10) is True


def test_spans_go_out_without_flush_within_the_delay(receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    ww.configure(endpoint=receiver.url)
    work()
    deadline = time.monotonic() + 10
    while not receiver.spans and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert len(receiver.spans) == 1


def test_a_full_batch_goes_out_at_once(receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")
    ww.configure(endpoint=receiver.url)
    for _ in range(10):
        work()
    deadline = time.monotonic() + 10
    while len(receiver.spans) < 10 and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert len(receiver.spans) == 10


def test_many_threads_lose_nothing(receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100000")
    ww.configure(endpoint=receiver.url)

    def emit(number: int) -> None:
        for count in range(50):
            work(f"{number}-{count}")

    threads = [threading.Thread(target=emit, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ww.flush(30) is True
    assert receiver.task_names() == sorted(f"{number}-{count}" for number in range(16) for count in range(50))
    assert ww.stats()[4:8] == (800, 0, 0, 0)


def test_configure_later_delivers_both_where_they_were_headed(receiver: Any) -> None:
    with_first = receiver
    second = type(receiver)()
    try:
        ww.configure(endpoint=with_first.url)
        work("before")
        with ww.task("across"):
            ww.configure(endpoint=second.url)
        work("after")
        assert ww.flush(10) is True
        assert (with_first.task_names(), second.task_names()) == (["across", "before"], ["after"])
        assert ww.stats().delivered == 3
    finally:
        second.close()


def test_a_part_that_hangs_does_not_hold_back_the_other(receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = type(receiver)()
    try:
        hanging.answers.clear()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{hanging.url}/v1/traces")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", f"{receiver.url}/v1/logs")
        monkeypatch.setenv("OTEL_BLRP_SCHEDULE_DELAY", "3600000")
        with ww.task("t") as t:
            t.accept()
        assert ww.flush(0.5) is False
        assert len(receiver.signals) == 1
    finally:
        hanging.close()


def test_configuring_what_delivery_does_not_depend_on_leaves_it_as_it_is(receiver: Any) -> None:
    ww.configure(endpoint=receiver.url)
    work()
    ww.configure(endpoints={"127.0.0.1:1": "vllm"}, stream_usage="never", exit_timeout_s=1)
    work()
    assert len(_setup._built()) == 1
    assert ww.flush(10)
    assert len(receiver.spans) == 2


def test_configure_with_the_same_again_changes_nothing(receiver: Any) -> None:
    ww.configure(endpoint=receiver.url)
    work()
    for _ in range(10):
        ww.configure(endpoint=receiver.url)
        work()
    assert len(_setup._built()) == 1


def test_shutdown_delivers_and_then_nothing_is_recorded(receiver: Any) -> None:
    others = set(threading.enumerate())
    ww.configure(endpoint=receiver.url)
    work("before")
    assert ww.shutdown(10) is True
    tasks = ww.stats().tasks
    work("after")
    assert ww.current_task() is None
    assert ww.flush(10) is True
    assert receiver.task_names() == ["before"]
    assert ww.stats().tasks == tasks
    for thread in set(threading.enumerate()) - others:
        if thread.name.startswith("worthwhile-"):
            thread.join(10)
            assert not thread.is_alive()


def test_a_run_that_ends_after_shutdown_is_counted_as_dropped(receiver: Any) -> None:
    ww.configure(endpoint=receiver.url)
    with ww.task("t"):
        ww.shutdown(10)
    assert ww.stats().dropped == 1


def test_delivery_itself_is_not_instrumented(receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_value

    from worthwhile._transport import Sender

    seen: list[object] = []
    real = Sender.send

    def send(self: Any, body: bytes, timeout_s: float | None = None) -> Any:
        seen.append(get_value(_SUPPRESS_INSTRUMENTATION_KEY))
        return real(self, body, timeout_s)

    monkeypatch.setattr(Sender, "send", send)
    ww.configure(endpoint=receiver.url)
    work()
    assert ww.flush(10)
    assert seen == [True]


def test_signals_without_a_task_in_sight_arrive_too(receiver: Any, plain: Callable[[LogRecord], Any]) -> None:
    ww.configure(endpoint=receiver.url)
    ids = [ww.accept(f"T-{number}", workload="ticket-reply") for number in range(3)]
    assert ww.flush(10)
    assert [plain(signal)["worthwhile.signal.id"] for signal in receiver.signals] == ids
    assert all(signal.trace_id == b"" for signal in receiver.signals)
