"""The committed price snapshot: it is what the builder makes, damage shows, and it is small and exact."""

import json
import re
import tracemalloc
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path

import pytest

from worthwhile_schemas.price_book import CONDITIONS, SCHEMA, SNAPSHOT, PriceBookError, load, shipped
from worthwhile_schemas.prices import build


def test_the_snapshot_says_what_it_is_and_where_it_comes_from():
    book = shipped()
    raw = json.loads(SNAPSHOT.read_bytes())
    assert raw["schema"] == SCHEMA
    assert book.source == {"package": "genai-prices", "version": book.source["version"], "license": "MIT"}
    assert "MIT License" in raw["notice"]
    assert book.version == f"{book.date}.{book.sha256[:8]}"
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", book.date)
    assert len(list(book.listed())) > 2000
    assert SNAPSHOT.stat().st_size < 500_000


def test_the_snapshot_is_what_the_builder_makes_from_its_source():
    book = shipped()
    if version("genai-prices") != book.source["version"]:
        pytest.skip(f"built from genai-prices {book.source['version']}, {version('genai-prices')} is installed")
    assert build.build(book.date) == SNAPSHOT.read_bytes(), "run `make gen`"


def test_the_builder_keeps_the_date_until_prices_change(tmp_path: Path):
    out = tmp_path / "snapshot.json"
    build.main(["--date", "2020-02-29", "--out", str(out)])
    first = out.read_bytes()
    build.main(["--out", str(out)])
    assert out.read_bytes() == first
    out.write_bytes(first.replace(b'"units"', b'"unit"'))
    build.main(["--out", str(out)])
    assert load(out).date > "2026"


def test_every_amount_is_exact_and_written_one_way():
    amounts = [amount for row in _rows() for price in _prices(row).values() for amount in _amounts(price)]
    assert len(amounts) > 5000
    for amount in amounts:
        if isinstance(amount, str):
            assert Fraction(amount).denominator > 1, amount
            assert re.fullmatch(r"\d+\.\d*[1-9]", amount)
        else:
            assert type(amount) is int
            assert amount >= 0


def test_only_rounding_noise_of_the_source_is_no_whole_number_of_picodollars():
    texts = [
        amount
        for row in _rows()
        for price in _prices(row).values()
        for amount in _amounts(price)
        if isinstance(amount, str)
    ]
    assert texts
    assert all(len(text) > 10 for text in texts), "a true list price with a fraction would be short"


def test_each_kind_has_a_unit_and_each_condition_a_known_form():
    raw = json.loads(SNAPSHOT.read_bytes())
    for row in _rows():
        assert _prices(row).keys() <= raw["units"].keys()
    for provider in raw["providers"]:
        assert all(fallback in shipped().providers for fallback in provider.get("fallback", ()))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b'"at":', b'"to":', "has the SHA-256"),
        (b'"date":"20', b'"date":"19', "has the SHA-256"),
        (
            b"worthwhile.prices/2",
            b"worthwhile.prices/9",
            "its schema is `worthwhile.prices/9`, expected `worthwhile.prices/2`",
        ),
        (b'"providers":[', b'"providers":', "cannot be read as JSON"),
        (b'"models":{', b'"models":', "cannot be read as JSON"),
    ],
)
def test_a_changed_snapshot_is_refused(tmp_path: Path, old: bytes, new: bytes, problem: str):
    path = tmp_path / "snapshot.json"
    content = SNAPSHOT.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    with pytest.raises(PriceBookError, match=re.escape(problem)) as caught:
        load(path)
    assert f"loading the price snapshot `{path}`" in str(caught.value)
    assert "\n\nhint: " in str(caught.value)


def test_changed_models_are_refused_when_they_are_read(tmp_path: Path):
    path = tmp_path / "snapshot.json"
    path.write_bytes(SNAPSHOT.read_bytes().replace(b'{"id":"gpt-4o"', b'{"id":"gpt-40"'))
    book = load(path)
    assert book.find("anthropic", "claude-sonnet-4-5") == shipped().find("anthropic", "claude-sonnet-4-5")
    with pytest.raises(PriceBookError, match="the models of `openai` have the SHA-256") as caught:
        book.find("openai", "gpt-4o")
    assert f"loading the price snapshot `{path}`" in str(caught.value)
    with pytest.raises(PriceBookError):
        list(book.listed())
    path.unlink()
    with pytest.raises(PriceBookError, match="the models of `anthropic` cannot be read"):
        book.find("anthropic", "claude-sonnet-4-5")


def test_looking_up_a_model_keeps_no_other():
    book = load(SNAPSHOT)
    book.find("openai", "gpt-4o")
    tracemalloc.start()
    try:
        found = load(SNAPSHOT).find("openai", "gpt-4o")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found is not None
    assert peak < SNAPSHOT.stat().st_size / 2, "the whole file is neither read nor decoded"


def test_a_missing_snapshot_is_refused(tmp_path: Path):
    with pytest.raises(PriceBookError, match="cannot be read"):
        load(tmp_path / "nowhere.json")


def test_the_builder_refuses_a_price_key_that_it_does_not_know():
    class Prices:
        def __init__(self) -> None:
            self.input_smell_mtok = 1

    with pytest.raises(KeyError, match="`x/y` has the price key `input_smell_mtok`"):
        build._prices(Prices(), "x/y")


def _rows() -> list[dict]:
    raw = json.loads(SNAPSHOT.read_bytes())
    models = [model for listed in raw["models"].values() for model in listed]
    prices = [[model["prices"]] if isinstance(model["prices"], dict) else model["prices"] for model in models]
    return [row for rows in prices for row in rows] + [row for model in models for row in model.get("variants", ())]


def _prices(row: dict) -> dict:
    return {kind: price for kind, price in row.items() if kind not in CONDITIONS}


def _amounts(price: object) -> list:
    if isinstance(price, list):
        return [price[0], *(amount for _, amount in price[1:])]
    return [price]
