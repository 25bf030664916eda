"""`worthwhile reprice`: what is shown, what is changed and what is not, and that everything that sums calls notices."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from worthwhile_collectors.commands.reprice import SCHEMA
from worthwhile_collectors.database import Database
from worthwhile_collectors.store import reprice
from worthwhile_schemas.price_book import shipped

Words = Callable[..., Any]
PERIOD = ("--since", "2026-11-19", "--until", "2026-11-21")
PRICED = "0.0045"
TASK = "31337"


@pytest.fixture
def repriced(worthwhile: Words, priced_data: Path) -> Words:
    return lambda *words: worthwhile("reprice", *words, "--data", str(priced_data))


@pytest.fixture
def new_price(prices: Words, contract: Words) -> Iterator[str]:
    """A contract that prices brand-new-1 as gpt-4o is."""
    row = {"provider": "openai", "model": "brand-new-*", "since": "2026-01-01"}
    path = contract({**row, "usd_per_million_tokens": {"input": "2.5", "output": "10"}})
    done = prices("override", "add", str(path), "--json")
    yield json.loads(done.stdout)["version"]
    prices("override", "remove", "acme")


def test_both_prices_are_shown_by_day_and_model_and_nothing_changes(
    database: Database, repriced: Words, prices: Words, contract: Words
) -> None:
    _insert(
        database,
        {"ts": "2026-11-18 23:59:59"},
        {"ts": "2026-11-19 10:00:00"},
        {"ts": "2026-11-19 11:00:00", "request_model": "brand-new-1"},
        {"ts": "2026-11-19 12:00:00", "request_model": "nobody-knows"},
        _billed("0.009"),
        _billed("0.001", cost_basis="provider"),
        _billed("0", cache_kind="exact"),
        {"ts": "2026-11-21 00:00:00"},
    )
    row = {"provider": "openai", "model": "brand-new-*", "since": "2026-01-01"}
    path = contract({**row, "usd_per_million_tokens": {"input": "2.5", "output": "10"}})
    prices("override", "add", str(path))
    before = _rows(database)
    try:
        told = json.loads(repriced(*PERIOD, "--json").stdout)
        shown = repriced(*PERIOD, "--dry-run")
    finally:
        prices("override", "remove", "acme")
    assert (told["schema"], told["price_version"], told["applied"]) == (SCHEMA, shipped().version, None)
    columns = ("day", "model", "calls", "unpriced_calls", "billed_usd", "priced_usd", "difference_usd")
    assert [tuple(one[name] for name in columns) for one in told["rows"]] == [
        ("2026-11-19", "brand-new-1", 1, 1, None, PRICED, PRICED),
        ("2026-11-19", "gpt-4o", 1, 0, PRICED, PRICED, "0"),
        ("2026-11-19", "nobody-knows", 1, 1, None, None, None),
        ("2026-11-20", "gpt-4o", 3, 0, "0.01", "0.0055", "-0.0045"),
    ]
    changes = [(one["filled_calls"], one["filled_usd"], one["changed_calls"]) for one in told["rows"]]
    assert changes == [(1, PRICED, 0), (0, None, 0), (0, None, 0), (0, None, 1)]
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert lines[1] == ["2026-11-19", "openai", "brand-new-1", "1", "1", "unknown", "0.004500", "0.004500"]
    assert lines[4] == ["2026-11-20", "openai", "gpt-4o", "3", "0", "0.010000", "0.005500", "-0.004500"]
    assert "1 calls without a cost have one at the prices in force, 0.004500 USD in all\n" in shown.stderr
    assert "1 calls have another cost at these prices, -0.004500 USD in all\n" in shown.stderr
    assert "nothing was changed\n\nhint: --apply" in shown.stderr
    assert _rows(database) == before
    assert database.query("SELECT * FROM price_revisions") == []


def test_only_unknown_costs_are_filled_in_unless_all_are_asked_for(
    database: Database, repriced: Words, new_price: str
) -> None:
    _insert(database, {"request_model": "brand-new-1", "cost_usd": None}, _billed("0.009"))
    database.execute(_PUT_BACK, {})
    before = _rows(database)
    filled = json.loads(repriced(*PERIOD, "--apply", "--json").stdout)["applied"]
    assert (filled["rows"], filled["cost_usd"]) == (1, PRICED)
    changed = ("ingested_at", "cost_usd", "cost_basis", "price_version", "repricings", "cost_input_usd")
    changed += ("cost_output_usd", "cost_cache_read_usd", "cost_cache_write_usd", "cost_server_tools_usd")
    changed += ("cost_compute_usd", "cache_saving_usd")
    after = _rows(database)
    for old, new in zip(before, after, strict=True):
        assert {name for name in old if old[name] != new[name]} <= set(changed)
    costs = ("cost_usd", "cost_input_usd", "cost_output_usd", "cost_basis", "price_version", "repricings")
    assert [tuple(row[name] for name in costs) for row in after] == [
        (Decimal(PRICED), Decimal("0.0025"), Decimal("0.002"), "contract", new_price, 1),
        (Decimal("0.009"), None, None, "list", "older", 0),
    ]
    assert json.loads(repriced(*PERIOD, "--apply", "--json").stdout)["applied"]["rows"] == 0

    everything = repriced(*PERIOD, "--apply", "--all")
    assert "1 rows changed by -0.004500 USD as revision `" in everything.stderr
    assert [row["cost_usd"] for row in _rows(database)] == [Decimal(PRICED), Decimal(PRICED)]
    told = database.query(
        "SELECT old_cost_usd, old_cost_basis, old_price_version, new_cost_usd, new_cost_basis, new_price_version "
        "FROM price_revisions FINAL ORDER BY revised_at"
    )
    assert [tuple(row.values()) for row in told] == [
        (None, "unknown", "", Decimal(PRICED), "contract", new_price),
        (Decimal("0.009"), "list", "older", Decimal(PRICED), "list", shipped().version),
    ]
    assert json.loads(repriced(*PERIOD, "--apply", "--all", "--json").stdout)["applied"]["rows"] == 0


def test_a_span_that_arrives_again_does_not_undo_a_new_cost(
    database: Database, repriced: Words, new_price: str
) -> None:
    _insert(database, _billed("0.009"))
    assert repriced(*PERIOD, "--apply", "--all").returncode == 0
    _insert(database, _billed("0.009"))
    assert [row["cost_usd"] for row in _rows(database)] == [Decimal(PRICED)]
    database.execute("OPTIMIZE TABLE calls FINAL", {})
    assert database.query("SELECT cost_usd, repricings FROM calls") == [{"cost_usd": Decimal(PRICED), "repricings": 1}]


def test_roll_ups_and_tasks_notice(database: Database, repriced: Words, new_price: str) -> None:
    task = {"task_id": TASK, "workload": "w"}
    _insert(database, {"request_model": "brand-new-1", **task}, _billed("0.02", **task))
    database.execute(_PUT_BACK, {})
    sums = "SELECT sum(cost_usd) AS usd, sum(calls) AS n FROM calls_hourly"
    touched = "SELECT (SELECT sum(touches) FROM touched_hours) AS hours, (SELECT count() FROM touched_tasks) AS tasks"
    assert database.query(sums) == [{"usd": Decimal("0.02"), "n": 2}]
    [before] = database.query(touched)
    assert repriced(*PERIOD, "--workload", "other", "--apply", "--all").stderr == "no calls in that period\n"
    assert database.query(touched) == [before]
    assert repriced(*PERIOD, "--workload", "w", "--apply", "--all").returncode == 0
    assert database.query(sums) == [{"usd": Decimal("0.009"), "n": 2}]
    [after] = database.query(touched)
    assert after["hours"] > before["hours"], "a settled hour would not be computed again"
    assert after["tasks"] > before["tasks"], "a settled task would not be computed again"


def test_chunks_add_up(database: Database, repriced: Words, new_price: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [{"ts": f"2026-11-{19 + n % 2} {n:02}:30:00", "request_model": "brand-new-1"} for n in range(8, 16)]
    _insert(database, *calls)
    database.execute(_PUT_BACK, {})
    whole = json.loads(repriced(*PERIOD, "--json").stdout)["rows"]
    with monkeypatch.context() as patched:
        patched.setattr(reprice, "ROWS_AT_ONCE", 2)
        assert json.loads(repriced(*PERIOD, "--json").stdout)["rows"] == whole
    assert [row["calls"] for row in whole] == [4, 4]
    half = ("--since", "2026-11-19T12:30", "--until", "2026-11-20T13:30")
    assert json.loads(repriced(*half, "--apply", "--json").stdout)["applied"]["rows"] == 2 + 2
    assert json.loads(repriced(*PERIOD, "--apply", "--json").stdout)["applied"]["rows"] == 8 - 4


def test_what_is_one_call_with_another_span_is_compared_once(
    database: Database, repriced: Words, new_price: str
) -> None:
    outer = {
        "trace_id": "t" * 16,
        "scope": "a",
        "dialect": "genai",
        "request_model": "brand-new-1",
        "duration_ns": 10**9,
    }
    inner = {**outer, "scope": "b", "ts": "2026-11-20 10:00:00.1", "duration_ns": 10**8, "parent_span_id": "00000000"}
    _insert(database, outer, inner)
    database.execute(_PUT_BACK, {})
    told = json.loads(repriced(*PERIOD, "--apply", "--json").stdout)
    assert [(row["calls"], row["filled_usd"]) for row in told["rows"]] == [(1, PRICED)]
    assert told["applied"]["rows"] == 2
    assert database.query("SELECT sum(cost_usd) AS usd FROM calls_final") == [{"usd": Decimal(PRICED)}]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--since"),
        (("--since", "soon"), "reading --since: found `soon`"),
        (("--since", "2026-11-20", "--until", "2026-11-20"), "expected a beginning before the end"),
        (("--since", "1d", "--apply", "--dry-run"), "not allowed with"),
    ],
)
def test_what_cannot_be_done_is_said(repriced: Words, words: tuple[str, ...], said: str) -> None:
    done = repriced(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_what_is_unpriced_is_listed_with_names_that_come_near(
    database: Database, prices: Words, worthwhile: Words
) -> None:
    _insert(
        database,
        {"ts": "2026-11-19 10:00:00", "request_model": "gpt-4oo"},
        {"request_model": "gpt-4oo"},
        {"provider": "nobody", "request_model": "claude-sonnet-4-55"},
        {"provider": "vllm", "request_model": "tiny", "cost_basis": "self_hosted", "input_tokens": None},
    )
    told = json.loads(prices("check", "--since", "2026-11-19", "--json").stdout)
    assert told["version"] == shipped().version
    found = {row["model"]: row for row in told["unpriced"]}
    assert found.keys() == {"gpt-4oo", "claude-sonnet-4-55", "tiny"}
    typo = found["gpt-4oo"]
    assert "gpt-4o" in typo.pop("nearest")
    assert typo == {
        "provider": "openai",
        "model": "gpt-4oo",
        "service_tier": "",
        "why": "no price for the model",
        "calls": 2,
        "input_tokens": 2000,
        "output_tokens": 400,
        "first_seen": "2026-11-19T10:00:00+00:00",
        "last_seen": "2026-11-20T10:00:00+00:00",
    }
    assert any(name.endswith("/claude-sonnet-4-5") for name in found["claude-sonnet-4-55"]["nearest"])
    own = found["tiny"]
    assert (own["why"], own["nearest"], own["input_tokens"]) == ("own hardware, no contract price", [], None)
    shown = prices("check", "--store", "--since", "2026-11-20")
    assert "4 calls have no cost" not in shown.stderr
    assert "3 calls have no cost\n\nhint: worthwhile prices update" in shown.stderr
    [line] = [line for line in shown.stdout.splitlines() if " gpt-4oo " in line]
    assert line.split()[:5] == ["openai", "gpt-4oo", "1", "1,000", "200"]
    assert "no price for the model (listed: gpt-4o" in line


_PUT_BACK = """
ALTER TABLE calls UPDATE cost_usd = NULL, cost_basis = 'unknown', price_version = '', cost_input_usd = NULL,
cost_output_usd = NULL WHERE request_model = 'brand-new-1' SETTINGS mutations_sync = 2
"""
"""Calls of the new model as they were before the contract."""


def _billed(usd: str, **fields: Any) -> dict[str, Any]:
    return {"cost_usd": usd, "cost_basis": "list", "price_version": "older", **fields}


def _insert(database: Database, *calls: dict[str, Any]) -> None:
    """Calls of gpt-4o with 1,000 and 200 tokens, but for what is given."""
    given = {"ts": "2026-11-20 10:00:00", "provider": "openai", "request_model": "gpt-4o"}
    given |= {"input_tokens": 1000, "output_tokens": 200}
    lines = [json.dumps(given | {"span_id": f"{number:08}"} | call) for number, call in enumerate(calls)]
    database.insert_rows("calls_in", "\n".join(lines).encode())


def _rows(database: Database) -> list[dict[str, object]]:
    return database.query("SELECT * FROM calls FINAL ORDER BY toString(span_id)")
