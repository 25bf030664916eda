"""`configure(prices=...)` and `WORTHWHILE_PRICES`: contract prices go before the list, also for one's own servers."""

import json
from pathlib import Path

import pytest

import worthwhile as ww
from worthwhile import Usage, pricing
from worthwhile._invocation import CallRequest, CallResponse, start
from worthwhile.testing import Captured, SpanRecord

VLLM = "http://10.0.0.7:8000/v1"
ROWS = [
    {
        "provider": "openai",
        "model": "gpt-4o-mini",
        "since": "2020-01-01",
        "usd_per_million_tokens": {"input": "1", "output": "2"},
    },
    {
        "provider": "vllm",
        "model": "house-*",
        "since": "2020-01-01",
        "usd_per_million_tokens": {"input": "0.1", "output": "0.2"},
    },
]


@pytest.fixture
def contract(tmp_path: Path, fresh: None) -> Path:
    path = tmp_path / "contract.json"
    path.write_text(json.dumps({"schema": "worthwhile.price-overrides/1", "name": "acme-2026", "prices": ROWS}))
    return path


@pytest.fixture(autouse=True)
def _list_prices_again():
    yield
    pricing.use_overrides(None)


def call(captured: Captured, model: str, base_url: str | None = None) -> SpanRecord:
    invocation = start(CallRequest("chat", "openai", model, base_url=base_url))
    invocation.finish(CallResponse(model=model, usage=Usage(1_000_000, 1_000_000)))
    return captured.calls[-1]


def test_a_contract_goes_before_the_list(contract: Path, captured: Captured) -> None:
    ww.configure(prices=contract)
    span = call(captured, "gpt-4o-mini")
    assert span.attributes["worthwhile.cost.basis"] == "contract"
    assert span.attributes["worthwhile.cost.amount"] == 3.0


def test_a_model_outside_the_contract_keeps_its_list_price(contract: Path, captured: Captured) -> None:
    ww.configure(prices=contract)
    assert call(captured, "gpt-4o").attributes["worthwhile.cost.basis"] == "list"


def test_a_server_of_ones_own_gets_the_rate_that_was_declared(contract: Path, captured: Captured) -> None:
    ww.configure(prices=contract, endpoints={"10.0.0.7:8000": "vllm/local"})
    span = call(captured, "house-7b", VLLM)
    assert span.attributes["worthwhile.cost.basis"] == "contract"
    assert span.attributes["worthwhile.cost.amount"] == 0.3


def test_without_a_rate_it_is_self_hosted_and_unknown(contract: Path, captured: Captured) -> None:
    ww.configure(prices=contract, endpoints={"10.0.0.7:8000": "vllm/local"})
    span = call(captured, "gpt-4o-mini", VLLM)
    assert span.attributes["worthwhile.cost.basis"] == "self_hosted"
    assert "worthwhile.cost.amount" not in span.attributes


def test_a_bad_file_costs_one_warning_and_list_prices_go_on(
    contract: Path, captured: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    contract.write_text("{")
    ww.configure(prices=contract)
    assert call(captured, "gpt-4o-mini").attributes["worthwhile.cost.basis"] == "list"
    assert len([r for r in caplog.records if "contract prices ignored" in r.message]) == 1
