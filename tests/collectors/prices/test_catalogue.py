"""The store prices a call as the SDK does, to the last digit: every provider, model, tier, dated edge and step."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from pathlib import Path

import genai_prices
import pytest

from worthwhile.pricing import Cost, price_call, use_overrides
from worthwhile.usage import Usage
from worthwhile_collectors.store import Store
from worthwhile_collectors.store.prices import end_contract, load_contract
from worthwhile_schemas.price_book import NS_PER_SECOND, Clause, ListedModel, day_ns, shipped, steps
from worthwhile_schemas.prices import overrides
from worthwhile_schemas.units import Picodollars, usd_from_pico

NOON = day_ns("2026-11-21") + 43_200 * NS_PER_SECOND
TIERS = ("", "default", "standard", "FLEX", "priority", "fast", "on_demand", "batch")
USAGES = [
    Usage(0, 0),
    Usage(1000, 200),
    Usage(999_983, 7),
    Usage(None, 7),
    Usage(1000, None),
    Usage(1000, 200, cache_read_tokens=801),
    Usage(1009, 211, cache_read_tokens=503, cache_write_tokens=307, cache_write_1h_tokens=101),
    Usage(1009, 211, cache_write_tokens=1009, cache_write_1h_tokens=1009),
    Usage(1000, 200, cache_read_tokens=900, cache_write_tokens=200),
    Usage(1000, 200, reasoning_tokens=151, web_searches=3),
    Usage(1000, 200, audio_input_tokens=401, audio_output_tokens=103),
    Usage(1000, 200, audio_input_tokens=401, cache_read_tokens=307),
    Usage(1000, 200, audio_input_tokens=801, cache_read_tokens=307),
    Usage(7, 3, cache_read_tokens=1, cache_write_tokens=1, cache_write_1h_tokens=1, web_searches=1),
]
COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "web_searches",
)
PARTS = {
    "cost_usd": "total",
    "cost_input_usd": "input",
    "cost_cache_read_usd": "cache_read",
    "cost_cache_write_usd": "cache_write",
    "cost_output_usd": "output",
    "cost_server_tools_usd": "server_tools",
    "cache_saving_usd": "cache_saving",
}

Case = tuple[str, str, Usage, int, str]


def test_every_cost_of_the_catalogue_is_the_sdks(store: Store) -> None:
    cases = [case for model in shipped().listed() for case in _cases(model)]
    compared = _compare(store, cases)
    assert compared > len(cases) / 2
    assert len(cases) > 50_000


def test_every_name_means_the_model_that_it_means_to_the_sdk(store: Store) -> None:
    book = shipped()
    cases: list[Case] = []
    for provider in book.providers.values():
        models = list(book.models(provider))
        names = {name for model in models for name in _names(model.get("match", ["equals", model["id"]]))}
        for other in provider.get("fallback", ()):
            names |= {model["id"] for model in book.models(book.providers[other])}
        names |= {model["id"] for model in models}
        cases += [(provider["id"], name, USAGES[1], NOON, "") for name in sorted(names) if name]
    assert len(cases) > 10_000
    assert _compare(store, cases) > 5000


def test_a_name_means_the_same_at_every_spelling_of_a_provider(store: Store) -> None:
    names = [
        "gpt-4o",
        "gpt-5.2-20251211",
        "Claude-Sonnet-4-5",
        "gemini-2.5-pro",
        "gemini-2.5-pro-tts",
        "mistral-large",
        "x",
    ]
    names += ["openai/gpt-4o", "anthropic/claude-opus-5@20260101", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"]
    names += [
        "gpt-4o-20241399",
        "gpt-4o-20240230",
        "gpt-4o-20240229",
        "gpt-4o-20230229",
        "gpt-4o-20240806:batch",
        "zzz/gpt-4o",
    ]
    names += ["zzz/claude-v2", "deepseek-chat", "grok-4-20250709", "labs-mistral-x", "a/mixtral-8x7b", "/gpt-4o"]
    spellings = [
        *shipped().providers,
        *shipped().aliases,
        "OpenAI ",
        " groq ",
        "bedrock",
        "vertex_ai",
        "xai",
        "together_ai",
    ]
    spellings += [
        "litellm",
        "LiteLLM",
        "nobody",
        "",
        "vllm",
        "ollama",
        "llama_cpp",
        "openai_compatible",
        "huggingface groq",
    ]
    cases = [(provider, name, USAGES[1], NOON, "") for provider, name in product(spellings, names)]
    assert _compare(store, cases) > 70


def test_percents_of_the_list_and_currencies_are_the_sdks(store: Store, tmp_path: Path) -> None:
    first = {"model": "*", "since": "2026-01-01", "service_tier": "any"}
    amounts = {"input": "1.0000001", "cache_read": "0.1", "output": "3.3"}
    document = {
        "schema": overrides.SCHEMA,
        "name": "acme",
        "prices": [
            {"provider": "openai", **first, "list_percent": "85.5"},
            {"provider": "anthropic", **first, "list_percent": "33.3333333"},
            {"provider": "google", **first, "eur_per_million_tokens": amounts, "eur_each": {"web_search": "0.01"}},
            {"provider": "groq", **first, "chf_per_million_tokens": amounts},
        ],
        "rates": [
            {"currency": "EUR", "since": "2026-01-01", "usd": "1.0832", "source": "test"},
            {"currency": "EUR", "since": "2026-11-21", "usd": "1.123456789012", "source": "test"},
        ],
    }
    path = tmp_path / "contract.json"
    path.write_text(json.dumps(document))
    sold = [model for model in shipped().listed() if model.provider in {"openai", "anthropic", "google", "groq"}]
    cases: list[Case] = [
        (model.provider, model.model, usage, at_ns, tier)
        for model in sold[::3]
        for usage in (USAGES[1], Usage(300_001, 211, cache_read_tokens=503, web_searches=3), USAGES[10])
        for at_ns in (NOON, NOON - 86_400 * NS_PER_SECOND)
        for tier in ("", "flex", "batch")
    ]
    load_contract(store, shipped(), overrides.load(path))
    use_overrides(path)
    try:
        assert _compare(store, cases) > len(cases) / 2
        bases = store.query("SELECT provider, groupUniqArray(cost_basis) AS bases FROM calls GROUP BY provider")
        found = {str(row["provider"]): row["bases"] for row in bases}
        assert (found["google"], found["groq"]) == (["contract"], ["unknown"])
    finally:
        use_overrides(None)
        end_contract(store, "acme")


def test_costs_are_those_of_genai_prices(store: Store) -> None:
    cases = [
        (provider, model, usage, NOON, "")
        for provider, model in [
            ("openai", "gpt-5.4"),
            ("openai", "gpt-audio"),
            ("anthropic", "claude-haiku-5-5"),
            ("google", "gemini-2.5-pro"),
            ("aws", "amazon.nova-pro-v1:0"),
            ("deepseek", "deepseek-flash"),
        ]
        for usage in USAGES[1:3] + USAGES[5:8] + USAGES[9:10]
    ]
    compared = 0
    for (provider, model, usage, at_ns, _), row in zip(cases, _priced(store, cases), strict=True):
        counts = {name: getattr(usage, name) for name in COUNTS[:5]} | {
            "output_reasoning_tokens": usage.reasoning_tokens,
            "web_searches": usage.web_searches,
        }
        at = datetime.fromtimestamp(at_ns // NS_PER_SECOND, UTC)
        theirs = genai_prices.calc_price(
            genai_prices.Usage(**counts), model, provider_id=provider, genai_request_timestamp=at
        )
        assert row["cost_usd"] == theirs.total_price.quantize(Decimal("1e-12")), (provider, model, usage)
        compared += 1
    assert compared == len(cases)


def test_a_count_that_is_none_or_a_cost_that_fits_no_column_breaks_nothing(store: Store) -> None:
    huge = [2**63, 2**64 - 1, 10**10 + 1, 10**10]
    cases: list[Case] = [("openai", "gpt-4o", Usage(count, 1), NOON, "") for count in huge]
    cases += [("openai", "gpt-4o", Usage(1, count), NOON, "") for count in huge]
    cases += [("openai", "gpt-4o", Usage(1, 1, **{name: count}), NOON, "") for count in huge for name in COUNTS[2:]]
    cases += [("openai", "o1-pro", Usage(10**10, 10**10), NOON, ""), ("openai", "gpt-4o", USAGES[1], NOON, "")]
    rows = _priced(store, cases)
    assert [row["cost_usd"] is None for row in rows[:3]] == [True] * 3
    assert rows[3]["cost_usd"] == Decimal("25000.00001")
    assert rows[-2]["cost_usd"] is None
    assert rows[-1]["cost_usd"] == Decimal("0.0045")


def _cases(model: ListedModel) -> Iterator[Case]:
    name = _reaching_name(model)
    rows = [*model.rows, *model.variants]
    instants = {NOON}
    for row in rows:
        edges = [day_ns(row["since"])] if "since" in row else []
        edges += [day_ns("2026-11-21") + second * NS_PER_SECOND for second in row.get("daily", ())]
        instants |= {edge + before for edge in edges for before in (-1000, 0)}
    bounds = {
        bound for row in rows for kind in row.keys() - {"since", "daily", "when"} for bound, _ in steps(row[kind])
    }
    usages = [*USAGES]
    for count in sorted(bound + more for bound in bounds if bound > 0 for more in (0, 1)):
        usages += [Usage(count, 13), Usage(count, 13, cache_read_tokens=count // 3, cache_write_tokens=count // 5)]
    tiers = TIERS if model.variants else TIERS[:1]
    for usage, at_ns, tier in product(usages, sorted(instants), tiers):
        yield model.provider, name, usage, at_ns, tier


def _reaching_name(model: ListedModel) -> str:
    entry = next(m for m in shipped().models(shipped().providers[model.provider]) if m["id"] == model.model)
    for name in (model.model, *_names(entry.get("match", ["equals", model.model]))):
        found = shipped().find(model.provider, name)
        if found is not None and (found.provider, found.model) == (model.provider, model.model):
            return name
    return pytest.fail(f"no name reaches {model.provider}/{model.model}")


def _names(clause: Clause) -> Iterator[str]:
    """Names around the texts of a rule: the text itself and the text with something before or after it."""
    operation, *arguments = clause
    for argument in arguments:
        if isinstance(argument, list):
            yield from _names(argument)
        elif operation != "regex":
            yield from (argument, f"{argument}-20251211", f"us.{argument}", argument.upper())
        else:
            plain = argument.strip("^$").replace("\\d{4}-\\d{2}-\\d{2}", "2025-12-11").replace("\\d{8}", "20251211")
            yield plain.replace("\\", "")


def _compare(store: Store, cases: list[Case]) -> int:
    """Fails where the store and the SDK differ; how many of the calls have a cost."""
    mismatches = []
    compared = 0
    for case, row in zip(cases, _priced(store, cases), strict=True):
        provider, model, usage, at_ns, tier = case
        cost = price_call(usage, provider=provider, model=model, at_ns=at_ns, service_tier=tier or None)
        compared += cost is not None
        if {name: row[name] for name in row} != _expected(cost):
            mismatches.append((case, row, _expected(cost)))
    assert mismatches[:5] == []
    return compared


def _expected(cost: Cost | None) -> dict[str, object]:
    if cost is None:
        return dict.fromkeys(PARTS) | {"cost_basis": "unknown", "price_version": ""}
    parts = {column: usd_from_pico(Picodollars(getattr(cost, part))) for column, part in PARTS.items()}
    return parts | {"cost_basis": cost.basis, "price_version": cost.price_version}


def _priced(store: Store, cases: list[Case]) -> list[dict[str, object]]:
    """What the store says of calls that come in one insert, in their order."""
    lines = []
    for number, (provider, model, usage, at_ns, tier) in enumerate(cases):
        row = {"span_id": f"{number:08}", "provider": provider, "request_model": model}
        row |= {"ts": f"{at_ns // NS_PER_SECOND}.{at_ns % NS_PER_SECOND:09}", "service_tier": tier}
        lines.append(json.dumps(row | {name: getattr(usage, name) for name in COUNTS}))
    store.command("TRUNCATE TABLE calls")
    store.insert_rows("calls_in", "\n".join(lines).encode())
    columns = ", ".join([*PARTS, "cost_basis", "price_version"])
    rows = store.query(f"SELECT {columns} FROM calls ORDER BY toString(span_id)")
    assert len(rows) == len(cases)
    return rows
