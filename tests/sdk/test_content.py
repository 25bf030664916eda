"""Content on its way: through the log path of the signals, which it may not crowd, and out of the host's threads."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.sdk.conftest import Receiver, attributes_of

import worthwhile as ww
from worthwhile import _content, _settings, clients

openai = pytest.importorskip("openai")


@pytest.fixture
def client(fresh: None, receiver: Receiver) -> Iterator[Any]:
    """A client whose calls are answered from memory, and whose content goes to the receiver."""
    http = getattr(openai._base_client, "httpx2", None) or openai._base_client.httpx
    message = {"role": "assistant", "content": "It is done."}
    answer = {
        "id": "c-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
    }  # fmt: skip
    transport = http.MockTransport(lambda request: http.Response(200, json=answer))
    clients.install()
    ww.configure(endpoint=receiver.url, capture_content=True)
    with http.Client(transport=transport) as inner:
        yield openai.OpenAI(api_key="sk", http_client=inner)
    _settings.forget()
    _content._redact = None
    _content.follow(_settings.current())


def ask(client: Any, text: str = "Is it?") -> None:
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])


def test_a_record_goes_the_way_of_signals(client: Any, receiver: Receiver) -> None:
    with ww.task("t", key="K-1") as task:
        ask(client)
        task.accept()
    assert ww.flush(20)
    (call,) = [span for span in receiver.spans if span.name == "chat m"]
    record, signal = sorted(receiver.signals, key=lambda each: each.event_name)
    assert (record.event_name, signal.event_name) == (
        "gen_ai.client.inference.operation.details", "gen_ai.evaluation.result"
    )  # fmt: skip
    assert (record.trace_id, record.span_id) == (call.trace_id, call.span_id)
    assert record.time_unix_nano == call.end_time_unix_nano
    told = attributes_of(record)
    assert told["worthwhile.task.id"] == task.id
    assert json.loads(str(told["gen_ai.output.messages"])) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "It is done."}], "finish_reason": "stop"}
    ]
    assert "Is it?" not in str(receiver.spans)
    assert ww.stats().delivered == 4


def test_redaction_runs_in_a_thread_of_ours(client: Any, receiver: Receiver) -> None:
    seen: set[str] = set()

    def redact(text: str) -> str:
        seen.add(threading.current_thread().name)
        return "-"

    ww.configure(redact=redact)
    ask(client, "4111 1111")
    assert ww.flush(20)
    assert seen == {"worthwhile-content"}
    assert all(b"4111" not in body for body in receiver.bodies)


def test_a_redaction_that_does_not_return_holds_up_nothing_else(client: Any, receiver: Receiver) -> None:
    release = threading.Event()
    ww.configure(content_max_chars=_content._WAITING_CHARACTERS // 16)
    ww.configure(redact=lambda text: release.wait(30) and None)
    before = ww.stats().contents_dropped
    for _ in range(20):
        ask(client)
    try:
        assert not ww.flush(0.2)
        assert ww.stats().contents_dropped - before in (3, 4)
    finally:
        release.set()
    assert ww.flush(20)
    assert len(receiver.spans) == 20


def test_content_does_not_push_signals_out(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_content, "_backlog_room", lambda: 0)
    before = ww.stats()
    ask(client)
    ww.accept("K-1", workload="t")
    assert ww.flush(20)
    after = ww.stats()
    assert (after.contents - before.contents, after.contents_dropped - before.contents_dropped) == (0, 1)
    assert after.signals - before.signals == 1


def test_a_quarter_of_the_room_of_signals_is_for_content(fresh: None) -> None:
    ww.configure(spool="off", content_max_chars=1 << 16, capture_content=True)
    assert _content._backlog_room() == 64
    ww.configure(spool="/tmp/never-used")
    assert _content._backlog_room() == 4096
    ww.configure(capture_content=False)


@pytest.mark.filterwarnings("ignore:.*fork")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_records_its_own(client: Any, receiver: Receiver) -> None:
    ask(client, "parent")
    assert ww.flush(20)
    child = os.fork()
    if child == 0:
        ask(client, "child")
        os._exit(0 if ww.flush(20) else 1)
    assert os.waitpid(child, 0)[1] == 0
    asked = [json.loads(str(attributes_of(record)["gen_ai.input.messages"])) for record in receiver.signals]
    assert sorted(each[0]["parts"][0]["content"] for each in asked) == ["child", "parent"]


def test_nothing_is_loaded_for_a_program_that_does_not_ask(run_program: Callable[..., Any], receiver: Receiver) -> None:
    program = """
        import sys, openai, worthwhile as ww
        from openai import _base_client
        http = getattr(_base_client, "httpx2", None) or _base_client.httpx
        body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": []}
        transport = http.MockTransport(lambda request: http.Response(200, json=body))
        ww.task(print)  # from here on calls are watched; the first one sees what the environment says
        client = openai.OpenAI(api_key="sk", http_client=http.Client(transport=transport))
        client.chat.completions.create(model="m", messages=[])
        ww.flush()
        print([name for name in sys.modules if name.startswith("worthwhile._content")], ww.stats().contents)
    """
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url}
    assert run_program(program, **environment).stdout.strip() == "[] 0"
    asking = environment | {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "EVENT_ONLY"}
    assert run_program(program, **asking).stdout.strip().endswith("] 1")
