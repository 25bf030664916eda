"""What is stored against what was sent, and every view against a query that computes the same without it."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from tests.collectors.exactness.traffic import Ledger

Query = Callable[[str], list[dict[str, Any]]]


class Pair(NamedTuple):
    """Two queries with the same rows: one asks a view, one computes it by brute force from the spans as they came."""

    name: str
    view: str
    brute_force: str


SPANS = "(SELECT * FROM otel_traces WHERE SpanAttributes['worthwhile.span.type'] = '{}' LIMIT 1 BY TraceId, SpanId)"

PAIRS = [
    Pair(
        "calls_final",
        """
        SELECT workload, provider, toString(toDate(ts)) AS day, count() AS n, sum(input_tokens) AS input,
               sum(output_tokens) AS output, toString(sum(cost_usd)) AS cost
        FROM calls_final GROUP BY ALL ORDER BY ALL
        """,
        f"""
        SELECT SpanAttributes['worthwhile.workload'] AS workload, SpanAttributes['gen_ai.provider.name'] AS provider,
               toString(toDate(Timestamp, 'UTC')) AS day, count() AS n,
               sum(toUInt64(SpanAttributes['gen_ai.usage.input_tokens'])) AS input,
               sum(toUInt64(SpanAttributes['gen_ai.usage.output_tokens'])) AS output,
               toString(sum(toDecimal128(SpanAttributes['worthwhile.cost.amount'], 12))) AS cost
        FROM {SPANS.format("call")} GROUP BY ALL ORDER BY ALL
        """,
    ),
    *(
        Pair(
            view,
            f"""
            SELECT workload, provider, toString(toStartOfInterval(ts, INTERVAL 1 {grain}, 'UTC')) AS since,
                   sum(calls) AS n, sum(input_tokens) AS input, toString(sum(cost_usd)) AS cost
            FROM {view} GROUP BY ALL ORDER BY ALL
            """,
            f"""
            SELECT SpanAttributes['worthwhile.workload'] AS workload,
                   SpanAttributes['gen_ai.provider.name'] AS provider,
                   toString(toStartOfInterval(toDateTime(Timestamp, 'UTC'), INTERVAL 1 {grain}, 'UTC')) AS since,
                   count() AS n, sum(toUInt64(SpanAttributes['gen_ai.usage.input_tokens'])) AS input,
                   toString(sum(toDecimal128(SpanAttributes['worthwhile.cost.amount'], 12))) AS cost
            FROM {SPANS.format("call")} GROUP BY ALL ORDER BY ALL
            """,
        )
        for view, grain in (("calls_minutely", "MINUTE"), ("calls_hourly", "HOUR"), ("calls_daily", "DAY"))
    ),
    Pair(
        "attempts_final",
        "SELECT workload, http_status, number, count() AS n FROM attempts_final GROUP BY ALL ORDER BY ALL",
        f"""
        SELECT SpanAttributes['worthwhile.workload'] AS workload,
               toUInt16(event['http.response.status_code']) AS http_status,
               toUInt32(event['worthwhile.attempt.number']) AS number, count() AS n
        FROM {SPANS.format("call")} ARRAY JOIN Events.Attributes AS event GROUP BY ALL ORDER BY ALL
        """,
    ),
    Pair(
        "tasks",
        """
        SELECT workload, count() AS runs, sum(calls) AS calls, toString(sum(cost_usd)) AS cost
        FROM tasks GROUP BY ALL ORDER BY ALL
        """,
        f"""
        SELECT SpanAttributes['worthwhile.workload'] AS workload,
               uniqExact(SpanAttributes['worthwhile.task.id']) AS runs, count() AS calls,
               toString(sum(toDecimal128(SpanAttributes['worthwhile.cost.amount'], 12))) AS cost
        FROM {SPANS.format("call")} GROUP BY ALL ORDER BY ALL
        """,
    ),
    Pair(
        "outcomes",
        "SELECT workload, countIf(verdict = 1) AS accepted, count() AS judged FROM outcomes GROUP BY ALL ORDER BY ALL",
        """
        SELECT LogAttributes['worthwhile.workload'] AS workload,
               uniqExactIf(LogAttributes['worthwhile.task.key'],
                 LogAttributes['worthwhile.signal.kind'] = 'accept') AS accepted,
               uniqExact(LogAttributes['worthwhile.task.key']) AS judged
        FROM otel_logs GROUP BY ALL ORDER BY ALL
        """,
    ),
]
"""A view of totals belongs here: one row, and every test of exactness holds it to the raw spans."""

CALLS = """
SELECT workload, provider, count() AS calls, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
       toString(sum(cost_usd)) AS cost
FROM calls_final GROUP BY workload, provider
"""
ATTEMPTS = "SELECT workload, http_status AS status, count() AS n FROM attempts_final GROUP BY workload, http_status"
RUNS = "SELECT workload, count() AS n FROM task_runs FINAL GROUP BY workload"
SIGNALS = "SELECT workload, kind, count() AS n FROM signals FINAL GROUP BY workload, kind"
DUPLICATES = """
SELECT (SELECT count() FROM calls) - (SELECT count() FROM calls FINAL) AS calls,
       (SELECT count() FROM attempts) - (SELECT count() FROM attempts FINAL) AS attempts,
       (SELECT count() FROM task_runs) - (SELECT count() FROM task_runs FINAL) AS task_runs,
       (SELECT count() FROM signals) - (SELECT count() FROM signals FINAL) AS signals,
       (SELECT count() - uniqExact(TraceId, SpanId) FROM otel_traces) AS otel_traces,
       (SELECT count() - uniqExact(LogAttributes['worthwhile.signal.id']) FROM otel_logs) AS otel_logs
"""
"""Rows that are there twice or more until a merge; no view of ours shows them. The raw tables keep them."""


def check(query: Query, ledger: Ledger) -> None:
    """Fails unless every stored total is what was sent, and every view says the same as brute force."""
    stored = {(row["workload"], row["provider"]): row for row in query(CALLS)}
    assert {group: int(row["calls"]) for group, row in stored.items()} == dict(ledger.calls)
    assert {group: int(row["input_tokens"]) for group, row in stored.items()} == dict(ledger.input_tokens)
    assert {group: int(row["output_tokens"]) for group, row in stored.items()} == dict(ledger.output_tokens)
    picousd = {group: int(Decimal(row["cost"]) * 10**12) for group, row in stored.items()}
    assert picousd == dict(ledger.cost_picousd)
    assert {(row["workload"], row["status"]): int(row["n"]) for row in query(ATTEMPTS)} == dict(ledger.attempts)
    assert {row["workload"]: int(row["n"]) for row in query(RUNS)} == dict(ledger.task_runs)
    assert {(row["workload"], row["kind"]): int(row["n"]) for row in query(SIGNALS)} == dict(ledger.signals)
    for pair in PAIRS:
        assert query(pair.view) == query(pair.brute_force), pair.name


def duplicates(query: Query) -> dict[str, int]:
    """Rows by table that a merge will take away, or, in the raw tables, that are there twice for good."""
    return {table: int(count) for table, count in query(DUPLICATES)[0].items()}
