"""Contract price files: what a good one means, and that a bad one is told about in full."""

import json
from pathlib import Path

import pytest

from worthwhile_schemas.price_book import BEGINNING, END, PriceBookError, day_ns, shipped
from worthwhile_schemas.prices.overrides import Overrides, load

ROW = {
    "provider": "openai",
    "model": "gpt-4o",
    "since": "2026-01-01",
    "usd_per_million_tokens": {"input": 2, "output": 8},
}

NO_PRICE = (
    "it has no price, expected `usd_per_million_tokens`, `usd_each`, `usd_per_hour`, `usd_per_kwh`, "
    "the same in another currency, or `list_percent`"
)


def test_a_row_holds_from_its_first_day_to_the_day_before_until(tmp_path: Path):
    overrides = _load(tmp_path, [{**ROW, "until": "2026-03-01"}])
    january, march = day_ns("2026-01-01"), day_ns("2026-03-01")
    assert _at(overrides, january - 1) == ({}, BEGINNING, january)
    assert _at(overrides, january) == ({"input": 2_000_000, "output": 8_000_000}, january, march)
    assert _at(overrides, march - 1) == ({"input": 2_000_000, "output": 8_000_000}, january, march)
    assert _at(overrides, march) == ({}, march, END)


def test_the_latest_row_counts_and_of_equals_the_last(tmp_path: Path):
    def row(since: str, usd: int) -> dict:
        return {**ROW, "since": since, "usd_per_million_tokens": {"input": usd}}

    overrides = _load(tmp_path, [row("2026-05-01", 5), row("2026-05-01", 6), row("2026-01-01", 1)])
    assert _at(overrides, day_ns("2026-04-01"))[0] == {"input": 1_000_000}
    assert _at(overrides, day_ns("2026-06-01"))[0] == {"input": 6_000_000}


@pytest.mark.parametrize(
    ("row", "provider", "model", "tier", "fits"),
    [
        ({}, "openai", "gpt-4o", "standard", True),
        ({}, "OpenAI", "GPT-4o", "standard", True),
        ({}, "openai", "gpt-4o-2024-08-06", "standard", True),  # by its id in the snapshot
        ({}, "openai", "gpt-4o-mini", "standard", False),
        ({}, "azure", "gpt-4o", "standard", False),
        ({}, "openai", "gpt-4o", "flex", False),
        ({"model": "GPT-4*"}, "openai", "gpt-4o-mini", "standard", True),
        ({"model": "*"}, "openai", "in-house", "standard", True),
        ({"provider": "google"}, "gcp.vertex_ai", "gpt-4o", "standard", True),
        ({"provider": "vllm"}, "vllm", "gpt-4o", "standard", True),
        ({"provider": "vllm"}, "ollama", "gpt-4o", "standard", False),
        ({"service_tier": "flex"}, "openai", "gpt-4o", "flex", True),
        ({"service_tier": "flex"}, "openai", "gpt-4o", "standard", False),
        ({"service_tier": "any"}, "openai", "gpt-4o", "batch", True),
    ],
)
def test_a_row_is_for_its_provider_model_and_tier(
    tmp_path: Path, row: dict, provider: str, model: str, tier: str, fits: bool
):
    overrides = _load(tmp_path, [{**ROW, **row}])
    prices = overrides.prices_at(shipped(), provider, model, tier, day_ns("2026-06-01"))
    assert bool(prices.by_kind) is fits


def test_amounts_are_exact(tmp_path: Path):
    each = {"web_search": 0.008, "request": "0"}
    tokens = {"input": 0.1, "cache_read": "0.0833333333333333", "output": "1e-3"}
    overrides = _load(tmp_path, [{**ROW, "usd_per_million_tokens": tokens, "usd_each": each}])
    assert overrides.rows[0].prices == {
        "input": 100_000,
        "cache_read": "83333.3333333333",
        "output": 1000,
        "web_search": 8_000_000_000,
        "request": 0,
    }


def test_the_version_names_the_file_and_its_content(tmp_path: Path):
    first, second = _load(tmp_path, [ROW]), _load(tmp_path, [ROW, ROW])
    assert first.version.startswith("acme.")
    assert first.version != second.version


def test_every_problem_of_a_file_is_listed_at_once(tmp_path: Path):
    rows = [
        7,
        {"provider": "", "model": 4, "since": "soon", "until": "2026-13-01", "service_tier": "gold", "price": 1},
        {**ROW, "usd_per_million_tokens": {"input": -1, "output": "x", "audio": 1}},
        {**ROW, "usd_per_million_tokens": {"cache_read": True}, "usd_each": {"web_search": "NaN"}},
        {**ROW, "usd_per_million_tokens": [], "usd_each": 3},
        {**ROW, "usd_per_million_tokens": {}, "until": 2027},
    ]
    path = _write(tmp_path, {"schema": "worthwhile.price-overrides/9", "extra": 1, "prices": rows})
    with pytest.raises(PriceBookError) as caught:
        load(path)
    first, *problems, blank, hint = str(caught.value).splitlines()
    assert first == f"loading the price overrides `{path}`:"
    assert (blank, hint[:6]) == ("", "hint: ")
    day = "expected an ISO day, such as `2026-01-01`"
    usd = "expected USD as a decimal number that is not negative"
    kinds = "input, output, cache_read, cache_write, cache_write_1h, audio_input, reasoning, audio_output"
    assert [problem.removeprefix("  - ") for problem in problems] == [
        "`schema` is `worthwhile.price-overrides/9`, expected `worthwhile.price-overrides/1`",
        "`name` is `None`, expected a name for these prices",
        "`extra` is not known here",
        "row 1 is `7`, expected an object",
        "row 2: `provider` is ``, expected a provider's name, such as `openai`",
        "row 2: `model` is `4`, expected a model's name or a pattern, such as `gpt-5*`",
        "row 2: `price` is not known here",
        f"row 2: `since` is `soon`, {day}",
        f"row 2: `until` is `2026-13-01`, {day}",
        "row 2: `service_tier` is `gold`, expected one of standard, flex, priority, fast, batch, any",
        f"row 2: {NO_PRICE}",
        f"row 3: `usd_per_million_tokens` has `-1` for `input`, {usd}",
        f"row 3: `usd_per_million_tokens` has `x` for `output`, {usd}",
        f"row 3: `usd_per_million_tokens` has the kind `audio`, expected one of {kinds}",
        "row 4: `usd_per_million_tokens` prices `cache_read` without `input`, of which it is a part",
        f"row 4: `usd_per_million_tokens` has `True` for `cache_read`, {usd}",
        f"row 4: `usd_each` has `NaN` for `web_search`, {usd}",
        "row 5: `usd_per_million_tokens` is `[]`, expected an object of prices by kind",
        "row 5: `usd_each` is `3`, expected an object of prices by kind",
        f"row 6: `until` is `2027`, {day}",
        f"row 6: {NO_PRICE}",
    ]


def test_every_problem_of_percents_currencies_and_rates_is_listed_at_once(tmp_path: Path):
    bare = {name: ROW[name] for name in ("provider", "model", "since")}
    rows = [
        {**bare, "list_percent": 0},
        {**ROW, "list_percent": "85"},
        {**bare, "usd_per_hour": 1, "eur_per_kwh": 1},
        {**bare, "euro_per_hour": 1},
        {**bare, "eur_per_hour": {"input": 1}},
    ]
    rates = [{"currency": "", "since": "soon", "usd": 0, "why": 1}, 3]
    document = {"schema": "worthwhile.price-overrides/1", "name": "acme", "prices": rows, "rates": rates}
    with pytest.raises(PriceBookError) as caught:
        load(_write(tmp_path, document))
    _, *problems, _, _ = str(caught.value).splitlines()
    assert [problem.removeprefix("  - ") for problem in problems] == [
        "row 1: `list_percent` is `0`, expected the part of the list price that is paid, such as `85.5`",
        "row 2: `list_percent` stands beside `usd_per_million_tokens`, expected one of them",
        "row 3: it has prices in more than one currency: `eur_per_kwh`, `usd_per_hour`",
        "row 4: `euro_per_hour` is not known here",
        f"row 4: {NO_PRICE}",
        "row 5: `eur_per_hour` is `{'input': 1}`, expected EUR as a decimal number that is not negative",
        "rate 1: `currency` is ``, expected a currency's code, such as `EUR`",
        "rate 1: `source` is `None`, expected who says so, such as `ECB reference rate`",
        "rate 1: `why` is not known here",
        "rate 1: `since` is `soon`, expected an ISO day, such as `2026-01-01`",
        "rate 1: `usd` is `0`, expected what one unit of the currency is worth, such as `1.0832`",
        "rate 2 is `3`, expected an object",
    ]


def test_a_part_of_the_list_price_is_of_each_step_and_for_as_long_as_the_list_holds(tmp_path: Path):
    row = {"provider": "openai", "model": "gpt-5.4", "since": "2026-01-01", "list_percent": "85.5"}
    book, at_ns = shipped(), day_ns("2026-11-21")
    prices = _load(tmp_path, [row]).prices_at(book, "openai", "gpt-5.4", "standard", at_ns)
    listed = book.find("openai", "gpt-5.4").prices_at(at_ns, {})
    assert listed.by_kind["input"] == [2_500_000, [272_000, 5_000_000]]
    assert prices.by_kind["input"] == [2_137_500, [272_000, 4_275_000]]
    assert prices.by_kind.keys() == listed.by_kind.keys()
    assert (prices.from_ns, prices.until_ns) == (day_ns("2026-01-01"), listed.until_ns)


def test_a_currency_is_changed_at_the_rate_of_the_day(tmp_path: Path):
    row = {"provider": "openai", "model": "gpt-4o", "since": "2026-01-01", "eur_per_million_tokens": {"input": 2}}
    rates = [
        {"currency": "eur", "since": day, "usd": usd, "source": "test"}
        for day, usd in [("2026-11-20", "1.25"), ("2026-11-01", "1.0832000001")]
    ]
    document = {"schema": "worthwhile.price-overrides/1", "name": "acme", "prices": [row], "rates": rates}
    overrides = load(_write(tmp_path, document))
    first, second = day_ns("2026-11-01"), day_ns("2026-11-20")
    assert _at(overrides, first) == ({"input": "2166400.0002"}, first, second)
    assert _at(overrides, second) == ({"input": 2_500_000}, second, END)
    unknown, from_ns, until_ns = _at(overrides, first - 1)
    assert unknown.keys() & {"input", "output", "request"} == set()
    assert unknown, "a contract without a rate must not fall back to the list"
    assert (from_ns, until_ns) == (day_ns("2026-01-01"), first)


def test_what_time_and_energy_cost_is_left_to_the_store(tmp_path: Path):
    row = {"provider": "openai", "model": "gpt-4o", "since": "2026-01-01", "usd_per_hour": 2, "usd_per_kwh": "0.3"}
    overrides = _load(tmp_path, [{**row, "usd_each": {"request": "0.01"}}])
    kinds = {"hour": 2 * 10**12, "kwh": 3 * 10**11, "request": 10**10}
    assert overrides.rows[0].prices == kinds
    assert _at(overrides, day_ns("2026-06-01"))[0] == {"store": 0}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"1"])
def test_what_is_no_json_object_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "prices.json"
    path.write_bytes(content)
    with pytest.raises(PriceBookError, match="JSON"):
        load(path)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(PriceBookError, match="cannot be read"):
        load(tmp_path / "nowhere.json")


def _at(overrides: Overrides, at_ns: int) -> tuple:
    prices = overrides.prices_at(shipped(), "openai", "gpt-4o", "standard", at_ns)
    return prices.by_kind, prices.from_ns, prices.until_ns


def _load(folder: Path, rows: list) -> Overrides:
    return load(_write(folder, {"schema": "worthwhile.price-overrides/1", "name": "acme", "prices": rows}))


def _write(folder: Path, document: dict) -> Path:
    path = folder / "prices.json"
    path.write_text(json.dumps(document))
    return path
