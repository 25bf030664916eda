"""A stream of OTLP requests that is the same for the same seed and day, and a ledger of what was in them.

Tasks of a few workloads, each with its run's span, calls of several providers (some with HTTP tries), and a judgement.
Every fact is in one request only, and every request is sent until it is acknowledged: the ledger is what must be there.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

DAY_NS = 86_400_000_000_000
START_NS = (time.time_ns() // DAY_NS - 3) * DAY_NS
"""Midnight UTC three days ago: the tables forget what is old, and the roll-up of minutes looks back a week."""
WORKLOADS = ("ticket-reply", "summary", "triage")
PROVIDERS = ("openai", "anthropic", "gcp.vertex_ai")
KINDS = ("accept", "reject", "escalate")

Kind = Literal["traces", "logs"]


@dataclass
class Ledger:
    """What was sent, each fact once."""

    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    input_tokens: Counter[tuple[str, str]] = field(default_factory=Counter)
    output_tokens: Counter[tuple[str, str]] = field(default_factory=Counter)
    cost_picousd: Counter[tuple[str, str]] = field(default_factory=Counter)
    attempts: Counter[tuple[str, int]] = field(default_factory=Counter)
    task_runs: Counter[str] = field(default_factory=Counter)
    signals: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass
class Traffic:
    """Requests without end; `ledger` has those that were taken from it."""

    seed: int
    ledger: Ledger = field(default_factory=Ledger)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._number = 0

    def requests(self, tasks: int = 3) -> Iterator[tuple[Kind, bytes]]:
        """For ever: three trace requests of so many tasks each, then the judgements of these tasks."""
        while True:
            judged: list[tuple[str, str]] = []
            for _ in range(3):
                request = ExportTraceServiceRequest()
                group = request.resource_spans.add()
                _set(group.resource.attributes, {"service.name": "exact"})
                scope = group.scope_spans.add()
                scope.scope.name = "worthwhile"
                judged += [self._task(scope) for _ in range(tasks)]
                yield "traces", request.SerializeToString()
            yield "logs", self._judgements(judged)

    def _task(self, scope: Any) -> tuple[str, str]:
        workload, key = self._random.choice(WORKLOADS), f"key-{self._next()}"
        about = {"worthwhile.workload": workload, "worthwhile.task.key": key}
        about["worthwhile.task.id"] = f"019a4000-0000-7000-8000-{self._next():012x}"
        for _ in range(self._random.randint(1, 4)):
            self._call(scope, about)
        self._span(scope, "task", about | {"worthwhile.span.type": "task", "worthwhile.task.status": "completed"})
        self.ledger.task_runs[workload] += 1
        return workload, key

    def _call(self, scope: Any, about: dict[str, Any]) -> None:
        provider = self._random.choice(PROVIDERS)
        tokens = (self._random.randint(1, 5000), self._random.randint(1, 900))
        picousd = self._random.randint(1, 9_999_999) * 1000
        tries = self._random.choice((1, 1, 1, 2, 3))
        span = self._span(
            scope,
            "chat m",
            about
            | {
                "worthwhile.span.type": "call",
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": provider,
                "gen_ai.request.model": "exact-model",
                "gen_ai.usage.input_tokens": tokens[0],
                "gen_ai.usage.output_tokens": tokens[1],
                "worthwhile.usage.basis": "reported",
                "worthwhile.cost.amount": float(Decimal(picousd) / 10**12),
                "worthwhile.cost.basis": "provider",
                "http.request.resend_count": tries - 1,
            },
        )
        for number in range(1, tries + 1 if tries > 1 else 1):
            event = span.events.add(name="worthwhile.attempt", time_unix_nano=span.start_time_unix_nano)
            status = 200 if number == tries else 429
            _set(event.attributes, {"worthwhile.attempt.number": number, "http.response.status_code": status})
            self.ledger.attempts[about["worthwhile.workload"], status] += 1
        group = about["worthwhile.workload"], provider
        self.ledger.calls[group] += 1
        self.ledger.input_tokens[group] += tokens[0]
        self.ledger.output_tokens[group] += tokens[1]
        self.ledger.cost_picousd[group] += picousd

    def _span(self, scope: Any, name: str, attributes: dict[str, Any]) -> Any:
        number = self._next()
        span = scope.spans.add(name=name, kind=3, trace_id=(number // 7 + 1).to_bytes(16), span_id=number.to_bytes(8))
        span.start_time_unix_nano = START_NS + number * 977_000_000
        span.end_time_unix_nano = span.start_time_unix_nano + 250_000_000
        _set(span.attributes, attributes)
        return span

    def _judgements(self, judged: list[tuple[str, str]]) -> bytes:
        request = ExportLogsServiceRequest()
        records = request.resource_logs.add().scope_logs.add()
        for workload, key in judged:
            kind = self._random.choice(KINDS)
            record = records.log_records.add(event_name="gen_ai.evaluation.result")
            record.time_unix_nano = START_NS + self._next() * 1_000_000_000
            _set(
                record.attributes,
                {
                    "worthwhile.signal.id": f"signal-{workload}-{key}",
                    "worthwhile.signal.kind": kind,
                    "worthwhile.signal.source": "human",
                    "worthwhile.signal.revision": 1,
                    "worthwhile.workload": workload,
                    "worthwhile.task.key": key,
                },
            )
            self.ledger.signals[workload, kind] += 1
        return request.SerializeToString()

    def _next(self) -> int:
        self._number += 1
        return self._number


def _set(attributes: Any, values: dict[str, Any]) -> None:
    for key, value in values.items():
        target = attributes.add(key=key).value
        if isinstance(value, str):
            target.string_value = value
        elif isinstance(value, float):
            target.double_value = value
        else:
            target.int_value = value


def spans_of(bodies: list[bytes]) -> list[bytes]:
    """Each span of these trace requests as a request of its own: what an intermediary may make new requests from."""
    singles = []
    for body in bodies:
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scoped in group.scope_spans:
                for span in scoped.spans:
                    single = ExportTraceServiceRequest()
                    resource = single.resource_spans.add(resource=group.resource)
                    resource.scope_spans.add(scope=scoped.scope).spans.append(span)
                    singles.append(single.SerializeToString())
    return singles


def joined(bodies: list[bytes]) -> bytes:
    """Several trace requests as one: protobuf messages that stand behind each other are one message."""
    return b"".join(bodies)
