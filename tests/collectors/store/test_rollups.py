"""Roll-ups: the views by minute, hour and day say what the calls themselves say, at any moment."""

import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.collectors.store.conftest import TABLES
from tests.collectors.store.otlp import calls

from worthwhile_collectors.store import Store, framed, open_store
from worthwhile_collectors.store.rollups import backlog, settle, touch_all
from worthwhile_schemas.sql import settle_steps

# Sums that can be unknown, and counts, as the views and as the calls themselves give them.
FIGURES = """
    sum(calls), sum(weighted_calls), sum(failed_calls), sum(priced_calls), sum(cost_usd), sum(input_tokens),
    sum(calls_with_input), sum(output_tokens), sum(measured_energy_uj), sum(calls_with_energy), sum(duration_ns),
    sum(ttft_ns), sum(calls_with_ttft), sum(fallbacks), sum(usage_reported_calls), sum(resends),
    arrayMap(one -> round(one), quantilesDDMerge(0.01, 0.5, 0.9, 0.95, 0.99)(duration_sketch))
"""
BRUTE_FORCE = """
    count(), sum(sample_weight), countIf(error_type != ''), count(cost_usd), sum(cost_usd), sum(input_tokens),
    count(input_tokens), sum(output_tokens),
    if(countIf(energy_method IN ('metered', 'attributed') AND energy_uj IS NOT NULL) = 0, NULL,
      sumIf(energy_uj, energy_method IN ('metered', 'attributed'))),
    count(energy_uj), sum(duration_ns), sum(ttft_ns), count(ttft_ns), countIf(fallback_from != ''),
    countIf(usage_basis = 'reported'), sum(resend_count),
    arrayMap(one -> round(one), quantilesDD(0.01, 0.5, 0.9, 0.95, 0.99)(duration_ns))
"""
GRAINS = {"calls_minutely": "toStartOfMinute", "calls_hourly": "toStartOfHour", "calls_daily": "toStartOfDay"}
NOW_S = time.time_ns() // 10**9


def assert_views_say_what_the_calls_say(store: Store) -> None:
    starts = ", ".join(f"('{view}', {start}(ts))" for view, start in GRAINS.items())
    computed = store.query_bytes(
        f"""SELECT grain.1 AS view, grain.2 AS start, workload,
        if(response_model = '', request_model, response_model) AS model, {BRUTE_FORCE}
        FROM calls_final ARRAY JOIN [{starts}] AS grain GROUP BY ALL ORDER BY ALL""",
        "TSV",
    ).splitlines()
    for view in GRAINS:
        found = store.query_bytes(
            f"SELECT '{view}', ts, workload, model, {FIGURES} FROM {view} GROUP BY ALL ORDER BY ALL", "TSV"
        ).splitlines()
        assert found == [line for line in computed if line.startswith(f"{view}\t".encode())], view


def let_time_pass(store: Store) -> None:
    """As if a minute had gone by since the last write."""
    store.command(
        "ALTER TABLE touched_hours UPDATE last_touched_at = last_touched_at - INTERVAL 1 MINUTE WHERE 1 "
        "SETTINGS mutations_sync = 2"
    )


def moved(body: bytes, seconds: int) -> bytes:
    """The request with its spans so many seconds before now, on the second, instead of at their fixed time."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest.FromString(body)
    for span in request.resource_spans[0].scope_spans[0].spans:
        length = span.end_time_unix_nano - span.start_time_unix_nano
        span.start_time_unix_nano = (NOW_S - seconds) * 10**9 + int.from_bytes(span.span_id) * 10**6
        span.end_time_unix_nano = span.start_time_unix_nano + length
    return request.SerializeToString()


def batch(first: int, count: int, seconds_ago: int) -> bytes:
    """Calls that are priced or not, metered or not, failed or not, by their id."""
    given: dict[str, str | int | float] = {"worthwhile__workload": f"w{first % 3}", "gen_ai__provider__name": "openai"}
    if first % 2:
        given |= {"worthwhile__cost__amount": 0.001 * (first % 7 + 1), "worthwhile__cost__basis": "list"}
    if first % 3:
        given |= {"gen_ai__usage__input_tokens": first, "gen_ai__usage__output_tokens": 7}
    if first % 5 == 0:
        given |= {"worthwhile__energy__consumption": 1.5, "worthwhile__energy__method": "metered"}
    if first % 4 == 0:
        given |= {"error__type": "APITimeoutError", "worthwhile__sample__weight": 2.5}
    else:
        given |= {"gen_ai__response__model": "m-2026", "gen_ai__response__time_to_first_chunk": 0.25}
    return moved(calls(*range(first, first + count), **given), seconds_ago)


def insert(store: Store, *bodies: bytes, token: str) -> None:
    assert store.insert_protobuf("traces", framed(list(bodies)), token) == ()


def test_a_settled_store_reads_its_roll_ups_and_says_the_same(store: Store) -> None:
    for number in range(6):
        insert(store, batch(100 * number + number, 20, 4000 * (number + 1)), token=f"settled-{number}")
    let_time_pass(store)
    before = backlog(store)
    assert (before.due_hours >= 6, before.due_calls) == (True, 120)
    assert_views_say_what_the_calls_say(store)
    assert settle(store) == before.due_hours
    assert backlog(store).live_hours == 0
    assert_views_say_what_the_calls_say(store)
    store.command("TRUNCATE TABLE calls")
    for view in GRAINS:
        assert store.query(f"SELECT sum(calls) AS calls FROM {view}") == [{"calls": 120}], view


def test_unknown_stays_unknown(store: Store) -> None:
    insert(store, moved(calls(1, 2, 3), 9000), token="unknown")
    let_time_pass(store)
    for _ in range(2):
        for view in GRAINS:
            sql = f"""
                SELECT cost_usd, input_tokens, measured_energy_uj, estimated_energy_uj, ttft_ns, cache_saving_usd,
                  calls, weighted_cost_usd, priced_calls
                FROM {view} GROUP BY ALL
            """
            [row] = store.query(sql)
            assert {name: row[name] for name in ("calls", "priced_calls")} == {"calls": 3, "priced_calls": 0}
            assert [name for name, value in row.items() if value is None] == [
                "cost_usd",
                "input_tokens",
                "measured_energy_uj",
                "estimated_energy_uj",
                "ttft_ns",
                "cache_saving_usd",
                "weighted_cost_usd",
            ]
        settle(store)
    assert backlog(store).live_hours == 0


def test_filters_leave_out_what_they_can(store: Store) -> None:
    """Of ten settled days and two live hours, a filter on time, workload and model reads a part of each table."""
    for day in range(10):
        insert(store, batch(3 * day + 1, 30, 86_400 * day + 7200), token=f"pruned-{day}")
    let_time_pass(store)
    settle(store)
    insert(store, batch(1000, 30, 86_400 * 3), token="pruned-live")
    sql = """
        SELECT sum(calls) FROM {view} WHERE ts >= toStartOfHour(now('UTC')) - INTERVAL {ago} HOUR
        AND ts < toStartOfHour(now('UTC')) - INTERVAL {until} HOUR AND workload = 'w1' AND model = 'm-2026'
    """
    for view, table in (("calls_hourly", "calls_1h"), ("calls_minutely", "calls_1m"), ("calls_daily", "calls_1d")):
        asked = sql.replace("{view}", view).replace("{ago}", "30").replace("{until}", "12")
        plan = store.query_bytes(f"EXPLAIN indexes = 1 {asked}", "TSV").decode()
        roll_up = plan[plan.index(f"worthwhile.{table})") :]
        assert "workload" in roll_up[: roll_up.index("Search Algorithm")], view
        assert "model" in roll_up[: roll_up.index("Search Algorithm")], view
        raw = plan[plan.index("worthwhile.calls)") :]
        assert "Parts: 0" in raw[:200], view


def steps_until(store: Store, last: int) -> None:
    """A settle that is killed after so many of its statements."""
    for step in settle_steps()[:last]:
        store.command(step.insert)


def half_an_insert(store: Store, table: str) -> None:
    """What is left of a settle that is killed while ClickHouse writes: some rows of a newer generation."""
    store.command(
        f"""INSERT INTO {table} SELECT * REPLACE (generation + 9 AS generation, calls + 5 AS calls) FROM
        (
          SELECT * FROM {table}
          WHERE generation = (SELECT max(generation) FROM {table}) AND rows_in_generation > 1 LIMIT 1
        )"""
    )


operations = st.one_of(
    st.tuples(st.just("insert"), st.integers(1, 400), st.integers(1, 12), st.integers(0, 60)),
    st.tuples(st.just("again"), st.integers(0, 99), st.booleans()),
    st.tuples(st.just("settle"), st.integers(1, len(settle_steps()))),
    st.tuples(st.just("crash"), st.sampled_from(["calls_1m", "calls_1h", "calls_1d"])),
    st.tuples(st.just("all")),
)


@settings(max_examples=3)
@given(st.lists(operations, min_size=4, max_size=10))
def test_the_views_are_exact_at_any_moment(migrated: Store, history: list[tuple]) -> None:
    """Inserts, late hours, batches that come again with and without their token or in parts, settles cut anywhere."""
    for table in TABLES:
        migrated.command(f"TRUNCATE TABLE {table}")
    sent: list[tuple[list[bytes], str]] = []
    for number, (kind, *what) in enumerate(history):
        if kind == "insert":
            first, count, hours = what
            bodies = [batch(first + 100 * offset, count, hours * 3600 + 1800) for offset in range(4)]
            sent.append((bodies, f"{time.time_ns()}-{number}"))
            insert(migrated, *bodies, token=sent[-1][1])
        elif kind == "again" and sent:
            bodies, token = sent[what[0] % len(sent)]
            if what[1]:
                insert(migrated, *bodies, token=token)
            else:
                insert(migrated, bodies[0], token=f"{token}-cut-{number}")
        elif kind == "settle":
            let_time_pass(migrated)
            steps_until(migrated, what[0])
        elif kind == "crash":
            half_an_insert(migrated, what[0])
        elif kind == "all":
            touch_all(migrated)
            settle(migrated)
        if kind != "insert":  # the looks are what takes time
            assert_views_say_what_the_calls_say(migrated)
    let_time_pass(migrated)
    settle(migrated)
    assert_views_say_what_the_calls_say(migrated)
    assert backlog(migrated).due_hours == 0


def test_two_settlers_at_once_count_nothing_twice(store: Store) -> None:
    insert(store, *(batch(50 * number, 40, 3600 * number + 7200) for number in range(5)), token="two")
    let_time_pass(store)
    plan, *others = settle_steps()
    store.command(plan.insert)
    for step in others:
        store.command(step.insert)
        store.command(step.insert)
        assert_views_say_what_the_calls_say(store)
    assert backlog(store).live_hours == 0


@pytest.mark.parametrize("table", ["calls_1m", "calls_1h", "calls_1d"])
def test_an_insert_that_was_cut_short_never_counts(store: Store, table: str) -> None:
    insert(store, *(batch(100 * number + number, 20, 7200) for number in range(4)), token=f"cut-{table}")
    let_time_pass(store)
    settle(store)
    half_an_insert(store, table)
    settle(store)
    assert_views_say_what_the_calls_say(store)
    touch_all(store)
    settle(store)
    assert_views_say_what_the_calls_say(store)


def test_an_hour_whose_calls_may_be_gone_is_not_computed_again(store: Store) -> None:
    insert(store, batch(1, 30, 3 * 86_400), token="frozen")
    let_time_pass(store)
    settle(store)
    store.command("INSERT INTO retention (table_name, days, complete_since) VALUES ('calls', 400, now64(3) + 60)")
    store.command("TRUNCATE TABLE calls")
    insert(store, batch(500, 3, 3 * 86_400), token="frozen-late")
    let_time_pass(store)
    settle(store)
    assert store.query("SELECT sum(calls) AS calls FROM calls_hourly") == [{"calls": 30}]
    store.command("TRUNCATE TABLE retention")


def test_replaced_generations_are_deleted(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worthwhile_collectors.store.rollups.SWEEP_AT", 1)
    insert(store, *(batch(50 * number, 40, 3600 * number + 7200) for number in range(3)), token="swept")
    let_time_pass(store)
    for _ in range(3):
        settle(store)
        touch_all(store)
    settle(store)
    rows = "SELECT sum(rows) AS n FROM (SELECT count() AS rows FROM calls_1h UNION ALL SELECT count() FROM calls_1d)"
    [before] = store.query(rows)
    store.command(
        "ALTER TABLE settled UPDATE settled_at = settled_at - INTERVAL 1 HOUR WHERE 1 SETTINGS mutations_sync = 2"
    )
    settle(store)
    [after] = store.query(rows)
    assert after["n"] == before["n"] / 4
    assert store.query("SELECT count() AS n FROM settle_garbage") == [{"n": 0}]
    assert_views_say_what_the_calls_say(store)


def test_coverage_says_for_how_many_calls_a_figure_is_known(store: Store) -> None:
    insert(store, batch(1, 10, 7200), batch(102, 10, 7200), batch(165, 30, 7200), token="coverage")
    rows = store.query("SELECT * FROM coverage ORDER BY workload, day")
    shares = ("calls", "priced_share", "energy_measured_share")
    assert {str(row["workload"]): [row[name] for name in shares] for row in rows} == {
        "w0": [40, 0.75, 0.75],
        "w1": [10, 1, 0],
    }
    assert {str(row["emitters"]) for row in rows} == {"{'worthwhile': 40}", "{'worthwhile': 10}"}


SETTLER = """
import sys
from worthwhile_collectors.store import open_store
from worthwhile_collectors.store.rollups import settle, touch_all
store = open_store(sys.argv[1])
print("begun", flush=True)
while True:
    touch_all(store)
    settle(store)
"""


@pytest.fixture
def other(tmp_path: Path, migrated: Store, migrated_data: Path) -> Path:
    """A folder of its own; the module's store has to be closed for it, and is opened no more."""
    migrated.close()
    return Path(shutil.copytree(migrated_data / "clickhouse", tmp_path / "data", symlinks=True))


def test_a_settler_that_is_killed_anywhere_leaves_the_views_exact(other: Path) -> None:
    store = open_store(other)
    insert(store, *(batch(100 * number, 90, 3600 * number + 7200) for number in range(12)), token="killed")
    let_time_pass(store)
    store.close()
    for number in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", SETTLER, str(other)], stdout=subprocess.PIPE, text=True
        ) as settler:
            assert settler.stdout is not None
            assert settler.stdout.readline() == "begun\n"
            with suppress(subprocess.TimeoutExpired):
                settler.wait(0.05 + 0.2 * number)
            settler.kill()
        store = open_store(other)
        assert_views_say_what_the_calls_say(store)
        store.close()
