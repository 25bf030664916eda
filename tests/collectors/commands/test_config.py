"""The shipped configurations: parsed, and every option one that its component documents (read in November 2026).

No OpenTelemetry Collector, Kafka or ClickHouse server runs here; Rotel does, in tests/wire_clickhouse/test_rotel.py.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
import yaml
from tests.collectors.store.otlp import calls

from worthwhile_collectors.commands.config import CONFIGURATIONS
from worthwhile_collectors.store import Store
from worthwhile_schemas import sql

RETRY = {"enabled": bool, "initial_interval": str, "max_interval": str, "max_elapsed_time": str}
QUEUE = {
    "enabled": bool,
    "num_consumers": int,
    "queue_size": int,
    "sizer": str,
    "block_on_overflow": bool,
    "storage": str,
    "batch": {"flush_timeout": str, "min_size": int, "max_size": int, "sizer": str},
}
OTLP_RECEIVER = {
    "protocols": {"grpc": {"endpoint": str, "max_recv_msg_size_mib": int}, "http": {"endpoint": str}},
}
DOCUMENTED: dict[str, dict[str, Any]] = {
    "otlp": OTLP_RECEIVER,
    "memory_limiter": {"check_interval": str, "limit_percentage": int, "spike_limit_percentage": int},
    "file_storage": {"directory": str, "create_directory": bool, "fsync": bool},
    "clickhouse": {
        "endpoint": str,
        "database": str,
        "username": str,
        "password": str,
        "create_schema": bool,
        "traces_table_name": str,
        "logs_table_name": str,
        "compress": str,
        "async_insert": bool,
        "connection_params": {
            "max_partitions_per_insert_block": str,
            "distributed_foreground_insert": str,
            "deduplicate_blocks_in_dependent_materialized_views": str,
        },
        "timeout": str,
        "sending_queue": QUEUE,
        "retry_on_failure": RETRY,
    },
    "loadbalancing": {
        "routing_key": str,
        "routing_attributes": list,
        "protocol": {
            "otlp": {
                "timeout": str,
                "compression": str,
                "tls": {"insecure": bool},
                "sending_queue": QUEUE,
                "retry_on_failure": RETRY,
            }
        },
        "resolver": {"dns": {"hostname": str, "port": str, "interval": str}},
    },
    "kafka": {
        "brokers": list,
        "traces": {"topic": str, "encoding": str},
        "logs": {"topic": str, "encoding": str},
        "partition_traces_by_id": bool,
        "partition_logs_by_trace_id": bool,
        "producer": {"required_acks": int, "compression": str, "max_message_bytes": int},
        "sending_queue": QUEUE,
        "retry_on_failure": RETRY,
    },
}

TRACES_COLUMNS = """
Timestamp DateTime64(9), TraceId String, SpanId String, ParentSpanId String, TraceState String,
SpanName LowCardinality(String), SpanKind LowCardinality(String), ServiceName LowCardinality(String),
ResourceAttributes Map(LowCardinality(String), String), ScopeName String, ScopeVersion String,
SpanAttributes Map(LowCardinality(String), String), Duration UInt64, StatusCode LowCardinality(String),
StatusMessage String, Events.Timestamp Array(DateTime64(9)), Events.Name Array(LowCardinality(String)),
Events.Attributes Array(Map(LowCardinality(String), String)), Links.TraceId Array(String), Links.SpanId Array(String),
Links.TraceState Array(String), Links.Attributes Array(Map(LowCardinality(String), String))
"""
LOGS_COLUMNS = """
Timestamp DateTime64(9), TraceId String, SpanId String, TraceFlags UInt8, SeverityText LowCardinality(String),
SeverityNumber UInt8, ServiceName LowCardinality(String), Body String, ResourceSchemaUrl LowCardinality(String),
ResourceAttributes Map(LowCardinality(String), String), ScopeSchemaUrl LowCardinality(String), ScopeName String,
ScopeVersion LowCardinality(String), ScopeAttributes Map(LowCardinality(String), String),
LogAttributes Map(LowCardinality(String), String), EventName String
"""


@pytest.fixture
def printed(worthwhile):
    def text(name: str, *words: str) -> str:
        done = worthwhile("config", name, "--clickhouse", "https://otel:hunter2@ch.example:8443/shop", *words)
        assert done.returncode == 0, done.stderr
        assert "hunter2" not in done.stdout, "a password was printed"
        return done.stdout

    return text


@pytest.mark.parametrize("name", [name for name in CONFIGURATIONS if name.endswith(".yaml")])
def test_every_option_of_a_collector_is_a_documented_one(printed, name: str) -> None:
    configuration = yaml.safe_load(printed(name))
    components = {}
    for section in ("extensions", "receivers", "processors", "exporters"):
        for component, options in configuration.get(section, {}).items():
            _check(options, DOCUMENTED[component.partition("/")[0]], component)
            components[component] = section
    service = configuration["service"]
    assert set(service.get("extensions", [])) == {c for c, s in components.items() if s == "extensions"}
    assert set(service["pipelines"]) == {"traces", "logs"}
    for pipeline in service["pipelines"].values():
        for section, used in pipeline.items():
            assert all(components[component] == section for component in used)
        assert pipeline["processors"][0] == "memory_limiter", "it must refuse before anything is kept"


def _check(options: dict[str, Any], documented: dict[str, Any], where: str) -> None:
    for name, value in options.items():
        assert name in documented, f"{where}: no option `{name}`"
        if isinstance(documented[name], dict):
            _check(value, documented[name], f"{where}.{name}")
        else:
            assert isinstance(value, documented[name]), f"{where}.{name}: `{value}`"


def test_batches_suit_clickhouse_and_survive_a_restart(printed) -> None:
    exporter = yaml.safe_load(printed("otel-collector.yaml"))["exporters"]["clickhouse"]
    assert exporter["endpoint"] == "tcp://ch.example:9440?secure=true"
    assert (exporter["database"], exporter["username"], exporter["create_schema"]) == ("shop", "otel", False)
    queue = exporter["sending_queue"]
    assert 25_000 <= queue["batch"]["min_size"] <= queue["batch"]["max_size"] <= queue["queue_size"]
    assert queue["storage"] == "file_storage/queue"
    assert queue["block_on_overflow"] is True


@pytest.fixture(scope="module")
def store(migrated_store: Callable[[], AbstractContextManager[Store]]) -> Iterator[Store]:
    with migrated_store() as opened:
        yield opened


@pytest.mark.parametrize(("table", "documented"), [("otel_traces", TRACES_COLUMNS), ("otel_logs", LOGS_COLUMNS)])
def test_the_tables_have_the_columns_that_the_exporter_inserts(store: Store, table: str, documented: str) -> None:
    """Names and types of the exporter's documented DDL (internal/sql_templates), which rotel inserts as well."""
    rows = store.query(
        "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}",
        {"table": table},
    )
    ours = {str(row["name"]): str(row["type"]) for row in rows}
    wanted = dict(
        re.match(r"\s*([\w.]+) (.+)", column).groups() for column in re.split(r",(?![^(]*\))\s*", documented.strip())
    )
    assert {name: ours.get(name) for name in wanted} == wanted
    assert set(ours) == set(wanted), "a column that the exporter does not know must have a default"


@pytest.mark.parametrize("cluster", [(), ("--cluster", "main")])
def test_the_sql_of_kafka_is_parsed(store: Store, printed, cluster: tuple[str, ...]) -> None:
    statements = sql.Script("view", 0, "kafka", printed("kafka.sql", "--brokers", "a:1,b:2", *cluster)).statements
    assert len(statements) == 7
    for statement in statements:
        assert ("ON CLUSTER 'main'" in statement) == bool(cluster)
        assert store.query("SELECT formatQuery({statement:String})", {"statement": statement})


def test_a_kafka_message_is_read_as_the_tables_say(store: Store, printed) -> None:
    """One OTLP request without a length in front, with the printed schema and no other setting."""
    text = " ".join(re.sub(r"//.*", "", printed("otlp.proto")).split())
    assert text == sql.otlp_schema()
    settings = {
        "format_schema_source": "string",
        "format_schema": text,
        "format_schema_message_name": "ExportTraceServiceRequest",
    }
    store._engine.insert(
        "otlp_traces_in", "ProtobufSingle", calls(1, 2, 3, gen_ai__usage__input_tokens=7, note=""), settings
    )
    assert store.query("SELECT count() AS n, sum(input_tokens) AS input FROM calls") == [{"n": 3, "input": 21}]


def test_the_servers_file_is_xml_with_the_clusters_name(printed) -> None:
    root = ET.fromstring(printed("cluster.xml", "--cluster", "main"))
    assert root.find("macros/cluster").text == "main"
    assert len(root.findall("remote_servers/main/shard")) == 2


def test_what_there_is_is_listed_and_a_wrong_name_refused(worthwhile) -> None:
    assert [line.split()[0] for line in worthwhile("config").stdout.splitlines()] == list(CONFIGURATIONS)
    done = worthwhile("config", "collector")
    assert done.returncode == 2
    assert "printing the configuration `collector`" in done.stderr
