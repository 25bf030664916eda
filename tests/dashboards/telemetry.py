"""Telemetry of three weeks, as the SDK would send it; `test_report.py` computes its figures by hand."""

from datetime import datetime
from typing import Any
from uuid import UUID

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from worthwhile_collectors.store import Store, framed
from worthwhile_schemas import attributes as a

SECOND = 10**9


class Telemetry:
    """Collects spans and signals."""

    def __init__(self) -> None:
        self.traces = ExportTraceServiceRequest()
        self.logs = ExportLogsServiceRequest()
        spans = self.traces.resource_spans.add().scope_spans.add()
        spans.scope.name = "worthwhile"
        self.spans = spans.spans
        self.records = self.logs.resource_logs.add().scope_logs.add().log_records
        self.number = 0

    def task(self, workload: str, start: str, seconds: int, *, key: str = "", within: str = "", **more: Any) -> str:
        """Add a run of a task and return its id."""
        task_id = str(UUID(int=(nanoseconds(start) // 10**6 << 80) | (7 << 76) | (2 << 62) | self._next()))
        span = self._span(f"invoke_workflow {workload}", start, seconds * SECOND)
        fill(
            span.attributes,
            {
                a.SPAN_TYPE: "task",
                a.OPERATION: "invoke_workflow",
                a.WORKLOAD: workload,
                a.TASK_ID: task_id,
                a.TASK_STATUS: "completed",
                **({a.TASK_KEY: key} if key else {}),
                **({a.TASK_ANCESTORS: within} if within else {}),
            }
            | more.pop("attributes", {}),
        )
        return task_id

    def call(self, start: str, milliseconds: int, attributes: dict[str, Any], **task: str) -> None:
        """Add a model call, under the task that `task` names by id, workload, key and ancestors."""
        span = self._span("chat", start, milliseconds * 10**6)
        names = {"id": a.TASK_ID, "workload": a.WORKLOAD, "key": a.TASK_KEY, "within": a.TASK_ANCESTORS}
        fill(
            span.attributes,
            {a.SPAN_TYPE: "call", a.OPERATION: "chat", a.TOKEN_SEMANTICS: "inclusive"}
            | {names[name]: value for name, value in task.items()}
            | attributes,
        )

    def signal(self, at: str, kind: str, attributes: dict[str, Any]) -> None:
        """Add a judgement."""
        record = self.records.add(time_unix_nano=nanoseconds(at), event_name=a.SIGNAL_EVENT)
        defaults = {a.SIGNAL_KIND: kind, a.SIGNAL_ID: f"signal-{self._next()}", a.SIGNAL_SOURCE: "human"}
        fill(record.attributes, defaults | attributes)

    def _span(self, name: str, start: str, duration: int) -> Any:
        begin, number = nanoseconds(start), self._next()
        return self.spans.add(
            name=name,
            trace_id=number.to_bytes(16, "big"),
            span_id=number.to_bytes(8, "big"),
            start_time_unix_nano=begin,
            end_time_unix_nano=begin + duration,
        )

    def _next(self) -> int:
        self.number += 1
        return self.number


def nanoseconds(moment: str) -> int:
    """Nanoseconds since the epoch of a time in November 2026, such as `02 10:00:00`."""
    then = datetime.strptime(f"2026-11-{moment} +0000", "%Y-%m-%d %H:%M:%S %z")
    return int(then.timestamp()) * SECOND


def fill(target: Any, attributes: dict[str, Any]) -> None:
    kinds = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}
    for key, value in attributes.items():
        target.append(KeyValue(key=str(key), value=AnyValue(**{kinds[type(value)]: value})))


def openai(cost: float | None = None, **more: Any) -> dict[str, Any]:
    """Attributes of an answered, priced call: 1,000 tokens in, 400 of them from the cache, 100 out."""
    priced = {a.COST_AMOUNT: cost, a.COST_BASIS: "list", a.PRICE_VERSION: "2026-10-30"}
    return {
        a.PROVIDER: "openai",
        a.REQUEST_MODEL: "gpt-small",
        a.RESPONSE_MODEL: "gpt-small-2026",
        a.INPUT_TOKENS: 1000,
        a.CACHE_READ_TOKENS: 400,
        a.OUTPUT_TOKENS: 100,
        **(priced if cost is not None else {a.COST_BASIS: "unknown"}),
        **more,
    }


def tickets(sent: Telemetry) -> None:
    """Workload `ticket`, keyed: see the table in `test_tickets`."""

    def run(key: str, start: str, seconds: int, **more: Any) -> dict[str, str]:
        task_id = sent.task("ticket", start, seconds, key=key, **more)
        return {"id": task_id, "workload": "ticket", "key": key}

    def judge(key: str, at: str, kind: str, **more: Any) -> None:
        names = {"id": a.SIGNAL_ID, "source": a.SIGNAL_SOURCE, "revision": a.SIGNAL_REVISION, "voided": a.SIGNAL_VOIDED}
        named = {names[name]: value for name, value in more.items()}
        sent.signal(at, kind, {a.WORKLOAD: "ticket", a.TASK_KEY: key} | named)

    first = run("1", "02 10:00:00", 2)
    sent.call("02 10:00:00", 900, openai(0.010, **{a.COST_CACHE_SAVING: 0.003}), **first)
    inner = sent.task("extract", "02 10:00:01", 1, within=first["id"])
    sent.call("02 10:00:01", 300, openai(0.001), id=inner, workload="extract", within=first["id"])
    judge("1", "03 10:00:00", "accept")

    failed = run("2", "02 11:00:00", 1, attributes={a.TASK_STATUS: "failed", a.ERROR_TYPE: "ValueError"})
    sent.call("02 11:00:00", 800, openai(0.002), **failed)
    again = run("2", "02 12:00:00", 3)
    sent.call("02 12:00:00", 2500, openai(0.008, **{a.RESEND_COUNT: 2}), **again)
    judge("2", "03 11:00:00", "reject", id="two", revision=1)
    judge("2", "08 11:00:00", "accept", id="two", revision=2)

    sent.call("03 09:00:00", 3000, openai(0.030), **run("3", "03 09:00:00", 4))
    judge("3", "03 09:30:00", "reject")
    judge("3", "04 09:00:00", "accept", source="automated")

    fourth = run("4", "04 09:00:00", 5)
    refused = {a.PROVIDER: "openai", a.REQUEST_MODEL: "gpt-small", a.COST_BASIS: "unknown"}
    sent.call("04 09:00:00", 100, refused | {a.ERROR_TYPE: "openai.APIConnectionError"}, **fourth)
    leg = {a.FALLBACK_FROM: "gpt-small", a.FALLBACK_TO: "claude-mid", a.FALLBACK_REASON: "openai.APIConnectionError"}
    claude = {
        a.PROVIDER: "anthropic",
        a.REQUEST_MODEL: "claude-mid",
        a.RESPONSE_MODEL: "claude-mid",
        a.TIER: "frontier",
    }
    sent.call("04 09:00:01", 4000, openai(0.020) | claude | leg, **fourth)
    judge("4", "04 10:00:00", "escalate")

    sent.call("20 23:00:00", 5000, openai(0.012), **run("5", "20 23:00:00", 6))

    own = {a.PROVIDER: "llama_cpp", a.REQUEST_MODEL: "tiny", a.RESPONSE_MODEL: "tiny", a.COST_BASIS: "self_hosted"}
    own |= {a.INPUT_TOKENS: 50, a.OUTPUT_TOKENS: 5, a.ENERGY: 12.5, a.ENERGY_METHOD: "metered", a.TIER: "local"}
    sent.call("04 12:00:00", 200, own, **run("6", "04 12:00:00", 7))
    judge("6", "04 13:00:00", "accept")

    unknown = openai(None) | {a.REQUEST_MODEL: "house-model", a.RESPONSE_MODEL: "house-model"}
    sent.call("05 12:00:00", 600, unknown, **run("7", "05 12:00:00", 8))
    judge("7", "05 13:00:00", "accept", id="seven", revision=1)
    judge("7", "05 14:00:00", "accept", id="seven", revision=2, voided=True)

    judge("99", "06 12:00:00", "accept")


def summaries(sent: Telemetry) -> None:
    """Workload `summarise`, one run a task: eight at 0.01 USD that passed, two at 0.02 USD that did not."""
    for i in range(10):
        passed = i < 8
        task_id = sent.task("summarise", f"10 {i:02}:00:00", i + 1)
        cost = openai(0.01 if passed else 0.02, **{a.REQUEST_STREAM: True, a.TIME_TO_FIRST_CHUNK: (i + 1) / 10})
        sent.call(f"10 {i:02}:00:00", 500, cost, id=task_id, workload="summarise")
        verdict = {a.TASK_ID: task_id, a.SIGNAL_PASSED: passed, a.EVALUATION_VALUE: 0.5}
        sent.signal(f"10 {i:02}:01:00", "score", verdict | {a.WORKLOAD: "summarise"})


def agents(sent: Telemetry) -> None:
    """Workload `agent`, which calls itself, and one run of it that has not ended."""
    outer = sent.task("agent", "12 08:00:00", 9)
    inner = sent.task("agent", "12 08:00:01", 5, within=outer)
    sent.call("12 08:00:00", 100, openai(0.001), id=outer, workload="agent")
    sent.call("12 08:00:02", 100, openai(0.002), id=inner, workload="agent", within=outer)
    sent.call("12 09:00:00", 100, openai(0.004), id=str(UUID(int=12345)), workload="agent")


def deliver(store: Store) -> None:
    """Insert the three weeks, every request again in batches of another cut, outcomes before their tasks."""
    sent = Telemetry()
    tickets(sent)
    summaries(sent)
    agents(sent)
    sent.call("07 00:00:00", 100, openai(0.0005))
    traces, logs = sent.traces.SerializeToString(), sent.logs.SerializeToString()
    store.insert_protobuf("logs", framed([logs]), "logs-1")
    store.insert_protobuf("traces", framed([traces]), "traces-1")
    store.insert_protobuf("traces", framed([traces, traces]), "traces-2")
    store.insert_protobuf("logs", framed([logs, logs]), "logs-2")
    store.settle_tasks()
