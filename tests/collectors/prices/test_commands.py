"""`worthwhile prices update` and `override` through a running collector: what they say, and what is priced after."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from worthwhile_collectors.database import Database
from worthwhile_schemas.price_book import shipped
from worthwhile_schemas.prices import build, overrides

DAY = "2026-11-20 10:00:00"
Words = Callable[..., Any]


@pytest.fixture(scope="module")
def other_list(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped list with gpt-4o at double the price, one model less and one more."""
    real = build._model

    def changed(provider: str, model: Any) -> dict[str, object]:
        entry = real(provider, model)
        if (provider, entry["id"]) == ("openai", "gpt-4o"):
            entry["prices"] |= {"input": 5_000_000}
        if (provider, entry["id"]) == ("openai", "o1-pro"):
            entry |= {"id": "o9-pro"}
        return entry

    path = tmp_path_factory.mktemp("list") / "list.json"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(build, "_model", changed)
        path.write_bytes(build.build("2026-11-22"))
    return path


def test_a_list_is_compared_put_into_force_once_and_taken_back(
    database: Database, prices: Words, other_list: Path
) -> None:
    version = json.loads(other_list.read_bytes().splitlines()[0] + b'"":0}')["version"]
    gpt = {"provider": "openai", "model": "gpt-4o", "change": "changed", "kind": "input", "tier": ""}
    gpt |= {"since": "1970-01-01", "old_usd": "0.0000025", "new_usd": "0.000005"}
    would = prices("update", str(other_list), "--dry-run", "--json")
    told = json.loads(would.stdout)
    assert (told["dry_run"], told["before"], told["version"]) == (True, shipped().version, version)
    whole = {(change["model"], change["change"]) for change in told["changes"] if change["kind"] is None}
    assert whole == {("o1-pro", "removed"), ("o9-pro", "added")}
    assert gpt in told["changes"]
    others = {(one["provider"], one["model"], one["kind"]) for one in told["changes"] if one["kind"]}
    assert others == {("openai", "gpt-4o", "input")}
    assert _costs(database, {}) == [(Decimal("0.0045"), "list", shipped().version)]

    done = prices("update", str(other_list))
    assert done.returncode == 0
    shown = [line.split() for line in done.stdout.splitlines()]
    assert ["changed", "openai", "gpt-4o", "input", "1970-01-01", "2.5/M", "5/M"] in shown
    assert f"`{version}` is in force instead of `{shipped().version}`: 1 models added, 1 removed, " in done.stderr
    assert _costs(database, {}) == [(Decimal("0.007"), "list", version)]
    loaded = database.query("SELECT count() AS lists FROM price_lists")
    assert f"up to date: `{version}` is in force" in prices("update", str(other_list)).stderr
    assert database.query("SELECT count() AS lists FROM price_lists") == loaded

    assert prices("update").returncode == 0
    assert _costs(database, {}) == [(Decimal("0.0045"), "list", shipped().version)]


def test_a_file_that_is_no_list_is_refused(prices: Words, tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text("{}")
    done = prices("update", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"error: loading the price snapshot `{path}`:" in done.stderr


def test_contract_prices_of_every_kind_are_added_listed_and_removed(
    database: Database, prices: Words, contract: Words
) -> None:
    path = contract(
        {"provider": "openai", "model": "gpt-4o", "since": "2026-01-01", "list_percent": "85.5"},
        {"provider": "openai", "model": "o3", "since": "2026-01-01", "eur_per_million_tokens": {"input": 2}},
        {"provider": "vllm", "model": "*", "since": "2026-01-01", "usd_per_hour": 2, "usd_per_kwh": "0.3"},
        rates=[{"currency": "EUR", "since": "2026-01-01", "usd": "1.25", "source": "test"}],
    )
    version = overrides.load(path).version
    would = json.loads(prices("override", "add", str(path), "--dry-run", "--json").stdout)
    assert would["dry_run"] is True
    assert json.loads(prices("override", "list", "--json").stdout) == {"contracts": [], "rates": []}
    added = json.loads(prices("override", "add", str(path), "--json").stdout)
    counts = {"replaced": [], "rows": 3, "rates": 1, "currencies_without_rate": []}
    assert added == {"dry_run": False, "version": version, **counts}
    own = {"provider": "vllm", "request_model": "tiny", "cost_basis": "self_hosted"}
    own |= {"duration_ns": 1_800_000_000, "energy_uj": 720_000_000}
    assert _costs(database, {}, {"request_model": "o3"}, own) == [
        (Decimal("0.0045") * Decimal("0.855"), "contract", version),
        (Decimal("0.0025"), "contract", version),
        (Decimal("0.00106"), "self_hosted", version),
    ]
    listed = prices("override", "list")
    shown = [" ".join(line.split()) for line in listed.stdout.splitlines()]
    days = "2026-01-01 2299-12-31"
    assert shown == [
        "contract provider model tier since until price",
        f"{version} openai gpt-4o standard {days} 85.5 % of the list",
        f"{version} openai o3 standard {days} EUR: input 2 per million",
        f"{version} vllm * standard {days} USD: hour 2 an hour, kwh 0.3 a kWh",
        "",
        "currency since USD source",
        "EUR 2026-01-01 1.25 test",
    ]
    again = json.loads(prices("override", "add", str(path), "--json").stdout)
    assert again["replaced"] == [version]
    assert database.query("SELECT count() AS n FROM price_overrides FINAL WHERE NOT is_removed") == [{"n": 3}]
    gone = prices("override", "remove", "acme")
    assert "3 rows of `acme` are withdrawn\n\nhint: " in gone.stderr
    assert _costs(database, {}, own) == [
        (Decimal("0.0045"), "list", shipped().version),
        (None, "self_hosted", ""),
    ]
    refused = prices("override", "remove", "acme")
    assert refused.returncode == 2
    assert "found the name `acme`, expected one of none: no contract is in force\n\nhint: " in refused.stderr


def test_a_contract_without_a_rate_is_told_about(database: Database, prices: Words, contract: Words) -> None:
    row = {"provider": "openai", "model": "o3", "since": "2026-01-01", "chf_per_million_tokens": {"input": 2}}
    done = prices("override", "add", str(contract(row)))
    try:
        assert done.returncode == 0
        assert "warning: no exchange rate of `CHF` for the first day of a contract" in done.stderr
        assert _costs(database, {"request_model": "o3"}) == [(None, "unknown", "")]
    finally:
        prices("override", "remove", "acme")


def _costs(database: Database, *calls: dict[str, object]) -> list[tuple[object, ...]]:
    """Cost, basis and price version of calls of gpt-4o with 1,000 and 200 tokens, but for what is given."""
    given = {"ts": DAY, "provider": "openai", "request_model": "gpt-4o", "input_tokens": 1000, "output_tokens": 200}
    lines = [json.dumps(given | {"span_id": f"{number:08}"} | call) for number, call in enumerate(calls)]
    database.execute("TRUNCATE TABLE calls", {})
    database.insert_rows("calls_in", "\n".join(lines).encode())
    rows = database.query("SELECT cost_usd, cost_basis, price_version FROM calls ORDER BY toString(span_id)")
    assert len(rows) == len(calls)
    return [tuple(row.values()) for row in rows]
