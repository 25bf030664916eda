"""Configurations of collectors in front of this store, filled in."""

import argparse
import re
import sys
from importlib.resources import files
from typing import Final
from urllib.parse import unquote, urlsplit

from worthwhile_collectors.errors import UsageError
from worthwhile_collectors.settings import Settings, add_flags, load

CONFIGURATIONS: Final = {
    "otel-collector.yaml": "OpenTelemetry Collector (contrib) that inserts into ClickHouse, with its queue on disk",
    "otel-collector-balancer.yaml": "a first tier that spreads spans over such collectors, by task",
    "otel-collector-kafka.yaml": "OpenTelemetry Collector that writes to Kafka",
    "kafka.sql": "ClickHouse tables and views that read those topics",
    "otlp.proto": "the schema that these tables need on each server",
    "rotel.env": "environment of Rotel that inserts into ClickHouse",
    "cluster.xml": "ClickHouse servers' own file: macros, shards, Keeper",
}

_PLACE: Final = re.compile(r"(?<!\$)\{(\w+)\}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds which configuration and what is in it."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="one of those listed without a name")
    parser.add_argument("--brokers", metavar="HOST:PORT[,...]", default="kafka:9092", help="Kafka brokers [kafka:9092]")
    parser.add_argument(
        "--collectors",
        metavar="HOST",
        default="otel-collectors",
        help="name that resolves to the collectors of the second tier [otel-collectors]",
    )
    add_flags(parser, "clickhouse", "cluster")


def run(arguments: argparse.Namespace) -> int:
    """Prints one configuration, or what there is."""
    settings = load(arguments).settings
    if arguments.name is None:
        sys.stdout.writelines(f"{name:30}{summary}\n" for name, summary in CONFIGURATIONS.items())
        return 0
    if arguments.name not in CONFIGURATIONS:
        raise UsageError(
            f"printing the configuration `{arguments.name}`: there is none of that name",
            hint=f"one of {', '.join(CONFIGURATIONS)}",
        )
    values = _values(settings, arguments.brokers, arguments.collectors)
    sys.stdout.write(_PLACE.sub(lambda found: values.get(found.group(1), found.group(0)), _text(arguments.name)))
    return 0


def _text(name: str) -> str:
    if name == "otlp.proto":
        return (files("worthwhile_schemas") / "clickhouse" / name).read_text("utf-8")
    return (files("worthwhile_collectors") / "configurations" / name).read_text("utf-8")


def _values(settings: Settings, brokers: str, collectors: str) -> dict[str, str]:
    """What stands in the files in braces. No password: each file says where it is to come from."""
    address = urlsplit(settings.clickhouse or "http://clickhouse:8123")
    is_secure = address.scheme == "https"
    host = f"[{address.hostname}]" if ":" in (address.hostname or "") else address.hostname
    port = address.port or (8443 if is_secure else 8123)
    return {
        "native_endpoint": f"tcp://{host}:{9440 if is_secure else 9000}{'?secure=true' if is_secure else ''}",
        "http_endpoint": f"{address.scheme}://{host}:{port}",
        "database": settings.database(),
        "user": unquote(address.username or "worthwhile_writer"),
        "cluster": settings.cluster if settings.cluster and "{" not in settings.cluster else "main",
        "on_cluster": f" ON CLUSTER '{settings.cluster}'" if settings.cluster else "",
        "brokers": brokers,
        "collectors": collectors,
    }
