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
        "row 2: it has no price, expected `usd_per_million_tokens` or `usd_each`",
        f"row 3: `usd_per_million_tokens` has `-1` for `input`, {usd}",
        f"row 3: `usd_per_million_tokens` has `x` for `output`, {usd}",
        f"row 3: `usd_per_million_tokens` has the kind `audio`, expected one of {kinds}",
        "row 4: `usd_per_million_tokens` prices `cache_read` without `input`, of which it is a part",
        f"row 4: `usd_per_million_tokens` has `True` for `cache_read`, {usd}",
        f"row 4: `usd_each` has `NaN` for `web_search`, {usd}",
        "row 5: `usd_per_million_tokens` is `[]`, expected an object of prices by kind",
        "row 5: `usd_each` is `3`, expected an object of prices by kind",
        f"row 6: `until` is `2027`, {day}",
        "row 6: it has no price, expected `usd_per_million_tokens` or `usd_each`",
    ]


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
