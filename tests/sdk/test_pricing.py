"""What `price_call` promises whatever the price list says, and how contract prices get into it."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import genai_prices
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worthwhile import pricing
from worthwhile.pricing import Cost, price_call, use_overrides
from worthwhile.usage import Usage
from worthwhile_schemas import price_book
from worthwhile_schemas.prices import build
from worthwhile_schemas.units import usd_from_pico

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NS = 10**9

LISTED = [m for m in price_book.shipped().listed() if price_book.shipped().find(m.provider, m.model) == m]
PRICED = [m for m in LISTED if {"input", "output", "request"} & m.prices_at(0, {}).by_kind.keys()]


@pytest.fixture(autouse=True)
def _list_prices_only() -> Iterator[None]:
    yield
    use_overrides(None)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    count = st.integers(0, 2_000_000)
    fresh, read, write, text, reasoning = (draw(count) for _ in range(5))
    return Usage(
        input_tokens=fresh + read + write,
        output_tokens=text + reasoning,
        cache_read_tokens=draw(st.sampled_from([read, None])) if read == 0 else read,
        cache_write_tokens=write,
        cache_write_1h_tokens=draw(st.integers(0, write)),
        reasoning_tokens=reasoning,
        web_searches=draw(st.integers(0, 50)),
    )


@given(usage=usages(), listed=st.sampled_from(PRICED))
@settings(deadline=None)
def test_parts_add_up_and_none_is_negative(usage: Usage, listed: price_book.ListedModel):
    cost = _cost(usage, listed.provider, listed.model)
    assert cost is not None
    parts = (cost.input, cost.cache_read, cost.cache_write, cost.output, cost.server_tools)
    assert sum(parts) == cost.total
    assert min(parts) >= 0


@given(usage=usages(), listed=st.sampled_from(PRICED))
@settings(deadline=None)
def test_a_random_call_costs_what_genai_prices_says(usage: Usage, listed: price_book.ListedModel):
    cost = _cost(usage, listed.provider, listed.model)
    theirs = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            cache_write_1h_tokens=usage.cache_write_1h_tokens,
            output_reasoning_tokens=usage.reasoning_tokens,
            web_searches=usage.web_searches,
        ),
        listed.model,
        provider_id=listed.provider,
        genai_request_timestamp=NOW,
    )
    assert cost is not None
    assert usd_from_pico(cost.total) == theirs.total_price.quantize(Decimal("1e-12"))


@given(usage=usages(), more=st.integers(1, 100_000), listed=st.sampled_from(PRICED))
@settings(deadline=None)
def test_more_output_or_more_input_never_costs_less(usage: Usage, more: int, listed: price_book.ListedModel):
    def total(extra_input: int, extra_output: int) -> int:
        larger = Usage(
            input_tokens=(usage.input_tokens or 0) + extra_input,
            output_tokens=(usage.output_tokens or 0) + extra_output,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            cache_write_1h_tokens=usage.cache_write_1h_tokens,
            web_searches=usage.web_searches,
        )
        cost = _cost(larger, listed.provider, listed.model)
        assert cost is not None
        return cost.total

    assert total(0, 0) <= total(more, 0) <= total(more, more)


@given(usage=usages(), listed=st.sampled_from(PRICED))
@settings(deadline=None)
def test_the_short_way_and_the_long_way_agree(usage: Usage, listed: price_book.ListedModel):
    cost = _cost(usage, listed.provider, listed.model)
    tariff = pricing._compiled[listed.provider, listed.model, None, False][2]
    assert tariff is not None
    assert pricing._detailed_cost(usage, tariff) == cost


@given(usage=usages(), listed=st.sampled_from(PRICED))
@settings(deadline=None)
def test_the_saving_is_the_price_without_cache_less_the_price_with_it(usage: Usage, listed: price_book.ListedModel):
    cost = _cost(usage, listed.provider, listed.model)
    uncached = Usage(
        usage.input_tokens,
        usage.output_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        web_searches=usage.web_searches,
    )
    without = _cost(uncached, listed.provider, listed.model)
    assert cost is not None
    assert without is not None
    assert abs(without.total - cost.total - cost.cache_saving) <= 1


def test_a_call_is_split_into_its_parts():
    usage = Usage(
        12_000, 300, cache_read_tokens=8000, cache_write_tokens=2000, cache_write_1h_tokens=500, web_searches=1
    )
    cost = _cost(usage, "anthropic", "claude-sonnet-4-5")
    assert cost is not None
    dollars = {field: usd_from_pico(getattr(cost, field)) for field in Cost._fields[:7]}
    assert dollars == {
        "total": Decimal("0.031525"),
        "input": Decimal("0.006"),  # 2,000 at 3 USD per million
        "cache_read": Decimal("0.0024"),  # 8,000 at 0.30
        "cache_write": Decimal("0.008625"),  # 1,500 at 3.75 and 500 at 6
        "output": Decimal("0.0045"),  # 300 at 15
        "server_tools": Decimal("0.01"),
        "cache_saving": Decimal("0.018975"),  # 10,000 at 3 less what caching cost
    }
    assert cost.price_version == price_book.shipped().version
    assert cost.basis == "list"


def test_a_cache_that_is_only_written_to_costs_more_than_none():
    cost = _cost(Usage(1000, 1, cache_write_tokens=1000), "anthropic", "claude-sonnet-4-5")
    assert cost is not None
    assert cost.cache_saving == -750_000 * 1000


def test_a_fraction_of_a_picodollar_is_rounded_once_over_the_whole_call():
    # 0.0833333333333333 USD per million cache writes: 83333.3333333 picodollars for a token.
    usage = Usage(10, 3, cache_write_tokens=5)
    cost = _cost(usage, "openrouter", "google/gemini-2.5-flash")
    assert cost is not None
    assert cost.cache_write == 416_667
    assert cost.total == cost.input + 416_667 + cost.output


def test_long_context_is_priced_by_all_input_and_for_all_tokens():
    below = _cost(Usage(272_000, 10, cache_read_tokens=100), "openai", "gpt-5.4")
    above = _cost(Usage(272_001, 10, cache_read_tokens=100), "openai", "gpt-5.4")
    assert below is not None
    assert above is not None
    assert (below.input, below.cache_read, below.output) == (271_900 * 2_500_000, 100 * 250_000, 10 * 15_000_000)
    assert (above.input, above.cache_read, above.output) == (271_901 * 5_000_000, 100 * 500_000, 10 * 22_500_000)


def test_flex_costs_half_and_a_tier_without_a_price_costs_the_list_price():
    usage = Usage(1000, 0)
    totals = {tier: _cost(usage, "openai", "gpt-5.4", tier=tier) for tier in (None, "default", "flex", "scale")}
    assert {tier: cost and cost.total for tier, cost in totals.items()} == {
        None: 2_500_000_000,
        "default": 2_500_000_000,
        "flex": 1_250_000_000,
        "scale": 2_500_000_000,
    }


def test_a_compiled_price_is_not_used_outside_its_days_or_hours():
    usage = Usage(1000, 0)
    peak, quiet = datetime(2026, 11, 21, 2, tzinfo=UTC), datetime(2026, 11, 21, 5, tzinfo=UTC)
    for _ in range(2):
        assert _total(usage, "deepseek", "deepseek-flash", peak) == 300_000_000
        assert _total(usage, "deepseek", "deepseek-flash", quiet) == 150_000_000
        assert _total(usage, "deepseek", "deepseek-flash", datetime(2026, 11, 21, 0, 10, tzinfo=UTC)) == 150_000_000
        assert _total(usage, "deepseek", "deepseek-flash", datetime(2026, 11, 20, 2, tzinfo=UTC)) == 300_000_000
        assert _total(usage, "deepseek", "deepseek-flash", datetime(2026, 11, 20, 23, tzinfo=UTC)) == 150_000_000
        assert _total(usage, "deepseek", "deepseek-flash", datetime(2026, 11, 21, 2, tzinfo=UTC)) == 300_000_000
        assert _total(usage, "deepseek", "deepseek-v4-flash", datetime(2026, 8, 16, 12, tzinfo=UTC)) == 140_000_000
        assert _total(usage, "deepseek", "deepseek-v4-flash", datetime(2026, 8, 17, 12, tzinfo=UTC)) == 220_000_000


@pytest.mark.parametrize(
    ("usage", "model"),
    [
        (Usage(1000, 200), "no-such-model"),
        (Usage(1000, 200), ""),
        (Usage(1000, 200), "whisper-1"),  # priced by the hour of audio only
        (Usage(), "gpt-4o"),
        (Usage(input_tokens=1000), "gpt-4o"),
        (Usage(output_tokens=10), "gpt-4o"),
        (Usage(100, 1, cache_read_tokens=101), "gpt-4o"),
        (Usage(100, 1, cache_read_tokens=-1), "gpt-4o"),
        (Usage(100, 1, cache_write_tokens=-1), "gpt-4o"),
        (Usage(100, 1, cache_write_tokens=10, cache_write_1h_tokens=11), "gpt-4o"),
        (Usage(100, 1, cache_write_tokens=10, cache_write_1h_tokens=-1), "gpt-4o"),
        (Usage(100, 1, cache_write_1h_tokens=1), "gpt-4o"),
        (Usage(-1, 1), "gpt-4o"),
        (Usage(1, -1), "gpt-4o"),
        (Usage(1, 1, web_searches=-1), "gpt-4o"),
        (Usage(300_000, 1, cache_read_tokens=300_001), "gpt-5.4"),
        (Usage(1000, 1, audio_input_tokens=1001), "gpt-audio"),
    ],
)
def test_what_cannot_be_known_is_unknown_and_never_zero(usage: Usage, model: str):
    assert _cost(usage, "openai", model) is None


def test_an_embedding_has_no_output_to_pay_for():
    assert _total(Usage(input_tokens=1000), "openai", "text-embedding-3-small", NOW) == 20_000_000


def test_what_was_compiled_stays_bounded():
    for number in range(pricing.MAX_COMPILED + 10):
        price_call(Usage(1, 1), provider="nobody", model=str(number), at_ns=0)
    assert len(pricing._compiled) <= pricing.MAX_COMPILED


def test_contract_prices_win_over_the_list_from_their_day_on(tmp_path: Path):
    listed = _cost(Usage(1000, 100), "openai", "gpt-4o-2024-08-06")
    assert listed is not None
    assert listed.basis == "list"
    use_overrides(
        _overrides(
            tmp_path,
            {"model": "gpt-4o", "since": "2026-06-01", "usd_per_million_tokens": {"input": 2, "output": "8.5"}},
        )
    )
    cost = _cost(Usage(1000, 100, cache_read_tokens=400), "openai", "gpt-4o-2024-08-06")
    assert cost is not None
    assert (cost.basis, cost.price_version[:5]) == ("contract", "acme.")
    assert (cost.input, cost.cache_read, cost.output) == (600 * 2_000_000, 400 * 2_000_000, 100 * 8_500_000)
    before = _cost(Usage(1000, 100), "openai", "gpt-4o", at=datetime(2026, 5, 31, 23, 59, 59, tzinfo=UTC))
    assert before is not None
    assert (before.basis, before.input) == ("list", 1000 * 2_500_000)


def test_contract_prices_are_for_standard_calls_unless_they_name_a_tier(tmp_path: Path):
    row = {"model": "gpt-5.4", "since": "2026-01-01", "usd_per_million_tokens": {"input": 1, "output": 1}}
    use_overrides(
        _overrides(
            tmp_path, row, {**row, "service_tier": "batch", "usd_per_million_tokens": {"input": "0.4", "output": 1}}
        )
    )
    assert _total(Usage(1000, 0), "openai", "gpt-5.4", NOW) == 1_000_000_000
    assert _total(Usage(1000, 0), "openai", "gpt-5.4", NOW, tier="default") == 1_000_000_000
    assert _total(Usage(1000, 0), "openai", "gpt-5.4", NOW, tier="flex") == 1_250_000_000
    assert _total(Usage(1000, 0), "openai", "gpt-5.4", NOW, is_batch=True) == 400_000_000


def test_contract_prices_can_price_what_no_list_does(tmp_path: Path):
    row = {
        "provider": "vllm",
        "model": "*",
        "since": "2026-01-01",
        "usd_per_million_tokens": {"input": "0.0833333333333333", "output": "0.1"},
    }
    use_overrides(_overrides(tmp_path, row))
    assert _total(Usage(3, 1), "vllm", "my-finetune", NOW) == 350_000


def test_half_a_picodollar_is_rounded_to_even(tmp_path: Path):
    row = {"model": "x", "since": "2026-01-01", "usd_per_million_tokens": {"input": "0.0000005", "output": 0}}
    use_overrides(_overrides(tmp_path, row))
    assert [_total(Usage(count, 0), "openai", "x", NOW) for count in range(6)] == [0, 0, 1, 2, 2, 2]


def test_a_bad_overrides_file_is_told_once_and_list_prices_go_on(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "prices.json"
    path.write_text('{"schema": "x"}')
    with caplog.at_level(logging.WARNING, "worthwhile"):
        use_overrides(path)
    assert _total(Usage(1000, 0), "openai", "gpt-4o", NOW) == 2_500_000_000
    (record,) = caplog.records
    assert "calls get list prices" in record.getMessage()
    assert "`schema` is `x`" in record.getMessage()


def test_a_damaged_snapshot_leaves_calls_unpriced_and_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    damaged = tmp_path / "snapshot.json"
    damaged.write_bytes(price_book.SNAPSHOT.read_bytes().replace(b'{"id":"gpt-4o"', b'{"id":"gpt-40"'))
    monkeypatch.setattr(price_book, "SNAPSHOT", damaged)
    _forget()
    try:
        assert _cost(Usage(1, 1), "openai", "gpt-4o") is None
        assert _cost(Usage(1, 1), "openai", "gpt-4o-mini") is None
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "no call is priced" in caplog.text
        assert _cost(Usage(1, 1), "anthropic", "claude-sonnet-4-5") is not None, "whose prices are whole"
    finally:
        _forget()


def test_an_upgrade_under_a_running_program_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    replaced = tmp_path / "snapshot.json"
    replaced.write_bytes(build.build("2020-01-01"))
    monkeypatch.setattr(price_book, "SNAPSHOT", replaced)
    _forget()
    try:
        before = _cost(Usage(1, 1), "openai", "gpt-4o")
        monkeypatch.setattr(build, "NOTICE", "A head of another length.")
        replaced.write_bytes(build.build("2020-01-02"))
        after = _cost(Usage(1, 1), "anthropic", "claude-sonnet-4-5")
    finally:
        _forget()
    assert before is not None
    assert after is not None
    assert before.price_version.startswith("2020-01-01.")
    assert after.price_version.startswith("2020-01-02."), "it says by which prices"


def _forget() -> None:
    price_book.shipped.cache_clear()
    pricing._book.cache_clear()
    pricing._compiled.clear()


def _cost(
    usage: Usage, provider: str, model: str, *, at: datetime = NOW, tier: str | None = None, is_batch: bool = False
) -> Cost | None:
    at_ns = int(at.timestamp()) * NS
    return price_call(usage, provider=provider, model=model, at_ns=at_ns, service_tier=tier, is_batch=is_batch)


def _total(
    usage: Usage, provider: str, model: str, at: datetime, *, tier: str | None = None, is_batch: bool = False
) -> int:
    cost = _cost(usage, provider, model, at=at, tier=tier, is_batch=is_batch)
    assert cost is not None
    return cost.total


def _overrides(folder: Path, *rows: dict) -> Path:
    path = folder / "prices.json"
    document = {
        "schema": "worthwhile.price-overrides/1",
        "name": "acme",
        "prices": [{"provider": "openai", **row} for row in rows],
    }
    path.write_text(json.dumps(document))
    return path
