"""What a store for so many spans a second needs: arithmetic on measured coefficients, each with its source.

A machine of yours differs from the one of the benchmarks: run `benchmarks/run.py ingest` there before buying.
Everything here is an estimate, and a coefficient without a measurement says so.
"""

import math
from dataclasses import dataclass
from typing import Final

SECONDS_PER_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A number that the arithmetic rests on.

    Attributes:
        value: The number.
        unit: Its unit.
        source: Where it is from: a figure of `benchmarks/results.json`, or a document.
    """

    value: float
    unit: str
    source: str


COEFFICIENTS: Final = {
    "insert_cpu_us": Coefficient(52.0, "us of CPU/span", "1 / ingest_spans_per_cpu_s_full_chain of results.json"),
    "insert_fixed_cpu_s": Coefficient(0.1, "s of CPU/insert", "the views are analysed once an insert; bench_ingest"),
    "merge_factor": Coefficient(1.5, "x", "assumed: merges cost half of what inserts cost; watch system.part_log"),
    "otlp_bytes": Coefficient(1_601.0, "By/span", "ingest_otlp_bytes_per_span of results.json, 38 attributes"),
    "fetched_share": Coefficient(0.26, "x", "(calls + raw bytes on disk) / OTLP bytes: what a replica fetches"),
    "collector_cpu_us": Coefficient(25.0, "us of CPU/span", "clickhouseexporter README: 40 k records/s and core"),
    "calls_bytes": Coefficient(148.0, "By/call", "calls_bytes_per_row of results.json, merged"),
    "raw_bytes": Coefficient(274.0, "By/span", "otel_traces_bytes_per_row of results.json, merged"),
    "hour_row_bytes": Coefficient(110.0, "By/row", "assumed: a row of an hourly roll-up, its sketches included"),
    "hour_rows": Coefficient(400.0, "row/h", "assumed: combinations of workload, model, service and route in an hour"),
    "keeper_operations": Coefficient(30.0, "operation/insert", "assumed: 10 tables of the chain, 3 a new part"),
    "keeper_limit": Coefficient(5_000.0, "operation/s", "assumed for an ensemble of three on SSDs: measure yours"),
    "disk_share": Coefficient(0.7, "x", "assumed: how full a disk may be; merges write the new part before the old go"),
    "part_limit": Coefficient(1.0, "insert/s and shard", "ClickHouse documentation: about one insert a second"),
}
"""`results.json` is `benchmarks/results.json`: two shared cores, November 2026."""


@dataclass(frozen=True, slots=True)
class Load:
    """What comes in and how long it is kept.

    Attributes:
        spans_per_second: Mean over the day.
        calls_share: Share of spans that are model calls.
        peak: Highest minute over the mean.
        raw_days: Retention of `otel_traces`.
        calls_days: Retention of `calls`.
        rollup_days: Retention of roll-ups.
        replicas: Copies of each row.
        cores: Cores of one server.
        busy: Share of a server's cores that inserts and merges may take at the peak; the rest is for queries.
        disk_tb: Disk of one server [TB].
    """

    spans_per_second: float
    calls_share: float = 0.6
    peak: float = 2.0
    raw_days: int = 7
    calls_days: int = 90
    rollup_days: int = 760
    replicas: int = 2
    cores: int = 32
    busy: float = 0.5
    disk_tb: float = 30.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("spans_per_second", 0.0, 1e9),
            ("calls_share", 0.0, 1.0),
            ("peak", 1.0, 100.0),
            ("busy", 0.05, 1.0),
            ("replicas", 1, 5),
            ("cores", 1, 1024),
            ("disk_tb", 0.1, 10_000),
        ):
            value = getattr(self, name)
            if not low <= value <= high or value == 0:
                raise ValueError(f"sizing a store: `{name}` is `{value}`, expected above 0 and {low:g} to {high:g}")


@dataclass(frozen=True, slots=True)
class Size:
    """The answer. Bytes are on disk, compressed and merged; servers are `shards` times `replicas`."""

    batch_spans: int
    inserts_per_second: float
    insert_cores: float
    shards: int
    servers: int
    disk_bytes_per_server: float
    disk_bytes_per_day: float
    network_bytes_per_second: float
    collector_cores: float
    keeper_operations_per_second: float
    limits: tuple[str, ...]


def size(load: Load) -> Size:
    """How many servers, how much disk, how many inserts."""
    c = {name: coefficient.value for name, coefficient in COEFFICIENTS.items()}
    peak_spans = load.spans_per_second * load.peak
    batch = round(min(100_000, max(1_000, peak_spans)))
    inserts = peak_spans / batch
    # Both replicas of a shard write and merge every row: the leader inserts it, the other one fetches the part.
    insert_cpu = peak_spans * c["insert_cpu_us"] / 1e6 + inserts * c["insert_fixed_cpu_s"]
    merge_cpu = peak_spans * c["insert_cpu_us"] / 1e6 * (c["merge_factor"] - 1) * load.replicas
    cores = insert_cpu + merge_cpu
    spans_a_day = load.spans_per_second * SECONDS_PER_DAY
    raw, calls = spans_a_day * c["raw_bytes"], spans_a_day * load.calls_share * c["calls_bytes"]
    rollups = 24 * c["hour_rows"] * c["hour_row_bytes"]
    kept = raw * load.raw_days + calls * load.calls_days + rollups * load.rollup_days
    shards_for_disk = math.ceil(kept / (load.disk_tb * 1e12 * c["disk_share"]))
    shards = max(1, shards_for_disk, math.ceil(cores / (load.cores * load.busy * load.replicas)))
    keeper = inserts * c["keeper_operations"] * load.replicas * min(shards, 4)
    return Size(
        batch_spans=batch,
        inserts_per_second=inserts,
        insert_cores=cores,
        shards=shards,
        servers=shards * load.replicas,
        disk_bytes_per_server=kept / shards,
        disk_bytes_per_day=(raw + calls + rollups) * load.replicas,
        network_bytes_per_second=peak_spans * c["otlp_bytes"] * (1 + (load.replicas - 1) * c["fetched_share"]),
        collector_cores=peak_spans * c["collector_cpu_us"] / 1e6,
        keeper_operations_per_second=keeper,
        limits=_limits(load, inserts / shards, keeper),
    )


def _limits(load: Load, inserts_per_shard: float, keeper: float) -> tuple[str, ...]:
    found = []
    if inserts_per_shard > COEFFICIENTS["part_limit"].value:
        found.append(
            f"{inserts_per_shard:.1f} inserts a second and shard: raise the batch or its wait, or parts pile up "
            "(TOO_MANY_PARTS: parts_to_throw_insert is 3,000)"
        )
    if keeper > COEFFICIENTS["keeper_limit"].value:
        found.append(f"{keeper:.0f} Keeper operations a second: larger batches, or a Keeper for each few shards")
    if load.raw_days > 14:
        found.append(f"raw spans are kept {load.raw_days} days: the largest table, and `calls` needs none of it")
    return tuple(found)
