"""Sizing: the arithmetic by hand, how it scales, and coefficients that are no better than what was measured."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from worthwhile_collectors.sizing import COEFFICIENTS, Load, size

RESULTS = json.loads((Path(__file__).parents[3] / "benchmarks" / "results.json").read_text())


def measured(name: str) -> float:
    return float(RESULTS[name]["value"])


def test_coefficients_promise_no_more_than_was_measured() -> None:
    """A benchmark that became better leaves the sizing too careful; one that became worse fails here."""
    slack = 1.25
    assert COEFFICIENTS["insert_cpu_us"].value * slack >= 1e6 / measured("ingest_spans_per_cpu_s_full_chain")
    for name, figure in (
        ("otlp_bytes", "ingest_otlp_bytes_per_span"),
        ("calls_bytes", "calls_bytes_per_row"),
        ("raw_bytes", "otel_traces_bytes_per_row"),
    ):
        assert COEFFICIENTS[name].value * slack >= measured(figure), name


def test_every_coefficient_has_a_source() -> None:
    for name, coefficient in COEFFICIENTS.items():
        assert coefficient.value > 0, name
        known = ("results.json", "assumed", "README", "documentation", "bench_", "on disk")
        assert any(word in coefficient.source for word in known), name


def test_the_arithmetic_of_a_thousand_spans_a_second() -> None:
    c = {name: one.value for name, one in COEFFICIENTS.items()}
    found = size(Load(1000, peak=1.0, replicas=1, calls_share=0.5, raw_days=1, calls_days=10, rollup_days=0 + 1))
    assert found.batch_spans == 1000
    assert found.inserts_per_second == 1
    cpu = 1000 * c["insert_cpu_us"] / 1e6 * c["merge_factor"] + c["insert_fixed_cpu_s"]
    assert found.insert_cores == pytest.approx(cpu)
    rollup = 24 * c["hour_rows"] * c["hour_row_bytes"]
    day = 86_400_000
    assert found.disk_bytes_per_server == pytest.approx(
        day * c["raw_bytes"] + 10 * day * 0.5 * c["calls_bytes"] + rollup
    )
    assert (found.shards, found.servers) == (1, 1)
    assert found.network_bytes_per_second == pytest.approx(1000 * c["otlp_bytes"])


@pytest.mark.parametrize("spans", [1_000, 100_000, 1_000_000])
def test_servers_hold_the_peak_in_the_share_of_their_cores(spans: int) -> None:
    load = Load(spans)
    found = size(load)
    assert found.insert_cores <= found.servers * load.cores * load.busy
    assert found.disk_bytes_per_server <= load.disk_tb * 1e12 * COEFFICIENTS["disk_share"].value
    fewer = found.shards - 1
    lacks_cores = found.insert_cores > fewer * load.replicas * load.cores * load.busy
    lacks_disk = found.disk_bytes_per_server * found.shards > fewer * load.disk_tb * 1e12 * 0.7
    assert lacks_cores or lacks_disk
    assert found.batch_spans <= 100_000


def test_more_of_anything_needs_no_less() -> None:
    base = Load(100_000)
    first = size(base)
    for change in ({"spans_per_second": 200_000.0}, {"peak": 4.0}, {"replicas": 3}, {"calls_days": 365}):
        more = size(replace(base, **change))
        assert more.servers >= first.servers
        assert more.servers * more.disk_bytes_per_server >= first.servers * first.disk_bytes_per_server


@pytest.mark.parametrize("change", [{"spans_per_second": 0}, {"calls_share": 1.5}, {"peak": 0.5}, {"replicas": 9}])
def test_a_load_that_cannot_be_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(change))}` is `"):
        Load(**({"spans_per_second": 1000} | change))


def test_the_command_prints_the_size_and_where_it_is_from(worthwhile) -> None:
    done = worthwhile("size", "--spans-per-second", "1000000")
    assert done.returncode == 0
    found = size(Load(1_000_000))
    assert f"{found.servers} = {found.shards} shards x 2 replicas" in done.stdout
    assert all(coefficient.source in done.stdout for coefficient in COEFFICIENTS.values())
    told = json.loads(worthwhile("size", "--spans-per-second", "1000000", "--json").stdout)
    assert told["size"]["shards"] == found.shards
    assert worthwhile("size", "--spans-per-second", "-1").returncode == 2
