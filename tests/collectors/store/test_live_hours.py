"""Hours that are not settled: read from calls, compared only where emitters met, searched no further than needed."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.collectors.store.test_rollups import assert_views_say_what_the_calls_say, let_time_pass
from tests.spans.captured import SECOND, insert

from worthwhile_collectors.store import Store
from worthwhile_collectors.store.rollups import backlog, settle

OPENAI, OPENLIT = "opentelemetry.instrumentation.genai.openai", "openlit.instrumentation.openai"
HOUR_S, DAY_S = 3_600, 86_400
BEGIN_S = (time.time_ns() // SECOND // DAY_S - 6) * DAY_S
"""A midnight some days ago: minutes are kept of it, and all of its hours have ended."""
PANELS = ("calls_hourly", "calls_minutely", "calls_daily")


@pytest.fixture(autouse=True)
def _no_emitters(store: Store) -> Iterator[None]:
    store.command("TRUNCATE TABLE call_emitters")
    yield
    store.command("TRUNCATE TABLE call_emitters")


def call(number: int, scope: str, at_s: float, lasting_s: float = 1, response: str = "") -> dict[str, Any]:
    """A call, so many seconds after the beginning."""
    given = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5-mini",
        "gen_ai.usage.input_tokens": 1000 + number,
        "gen_ai.usage.output_tokens": 300,
    }
    start = int((BEGIN_S + at_s) * SECOND)
    return {
        "scope": scope,
        "name": "chat gpt-5-mini",
        "trace": f"{number:032x}",
        "span": f"{number:016x}",
        "parent": "",
        "start": start,
        "end": start + int(lasting_s * SECOND),
        "status": "OK",
        "attributes": given | ({"gen_ai.response.id": response} if response else {}),
        "events": [],
    }


def reads(store: Store, view: str, table: str = "calls") -> list[str]:
    """How many parts of the table a sum over the view reads, of how many, for each time that its plan reads it."""
    plan = store.query_bytes(f"EXPLAIN indexes = 1 SELECT sum(cost_usd) FROM {view}", "TSVRaw").decode()
    steps = plan.split("ReadFromMergeTree (")[1:]
    parts = [re.findall(r"Parts: (\d+)/(\d+)", step) for step in steps if step.startswith(f"worthwhile.{table})")]
    return [f"{of_one[-1][0]}/{of_one[0][1]}" for of_one in parts]


def settle_all(store: Store) -> None:
    let_time_pass(store)
    settle(store)
    assert backlog(store).live_hours == 0


def test_calls_are_read_only_where_hours_are_live(store: Store) -> None:
    """The first call touches the day before, which has none."""
    insert(store, [call(day + 1, OPENAI, day * DAY_S + 60) for day in range(5)], "needed-1")
    for view in PANELS:
        assert reads(store, view) == ["5/5"], view
    settle_all(store)
    for view in PANELS:
        assert reads(store, view) == [], view
    assert reads(store, "calls_daily", "calls_1h") == []
    insert(store, [call(100, OPENAI, DAY_S + 1200)], "needed-2")
    for view in PANELS:
        assert reads(store, view) == ["2/6"], view
    assert_views_say_what_the_calls_say(store)


def test_settled_hours_of_two_emitters_do_not_make_live_ones_compared(store: Store) -> None:
    insert(store, [call(1, OPENLIT, 600, 3, "r"), call(2, OPENAI, 601, 1, "r")], "settled-pair")
    settle_all(store)
    insert(store, [call(3, OPENAI, 3 * DAY_S)], "plain-hour")
    for view in PANELS:
        assert reads(store, view) == ["1/2"], view
        assert store.query(f"SELECT sum(calls) AS calls FROM {view}") == [{"calls": 2}], view
    assert_views_say_what_the_calls_say(store)


def test_a_search_for_duplicates_stays_near_the_live_hours(store: Store) -> None:
    for day in range(5):
        pair = [
            call(10 * day + 1, OPENLIT, day * DAY_S, 3, f"r{day}"),
            call(10 * day + 2, OPENAI, day * DAY_S + 1, 1, f"r{day}"),
        ]
        insert(store, pair, f"days-{day}")
    settle_all(store)
    store.command(
        "ALTER TABLE settled UPDATE settled_at = settled_at - INTERVAL 1 HOUR WHERE 1 SETTINGS mutations_sync = 2"
    )
    insert(store, [call(90, OPENAI, 2 * DAY_S + 700)], "near")
    for view in PANELS:
        found = reads(store, view)
        assert len(found) > 1, view
        assert set(found) == {"2/6"}, view
        assert store.query(f"SELECT sum(calls) AS calls FROM {view}") == [{"calls": 6}], view
    assert_views_say_what_the_calls_say(store)


@pytest.mark.parametrize("touched", [0, 1], ids=["hour of the outer", "hour of the inner"])
def test_a_live_hour_finds_the_partner_in_a_settled_one(touched: int, store: Store) -> None:
    """One call that began in one hour, and whose inner span began in the next, far from the hour's end."""
    pair = [call(1, OPENLIT, HOUR_S - 1200, 2400, "r"), call(2, OPENAI, HOUR_S + 600, 300, "r")]
    insert(store, pair, "far-pair")
    settle_all(store)
    store.command(
        "ALTER TABLE settled UPDATE settled_at = settled_at - INTERVAL 1 HOUR WHERE 1 SETTINGS mutations_sync = 2"
    )
    insert(store, [call(3, OPENAI, touched * HOUR_S + 1500)], "late")
    assert backlog(store).live_hours == 1
    for _ in range(2):
        for view in PANELS:
            assert store.query(f"SELECT sum(calls) AS calls FROM {view}") == [{"calls": 2}], view
        assert_views_say_what_the_calls_say(store)
        settle_all(store)


def test_a_query_that_listed_a_live_hour_before_it_was_settled_compares_it(store: Store) -> None:
    insert(store, [call(1, OPENLIT, 600, 3, "r"), call(2, OPENAI, 601, 1, "r")], "just-settled")
    settle_all(store)
    listed = f"toDateTime({BEGIN_S}, 'UTC')"
    assert store.query(f"SELECT sum(calls) AS calls FROM compared_hours WHERE ts = {listed}") == [{"calls": 1}]
