"""The columns that programs rely on, in the database as it is made."""

import re

from worthwhile_collectors.store import Store
from worthwhile_schemas.attributes import ATTRIBUTES
from worthwhile_schemas.canonical import CANONICAL
from worthwhile_schemas.dialect_files import shipped

MAP = "Map(LowCardinality(String), String)"
# Columns of the OpenTelemetry Collector's ClickHouse exporter. Source: opentelemetry-collector-contrib,
# exporter/clickhouseexporter/internal/sql_templates (traces); for logs the layout since 0.151, as readers describe it.
OTEL_TRACES = {
    "Timestamp": "DateTime64(9)",
    "TraceId": "String",
    "SpanId": "String",
    "ParentSpanId": "String",
    "TraceState": "String",
    "SpanName": "LowCardinality(String)",
    "SpanKind": "LowCardinality(String)",
    "ServiceName": "LowCardinality(String)",
    "ResourceAttributes": MAP,
    "ScopeName": "String",
    "ScopeVersion": "String",
    "SpanAttributes": MAP,
    "Duration": "UInt64",
    "StatusCode": "LowCardinality(String)",
    "StatusMessage": "String",
    "Events.Timestamp": "Array(DateTime64(9))",
    "Events.Name": "Array(LowCardinality(String))",
    "Events.Attributes": f"Array({MAP})",
    "Links.TraceId": "Array(String)",
    "Links.SpanId": "Array(String)",
    "Links.TraceState": "Array(String)",
    "Links.Attributes": f"Array({MAP})",
}
OTEL_LOGS = {
    "Timestamp": "DateTime64(9)",
    "TraceId": "String",
    "SpanId": "String",
    "TraceFlags": "UInt8",
    "SeverityText": "LowCardinality(String)",
    "SeverityNumber": "UInt8",
    "ServiceName": "LowCardinality(String)",
    "Body": "String",
    "ResourceSchemaUrl": "LowCardinality(String)",
    "ResourceAttributes": MAP,
    "ScopeSchemaUrl": "LowCardinality(String)",
    "ScopeName": "String",
    "ScopeVersion": "LowCardinality(String)",
    "ScopeAttributes": MAP,
    "LogAttributes": MAP,
    "EventName": "String",
}
TRACE_ID_TS = {"TraceId": "String", "Start": "DateTime", "End": "DateTime"}
# Names of DESIGN.md, section 5.
RELIED_UPON = {
    "calls_final": (
        "ts, trace_id, span_id, parent_span_id, task_id, workload, service, dialect, operation, provider, "
        "request_model, response_model, tier, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, "
        "reasoning_tokens, usage_basis, cost_usd, cost_basis, price_version, energy_uj, energy_method, duration_ns, "
        "ttft_ns, finish_reason, error_type, cache_kind, fallback_from, fallback_to, fallback_reason, sample_weight, "
        "attrs"
    ),
    "tasks": "task_id, workload, task_key, ts, duration_ns, status, cost_usd, energy_uj",
    "signals": "signal_id, task_id, workload, task_key, kind, value, actor, source, event_ts, revision, voided",
}
OURS = ("calls", "attempts", "task_runs", "signals")
SUFFIXES = {"_tokens": "tokens", "_usd": "USD", "_ns": "ns", "_uj": "uJ"}
TYPES = {"_tokens": "Nullable(UInt64)", "_usd": "Nullable(Decimal(18, 12))", "_uj": "Nullable(UInt64)"}


def columns(store: Store, table: str) -> dict[str, dict[str, str]]:
    sql = """
        SELECT name, type, comment FROM system.columns
        WHERE database = currentDatabase() AND table = {table:String} ORDER BY position
    """
    return {
        str(row["name"]): {key: str(value) for key, value in row.items()} for row in store.query(sql, {"table": table})
    }


def types(store: Store, table: str) -> dict[str, str]:
    return {name: column["type"] for name, column in columns(store, table).items()}


def test_raw_tables_have_exactly_the_exporters_columns(store: Store) -> None:
    assert types(store, "otel_traces") == OTEL_TRACES
    assert types(store, "otel_logs") == OTEL_LOGS
    assert types(store, "otel_traces_trace_id_ts") == TRACE_ID_TS


def test_names_that_programs_rely_on_are_there(store: Store) -> None:
    for table, names in RELIED_UPON.items():
        assert set(names.split(", ")) - columns(store, table).keys() == set(), table
    assert columns(store, "calls_final").keys() == columns(store, "calls").keys()


def test_every_column_of_ours_says_what_it_means(store: Store) -> None:
    for table in OURS:
        for name, column in columns(store, table).items():
            assert column["comment"], f"{table}.{name}"
            for suffix, unit in SUFFIXES.items():
                if name.endswith(suffix):
                    assert column["comment"].endswith(f"[{unit}]"), f"{table}.{name}"


def test_money_tokens_and_energy_have_one_type_each_and_can_be_unknown(store: Store) -> None:
    for table in OURS:
        for name, column in types(store, table).items():
            for suffix, expected in TYPES.items():
                if name.endswith(suffix):
                    assert column == expected, f"{table}.{name}"


def test_the_dialects_fill_the_columns_of_calls(store: Store) -> None:
    """Every canonical column is one of `calls`, and what is left comes from the span itself."""
    stored = columns(store, "calls").keys()
    assert CANONICAL.keys() - stored == {"total_tokens"}
    from_span = {
        "ts",
        "trace_id",
        "span_id",
        "parent_span_id",
        "service",
        "dialect",
        "scope",
        "span_name",
        "duration_ns",
    }
    made = {"task_ref", "quality", "attrs", "ingested_at"}
    priced = {"cost_compute_usd", "repricings"}
    assert stored - CANONICAL.keys() == from_span | made | priced


def test_columns_of_other_views_read_attributes_that_exist(store: Store) -> None:
    """The hand-written materialised views of attempts, task runs and signals."""
    sql = "SELECT name, as_select FROM system.tables WHERE database = currentDatabase() AND engine = 'MaterializedView'"
    written = {str(row["name"]): str(row["as_select"]) for row in store.query(sql)}
    for view in ("attempts_mv", "task_runs_mv", "signals_mv"):
        keys = set(re.findall(r"\[\\?'((?:gen_ai|worthwhile|error|http)\.[\w.]+)\\?'\]", written[view]))
        assert keys, view
        assert keys - ATTRIBUTES.keys() == set(), view
    assert len(shipped().dialects) > 1
