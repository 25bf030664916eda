"""What a cluster for so many spans a second needs, with the arithmetic."""

import argparse
import dataclasses
import json
import sys

from worthwhile_collectors.errors import UsageError
from worthwhile_collectors.sizing import COEFFICIENTS, Load, Size, size


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the load, each part of it with its default."""
    parser.add_argument("--spans-per-second", type=float, required=True, metavar="N", help="mean over the day")
    for name, meaning in (
        ("calls_share", "share of spans that are model calls"),
        ("peak", "highest minute over the mean"),
        ("raw_days", "days that raw spans are kept"),
        ("calls_days", "days that calls are kept"),
        ("rollup_days", "days that roll-ups are kept"),
        ("replicas", "copies of each row"),
        ("cores", "cores of one server"),
        ("busy", "share of its cores for inserts and merges at the peak"),
        ("disk_tb", "disk of one server, in TB"),
    ):
        default = Load.__dataclass_fields__[name].default
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=type(default),
            default=default,
            metavar="N",
            help=f"{meaning} [{default}]",
        )
    parser.add_argument("--json", action="store_true", help="JSON to stdout, coefficients and sources included")


def run(arguments: argparse.Namespace) -> int:
    """Prints the size."""
    given = {field.name: getattr(arguments, field.name) for field in dataclasses.fields(Load)}
    try:
        load = Load(**given)
    except ValueError as err:
        raise UsageError(str(err), hint="worthwhile size --spans-per-second 100000") from err
    found = size(load)
    if arguments.json:
        coefficients = {name: dataclasses.asdict(one) for name, one in COEFFICIENTS.items()}
        told = {"load": given, "size": dataclasses.asdict(found), "coefficients": coefficients}
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        sys.stdout.write(_table(load, found))
    return 0


def _table(load: Load, found: Size) -> str:
    rows = [
        ("spans a second, mean and peak", f"{load.spans_per_second:,.0f} and {load.spans_per_second * load.peak:,.0f}"),
        ("spans in an insert", f"{found.batch_spans:,} ({found.inserts_per_second:.2f} inserts/s in all)"),
        ("cores for inserts and merges", f"{found.insert_cores:,.1f} at the peak, all replicas"),
        ("servers", f"{found.servers} = {found.shards} shards x {load.replicas} replicas, {load.cores} cores each"),
        ("disk a server", f"{found.disk_bytes_per_server / 1e12:,.2f} TB of {load.disk_tb:g}, compressed and merged"),
        ("disk a day, all replicas", f"{found.disk_bytes_per_day / 1e9:,.1f} GB"),
        ("network at the peak", f"{found.network_bytes_per_second / 1e6:,.1f} MB/s OTLP and parts for replicas"),
        (
            "collector cores",
            f"{found.collector_cores:,.1f} (OpenTelemetry Collector; our own collector needs far less)",
        ),
        ("Keeper operations a second", f"{found.keeper_operations_per_second:,.0f}"),
    ]
    lines = [f"{name:34}{value}" for name, value in rows]
    lines += [f"\nmind: {limit}" for limit in found.limits]
    lines += ["", "from:"]
    lines += [f"  {one.value:>8,g} {one.unit:22}{one.source}" for one in COEFFICIENTS.values()]
    return "\n".join(lines) + "\n"
