"""When a price row holds: days, hours of the day that may pass midnight, and what comes before the first day."""

import pytest

from worthwhile_schemas.price_book import BEGINNING, END, NS_PER_SECOND, ListedModel, day_ns

NOON = day_ns("2026-11-21") + 43_200 * NS_PER_SECOND
HOUR = 3600 * NS_PER_SECOND


def test_a_price_without_conditions_always_holds():
    prices = ListedModel("p", "m", [{"input": 1}], ()).prices_at(NOON, {})
    assert (prices.by_kind, prices.from_ns, prices.until_ns) == ({"input": 1}, BEGINNING, END)


def test_the_last_row_that_has_begun_holds_and_before_all_of_them_the_first():
    rows = [
        {"since": "2026-01-01", "input": 1},
        {"since": "2026-03-01", "input": 3},
        {"since": "2026-02-01", "input": 2},
    ]
    model = ListedModel("p", "m", rows, ())
    seen = {
        day: model.prices_at(day_ns(day), {}).by_kind["input"]
        for day in ("2025-12-31", "2026-01-31", "2026-02-01", "2026-03-02")
    }
    assert seen == {"2025-12-31": 1, "2026-01-31": 1, "2026-02-01": 2, "2026-03-02": 2}
    february = model.prices_at(day_ns("2026-02-15"), {})
    assert (february.from_ns, february.until_ns) == (day_ns("2026-02-01"), day_ns("2026-03-01"))


@pytest.mark.parametrize(
    ("hours_after_noon", "amount", "since", "until"),
    [(0, 1, -11, 10), (9, 1, -11, 10), (10, 2, 10, 13), (12, 2, 10, 13), (13, 1, 13, 34)],
)
def test_hours_may_pass_midnight(hours_after_noon: int, amount: int, since: int, until: int):
    rows = [{"input": 1}, {"daily": [22 * 3600, 1 * 3600], "input": 2}]
    prices = ListedModel("p", "m", rows, ()).prices_at(NOON + hours_after_noon * HOUR, {})
    assert prices.by_kind == {"input": amount}
    assert ((prices.from_ns - NOON) // HOUR, (prices.until_ns - NOON) // HOUR) == (since, until)


def test_an_earlier_variant_wins_kind_by_kind_and_only_in_its_context():
    variants = [
        {"when": {"service_tier": "flex"}, "since": "2026-01-01", "input": 10},
        {"when": {"processing": "batch"}, "input": 20, "output": 20},
    ]
    model = ListedModel("p", "m", [{"input": 1, "output": 1}], variants)
    assert model.contexts() == [{}, {"service_tier": "flex"}, {"processing": "batch"}]
    assert model.prices_at(NOON, {}).by_kind == {"input": 1, "output": 1}
    assert model.prices_at(NOON, {"service_tier": "flex"}).by_kind == {"input": 10, "output": 1}
    both = {"service_tier": "flex", "processing": "batch"}
    assert model.prices_at(NOON, both).by_kind == {"input": 10, "output": 20}
    assert model.prices_at(day_ns("2025-12-31"), both).by_kind == {"input": 20, "output": 20}
