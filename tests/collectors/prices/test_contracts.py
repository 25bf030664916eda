"""Contract prices, prices of own hardware, exchange rates and dated changes, as the store applies them."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from worthwhile_collectors.store import Store
from worthwhile_collectors.store.prices import end_contract, insert, load_contract, reload
from worthwhile_schemas.price_book import shipped
from worthwhile_schemas.prices import overrides

DAY = "2026-11-20 10:00:00"
USD = Decimal


@pytest.fixture(autouse=True)
def _fresh(store: Store) -> None:
    reload(store)


def test_a_contract_counts_from_its_day_on_and_ends(store: Store, tmp_path: Path) -> None:
    row = {"model": "gpt-4o", "since": "2026-11-21", "usd_per_million_tokens": {"input": 2, "output": "8.5"}}
    assert load_contract(store, shipped(), _file(tmp_path, row)) == 1
    assert _costs(store, {"ts": DAY}, {"ts": "2026-11-21 00:00:00"}) == [
        (USD("0.0045"), "list", shipped().version),
        (USD("0.0037"), "contract", _file(tmp_path, row).version),
    ]
    assert end_contract(store, "acme") == 1
    assert _costs(store, {"ts": "2026-11-21 00:00:00"}) == [(USD("0.0045"), "list", shipped().version)]


def test_a_part_of_the_list_price_is_exact(store: Store) -> None:
    _contract(store, model_regex="^.*$", list_percent="85.5")
    (found,) = _costs(store, {})
    assert found == (USD("0.0045") * USD("0.855"), "contract", "acme.1")


def test_a_currency_is_changed_at_the_rate_of_the_day_and_without_one_the_cost_is_unknown(store: Store) -> None:
    rates = [("2026-11-01", "1.10"), ("2026-11-20", "1.25")]
    insert(
        store, "fx_rates", [{"currency": "EUR", "since": day, "usd": usd, "source": "test"} for day, usd in rates], ""
    )
    _contract(store, model_regex="^gpt-4o$", currency="EUR", input_price="2000000", output_price="8000000")
    days = ["2026-10-31 10:00:00", "2026-11-19 23:59:59", "2026-11-20 00:00:00"]
    found = _costs(store, *({"ts": day} for day in days))
    assert [cost for cost, _, _ in found] == [None, USD("0.0036") * USD("1.10"), USD("0.0036") * USD("1.25")]


def test_own_hardware_costs_its_time_and_energy_and_never_a_hosted_price(store: Store) -> None:
    call = {"provider": "vllm", "request_model": "gpt-4o", "cost_basis": "self_hosted", "duration_ns": 1_800_000_000}
    assert _costs(store, call) == [(None, "self_hosted", "")]
    assert _costs(store, {**call, "provider": "openai"}) == [(None, "self_hosted", "")]
    _contract(store, provider="vllm", model_regex="^.*$", hour_price="2000000000000", kwh_price="300000000000")
    measured = {**call, "energy_uj": 720_000_000}
    assert _costs(store, measured, call) == [
        (USD("0.001") + USD("0.00006"), "self_hosted", "acme.1"),
        (None, "self_hosted", ""),
    ]


def test_what_came_priced_stays_and_what_nobody_prices_is_listed(store: Store) -> None:
    sent = {"cost_usd": "0.5", "cost_basis": "list", "price_version": "2020-01-01.x"}
    rows = [
        sent,
        {"request_model": "brand-new-1"},
        {"request_model": "brand-new-1", "cost_usd": "0", "cost_basis": "emitter"},
    ]
    rows += [{"request_model": "brand-new-1", "cost_usd": "0.25", "cost_basis": "emitter"}]
    assert _costs(store, *rows) == [
        (USD("0.5"), "list", "2020-01-01.x"),
        (None, "unknown", ""),
        (None, "unknown", ""),
        (USD("0.25"), "emitter", ""),
    ]
    listed = store.query("SELECT provider, model, why, calls, input_tokens FROM unpriced_calls")
    assert listed == [
        {
            "provider": "openai",
            "model": "brand-new-1",
            "why": "no price for the model",
            "calls": 2,
            "input_tokens": 2000,
        }
    ]
    used = store.query("SELECT price_version, cost_basis, calls FROM price_usage ORDER BY price_version")
    assert used == [
        {"price_version": "", "cost_basis": "emitter", "calls": 1},
        {"price_version": "2020-01-01.x", "cost_basis": "list", "calls": 1},
    ]


def test_why_a_call_has_no_price_is_told(store: Store) -> None:
    _contract(
        store, provider="google", model_regex="^gemini-2\\.5-pro$", currency="CHF", input_price="1", output_price="1"
    )
    near = {"provider": "mistral", "request_model": "mistral-large", "server_address": "10.0.0.7"}
    rows = [
        {"request_model": "brand-new-1"},
        {"request_model": "brand-new-2", "usage_basis": "missing"},
        {"request_model": "brand-new-3", "usage_basis": "inconsistent"},
        {"request_model": "brand-new-4", "quality": ["input_tokens"]},
        {"request_model": "brand-new-5", "server_address": "10.0.0.7"},
        {"provider": "vllm", "request_model": "tiny", "cost_basis": "self_hosted"},
        {"provider": "gcp.vertex_ai", "request_model": "Gemini-2.5-Pro"},
        {"provider": "gcp.vertex_ai", "request_model": "gemini-2.5-pro", "service_tier": "flex"},
        near,
        near | {"dialect": "worthwhile"},
    ]
    costs = _costs(store, *rows)
    assert [cost is None for cost, _, _ in costs] == [True] * 9 + [False]
    told = store.query("SELECT model, service_tier, why FROM unpriced_calls ORDER BY model, service_tier")
    assert [tuple(row.values()) for row in told] == [
        ("Gemini-2.5-Pro", "", "no exchange rate"),
        ("brand-new-1", "", "no price for the model"),
        ("brand-new-2", "", "tokens are not known"),
        ("brand-new-3", "", "tokens contradict each other"),
        ("brand-new-4", "", "a value of the call could not be read"),
        ("brand-new-5", "", "no price for the model"),
        ("gemini-2.5-pro", "flex", "no exchange rate"),
        ("mistral-large", "", "private address"),
        ("tiny", "", "own hardware, no contract price"),
    ]


def test_a_price_that_changed_yesterday_prices_each_day_as_it_was(store: Store) -> None:
    store.command("CREATE TABLE kept AS prices")
    store.command("INSERT INTO kept SELECT * FROM prices")
    try:
        change = (
            "ALTER TABLE prices UPDATE {} WHERE provider = 'openai' AND model = 'gpt-4o' SETTINGS mutations_sync = 2"
        )
        store.command(
            "INSERT INTO prices SELECT * REPLACE (toDate32('2026-11-20') AS since, 5000000 AS input_price) "
            "FROM prices WHERE provider = 'openai' AND model = 'gpt-4o'"
        )
        store.command(
            change.format("until = toDate32('2026-11-20')").replace("WHERE", "WHERE since < '2026-11-20' AND")
        )
        reload(store)
        found = _costs(store, {"ts": "2026-11-19 23:59:59"}, {"ts": "2026-11-20 00:00:00"})
        assert [cost for cost, _, _ in found] == [USD("0.0045"), USD("0.007")]
    finally:
        store.command("TRUNCATE TABLE prices")
        store.command("INSERT INTO prices SELECT * FROM kept")
        store.command("DROP TABLE kept")
        reload(store)


def _file(folder: Path, row: dict[str, object]) -> overrides.Overrides:
    path = folder / "contract.json"
    rows = [{"provider": "openai", **row}]
    path.write_text(json.dumps({"schema": overrides.SCHEMA, "name": "acme", "prices": rows}))
    return overrides.load(path)


def _contract(store: Store, **row: str) -> None:
    held = {
        "name": "acme",
        "number": 1,
        "version": "acme.1",
        "provider": "openai",
        "service_tier": "any",
        "currency": "USD",
    }
    insert(store, "price_overrides", [held | {"since": "2026-01-01", "until": "2299-12-31"} | row], "")
    reload(store)


def _costs(store: Store, *calls: dict[str, object]) -> list[tuple[object, ...]]:
    """Cost, basis and price version of calls of gpt-4o with 1,000 and 200 tokens, but for what is given."""
    given = {"ts": DAY, "provider": "openai", "request_model": "gpt-4o", "input_tokens": 1000, "output_tokens": 200}
    lines = [json.dumps(given | {"span_id": f"{number:08}"} | call) for number, call in enumerate(calls)]
    store.command("TRUNCATE TABLE calls")
    store.insert_rows("calls_in", "\n".join(lines).encode())
    rows = store.query("SELECT cost_usd, cost_basis, price_version FROM calls ORDER BY toString(span_id)")
    assert len(rows) == len(calls)
    return [tuple(row.values()) for row in rows]
