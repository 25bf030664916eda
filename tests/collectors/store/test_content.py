"""What was said to models is stored apart from figures, once, for its own time, and not among raw log records."""

import re

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from tests.collectors.store.otlp import START_NS, calls

from worthwhile_collectors.store import Retention, Store, framed

ROWS = "SELECT span_id, workload, part, name, content, size FROM call_contents_final ORDER BY ALL"
DETAILS = "gen_ai.client.inference.operation.details"
MESSAGES = {
    "gen_ai.system_instructions": '[{"type":"text","content":"be brief"}]',
    "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"2 + 2?"}]}]',
    "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"4"}]}]',
    "gen_ai.tool.definitions": '[{"type":"function","name":"add"}]',
}
PARTS = dict(zip(MESSAGES, ("system", "input", "output", "tools"), strict=True))


@pytest.fixture
def contents(store: Store) -> Store:
    store.command("TRUNCATE TABLE call_contents")
    return store


def records(*, event: str, body: str = "", name_in_attributes: bool = False, **attributes: str) -> bytes:
    """One log record of a call, and one that is none."""
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    scoped = resource.scope_logs.add()
    made = scoped.log_records.add(time_unix_nano=START_NS, trace_id=(1).to_bytes(16), span_id=(7).to_bytes(8))
    if name_in_attributes:
        made.attributes.add(key="event.name").value.string_value = event
    else:
        made.event_name = event
    if body:
        made.body.string_value = body
    for name, text in ({"worthwhile.workload": "sums", "gen_ai.request.model": "m"} | attributes).items():
        made.attributes.add(key=name).value.string_value = text
    scoped.log_records.add(time_unix_nano=START_NS, event_name="other").body.string_value = "kept"
    return request.SerializeToString()


def rows(span: int, workload: str) -> list[dict[str, object]]:
    return [
        {
            "span_id": f"{span:016x}",
            "workload": workload,
            "part": PARTS[name],
            "name": name,
            "content": text,
            "size": len(text),
        }
        for name, text in sorted(MESSAGES.items(), key=lambda pair: PARTS[pair[0]])
    ]


def test_content_of_span_attributes(contents: Store) -> None:
    contents.insert_protobuf("traces", framed([calls(3, worthwhile__workload="sums", **MESSAGES), calls(4)]), "a")
    assert contents.query(ROWS) == rows(3, "sums")
    assert contents.query("SELECT count() AS n, countIf(notEmpty(attrs)) AS with_attrs FROM calls") == [
        {"n": 2, "with_attrs": 0}
    ]


def test_content_of_the_event_of_the_conventions_is_stored_once(contents: Store) -> None:
    given = records(event=DETAILS, **MESSAGES)
    contents.insert_protobuf("logs", framed([given]), "a")
    contents.insert_protobuf("logs", framed([given]), "the same in another batch")
    assert contents.query(ROWS) == rows(7, "sums")


def test_raw_log_records_keep_none_of_it(contents: Store) -> None:
    contents.insert_protobuf("logs", framed([records(event=DETAILS, **MESSAGES)]), "a")
    assert contents.query("SELECT EventName AS event, Body AS body FROM otel_logs") == [
        {"event": "other", "body": "kept"}
    ]


def test_what_another_collector_wrote_is_found(contents: Store) -> None:
    contents.command(
        "INSERT INTO otel_logs (Timestamp, TraceId, SpanId, ServiceName, EventName, LogAttributes) VALUES"
        f" (now64(9), '{1:032x}', '{7:016x}', 'shop', '{DETAILS}', map('gen_ai.input.messages', 'hello'))"
    )
    [row] = contents.query(ROWS)
    assert (row["span_id"], row["part"], row["content"]) == (f"{7:016x}", "input", "hello")


@pytest.mark.parametrize(("event", "part"), [("gen_ai.user.message", "input"), ("gen_ai.choice", "output"),
                                             ("gen_ai.system.message", "system")])  # fmt: skip
@pytest.mark.parametrize("name_in_attributes", [False, True])
def test_events_of_older_conventions_carry_it_in_their_body(
    event: str, part: str, name_in_attributes: bool, contents: Store
) -> None:
    given = records(event=event, body='{"content":"hi"}', name_in_attributes=name_in_attributes)
    contents.insert_protobuf("logs", framed([given]), "a")
    [row] = contents.query(ROWS)
    assert (row["part"], row["name"], row["content"]) == (part, event, '{"content":"hi"}')


def test_a_text_of_many_mebibytes_is_cut_and_says_so(contents: Store) -> None:
    contents.insert_protobuf(
        "logs", framed([records(event=DETAILS, **{"gen_ai.input.messages": "x" * 3_000_000})]), "a"
    )
    [row] = contents.query(ROWS)
    assert (len(str(row["content"])), row["size"]) == (1_048_576, 3_000_000)


def test_it_has_a_life_of_its_own(contents: Store) -> None:
    contents.keep(Retention(keep_spans_days=30, keep_calls_days=400, keep_rollups_days=760, keep_content_days=3))
    [table] = contents.query("SELECT engine_full AS text FROM system.tables WHERE name = 'call_contents'")
    assert re.search(r"TTL toDateTime\(ingested_at\) \+ toIntervalDay\(3\)", str(table["text"]))
    contents.insert_protobuf("logs", framed([records(event=DETAILS, **MESSAGES)]), "a")
    contents.command(
        "INSERT INTO call_contents (ts, trace_id, span_id, name, content, ingested_at)"
        " SELECT ts - INTERVAL 4 DAY, trace_id, span_id, name, content, ingested_at - INTERVAL 4 DAY FROM call_contents"
    )
    contents.command("OPTIMIZE TABLE call_contents FINAL")
    assert contents.query(ROWS) == rows(7, "sums")
