"""`worthwhile storage` and `worthwhile settle`."""

import json
from datetime import date

import pytest

from worthwhile_collectors.commands.storage import forecast_of

TODAY = date(2026, 11, 21)


def table(stored: int, a_day: float, keep_days: int | None) -> dict[str, object]:
    return {"table": "t", "bytes": stored, "bytes_per_day": a_day, "keep_days": keep_days}


def test_a_forecast_grows_until_rows_are_deleted_by_age() -> None:
    tables = [table(1000, 100, 30), table(50, 0, None)]
    forecast = forecast_of(tables, until=date(2026, 12, 1), size=2000, today=TODAY)
    assert (forecast.bytes_now, forecast.bytes_per_day, forecast.bytes_until) == (1050, 100, 2050)
    assert forecast.full_on == date(2026, 12, 1)
    assert forecast.bytes_at_rest == 3050
    far = forecast_of(tables, until=date(2030, 1, 1), size=4000, today=TODAY)
    assert (far.bytes_until, far.full_on) == (3050, None)


def test_a_table_that_never_deletes_has_no_rest() -> None:
    forecast = forecast_of([table(0, 100, None)], until=None, size=1000, today=TODAY)
    assert forecast.bytes_at_rest is None
    assert (forecast.bytes_until, forecast.full_on) == (None, date(2026, 12, 1))


def test_a_table_that_shrinks_to_what_it_keeps_is_never_forecast_to_grow() -> None:
    """More is stored than comes in its days: what is there now is the most that is promised."""
    forecast = forecast_of([table(5000, 10, 30)], until=date(2027, 1, 1), size=None, today=TODAY)
    assert forecast.bytes_until == 5000


def test_sizes_of_tables_and_settling_through_the_running_collector(collector, calls_of, worthwhile) -> None:
    assert collector.post("/v1/traces", calls_of("storage", 20).body()).status == 200
    data = str(collector.data)
    assert collector.rows("SELECT count() AS n FROM calls WHERE workload = 'storage'") == [{"n": 20}]
    told = json.loads(worthwhile("storage", "--data", data, "--json", "--until", "2027-01-01").stdout)
    assert told["schema"] == "worthwhile.storage/1"
    found = {row["table"]: row for row in told["tables"]}
    assert found["calls"]["rows"] >= 20
    assert found["calls"]["keep_days"] == 400
    assert found["otel_traces"]["keep_days"] == 30
    assert told["forecast"]["bytes_now"] == sum(row["bytes"] for row in told["tables"])
    waiting = json.loads(worthwhile("settle", "--data", data, "--dry-run", "--json").stdout)
    assert waiting["settled_hours"] == 0
    assert waiting["live_hours"] >= 1
    settled = json.loads(worthwhile("settle", "--data", data, "--json").stdout)
    assert settled["due_hours"] == 0
    assert collector.rows("SELECT sum(calls) AS n FROM calls_hourly WHERE workload = 'storage'") == [{"n": 20}]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--size", "much"), "reading --size: found `much`"),
        (("--until", "soon"), "reading --until: found `soon`"),
        (("--columns", "nothing"), "nothing is known of columns of `nothing`"),
    ],
)
def test_what_cannot_be_read_is_named(collector, worthwhile, words: tuple[str, ...], said: str) -> None:
    done = worthwhile("storage", "--data", str(collector.data), *words)
    assert done.returncode == 2
    assert said in done.stderr


def test_refreshable_views_are_printed_for_a_server_without_collector(worthwhile) -> None:
    printed = worthwhile("settle", "--sql").stdout
    assert printed.count("CREATE MATERIALIZED VIEW IF NOT EXISTS settle_") == 7
    assert "REFRESH EVERY 1 MINUTE DEPENDS ON settle_10_settle_plan" in printed
