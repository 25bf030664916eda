"""`worthwhile prices`: the list that calls are priced by, for people and for programs."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from worthwhile_collectors.cli import main
from worthwhile_schemas import price_book
from worthwhile_schemas.price_book import shipped


def test_show_prints_a_line_for_each_tier_and_context_step(capsys: pytest.CaptureFixture[str]):
    assert main(["prices", "show", "GPT-5.4-2026-03-05", "--provider", "openai", "--at", "2026-11-21"]) == 0
    shown = capsys.readouterr()
    header, *lines = shown.out.splitlines()
    assert header.split()[:6] == ["provider", "model", "tier", "input", "above", "since"]
    assert [line[18:85].split() for line in lines] == [
        ["standard", "2.5", "0.25"],
        ["standard", "272,000", "5", "0.5"],
        ["flex", "2026-10-12", "1.25", "0.13"],
        ["flex", "272,000", "2026-10-12", "2.5", "0.25"],
        ["priority", "2026-10-12", "5", "0.5"],
        ["fast", "2026-10-12", "5", "0.5"],
        ["batch", "2026-10-14", "1.25", "0.13"],
        ["batch", "272,000", "2026-10-14", "2.5", "0.25"],
    ]
    assert lines[0].endswith("15  web_search 0.01/search, storage_search 0.0025/search")
    assert shown.err == f"USD per million tokens, in force at 2026-11-21 00:00 UTC (price list {shipped().version})\n"


def test_show_gives_programs_one_object_for_each_price(capsys: pytest.CaptureFixture[str]):
    assert (
        main(["prices", "show", "deepseek-flash", "--provider", "deepseek", "--at", "2026-11-21T02:30+01:00", "--json"])
        == 0
    )
    shown = capsys.readouterr()
    prices = json.loads(shown.out)
    common = {
        "provider": "deepseek",
        "model": "deepseek-flash",
        "tier": "standard",
        "above_input_tokens": 0,
        "per": 1_000_000,
        "unit": "token",
        "from": "2026-11-21T01:00:00Z",
        "until": "2026-11-21T04:00:00Z",
    }
    assert prices == [
        {**common, "kind": "input", "usd": "0.3"},
        {**common, "kind": "cache_read", "usd": "0.006"},
        {**common, "kind": "output", "usd": "1.2"},
    ]
    assert shown.err == ""


def test_show_without_a_provider_finds_every_seller(capsys: pytest.CaptureFixture[str]):
    assert main(["prices", "show", "claude-sonnet-4-5", "--json"]) == 0
    sellers = {price["provider"] for price in json.loads(capsys.readouterr().out)}
    assert {"anthropic", "azure", "google"} <= sellers


def test_show_without_a_model_lists_a_provider(capsys: pytest.CaptureFixture[str]):
    assert main(["prices", "show", "--provider", "aws.bedrock", "--json"]) == 0
    prices = json.loads(capsys.readouterr().out)
    assert {price["provider"] for price in prices} == {"aws"}
    assert len({price["model"] for price in prices}) > 50


def test_an_unlisted_model_is_said_to_be_unlisted(capsys: pytest.CaptureFixture[str]):
    assert main(["prices", "show", "no-such-model", "--json"]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out) == []
    assert "no price is listed for `no-such-model` at `any provider`" in shown.err


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--provider", "nobody"], "found the provider `nobody`, expected one of anthropic, "),
        (["--at", "yesterday"], "reading --at: found `yesterday`, expected an ISO day or instant\n\nhint: "),
    ],
)
def test_show_refuses_what_it_does_not_know(capsys: pytest.CaptureFixture[str], flags: list[str], problem: str):
    assert main(["prices", "show", "gpt-4o", *flags]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert problem in shown.err


def test_check_tells_version_age_and_counts(capsys: pytest.CaptureFixture[str]):
    assert main(["prices", "check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    book = shipped()
    days = (datetime.now(UTC).date() - datetime.fromisoformat(book.date).date()).days
    assert found == {
        "version": book.version,
        "date": book.date,
        "age_days": days,
        "sha256": book.sha256,
        "source": f"genai-prices {book.source['version']} (MIT)",
        "providers": len(book.providers),
        "models": len(list(book.listed())),
        "models_without_price": found["models_without_price"],
        "dated_rows": found["dated_rows"],
    }
    assert 0 < found["models_without_price"] < 50
    assert found["dated_rows"] > 400
    assert main(["prices", "check"]) == 0
    assert f"sha256                {book.sha256}\n" in capsys.readouterr().out


def test_check_reads_the_contract_prices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "contract.json"
    row = {"provider": "openai", "model": "*", "since": "2026-01-01", "usd_per_million_tokens": {"input": 1}}
    path.write_text(json.dumps({"schema": "worthwhile.price-overrides/1", "name": "acme", "prices": [row]}))
    monkeypatch.setenv("WORTHWHILE_PRICES", str(path))
    assert main(["prices", "check", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["overrides"], found["overrides_rows"]) == (str(path), 1)
    assert found["overrides_version"].startswith("acme.")


def test_check_refuses_bad_contract_prices(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "contract.json"
    path.write_text('{"schema": "worthwhile.price-overrides/1"}')
    assert main(["prices", "check", "--overrides", str(path)]) == 2
    error = capsys.readouterr().err
    assert f"error: loading the price overrides `{path}`:" in error
    assert "`name` is `None`" in error
    assert "`prices` is missing" in error


def test_check_warns_of_an_old_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from worthwhile_schemas.prices import build

    old = tmp_path / "snapshot.json"
    old.write_bytes(build.build("2020-01-01"))
    monkeypatch.setattr(price_book, "SNAPSHOT", old)
    shipped.cache_clear()
    try:
        assert main(["prices", "check"]) == 0
    finally:
        shipped.cache_clear()
    assert "days old\n\nhint: pip install --upgrade worthwhile" in capsys.readouterr().err
