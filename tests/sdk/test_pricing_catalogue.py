"""`price_call` against genai-prices itself: every provider, model, context step, tier and date of the catalogue."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product

import genai_prices
import pytest
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ConditionalPrice, ModelInfo, ModelPrice, Provider, StartDateConstraint, TieredPrices

from worthwhile.pricing import Cost, price_call
from worthwhile.usage import Usage
from worthwhile_schemas.price_book import shipped
from worthwhile_schemas.units import usd_from_pico

PROVIDERS = {provider.id: provider for provider in get_snapshot().providers}

NO_PRICE = {
    ("cerebras", "qwen-3-coder-480b"),
    ("google", "gemma-3"),
    ("google", "gemma-3n"),
    ("huggingface_together", "ServiceNow-AI/Apriel-1.6-15b-Thinker"),
    ("huggingface_together", "prism-ml/Ternary-Bonsai-27B-AWQ-4bit"),
    ("huggingface_together", "prism-ml/Ternary-Bonsai-27B-gguf"),
    ("openrouter", "gemini-2.5-pro-exp-03-25"),
    ("openrouter", "google/gemini-flash-1.5-8b-exp"),
    ("openrouter", "google/lyria-3-clip-preview"),
    ("openrouter", "google/lyria-3-pro-preview"),
    ("openrouter", "stealth/crouton-alpha"),
}
"""Models with an empty price list that nothing says are free: unknown here, 0 USD in genai-prices."""

TOKEN_PRICES = ("input_mtok", "output_mtok", "requests_kcount")

TIERS = [
    (None, False, {}),
    ("default", False, {"service_tier": "default"}),
    ("standard", False, {"service_tier": "default"}),
    ("FLEX", False, {"service_tier": "flex"}),
    ("priority", False, {"service_tier": "priority"}),
    ("fast", False, {"service_tier": "fast", "speed": "fast"}),
    ("on_demand", False, {"service_tier": "on_demand"}),
    ("batch", False, {"processing": "batch"}),
    (None, True, {"processing": "batch"}),
    ("flex", True, {"service_tier": "flex", "processing": "batch"}),
]

USAGES = [
    Usage(0, 0),
    Usage(1000, 200),
    Usage(999_983, 7),
    Usage(1000, 200, cache_read_tokens=801),
    Usage(1009, 211, cache_read_tokens=503, cache_write_tokens=307, cache_write_1h_tokens=101),
    Usage(1009, 211, cache_write_tokens=1009, cache_write_1h_tokens=1009),
    Usage(1000, 200, reasoning_tokens=151, web_searches=3),
    Usage(1000, 200, audio_input_tokens=401, audio_output_tokens=103),
    Usage(1000, 200, audio_input_tokens=401, cache_read_tokens=307),
    Usage(1000, 200, audio_input_tokens=801, cache_read_tokens=307),
]


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_every_cost_of_the_catalogue_equals_genai_prices(provider: Provider):
    compared = 0
    for model in provider.models:
        name = _reaching_name(provider, model)
        tiers = TIERS if model.price_variants else TIERS[:1]
        for usage, at, (tier, is_batch, context) in product(_usages(model), _instants(model), tiers):
            expected = _expected(usage, provider.id, name, at, context)
            cost = _cost(usage, provider.id, name, at, tier=tier, is_batch=is_batch)
            assert (cost and usd_from_pico(cost.total)) == expected, (model.id, usage, at, tier, is_batch)
            assert cost is None or _parts(cost) == cost.total, (model.id, usage)
            compared += expected is not None
    assert compared > len(provider.models) - len(NO_PRICE)


def test_what_a_provider_sells_for_another_has_no_tiers_of_its_own():
    compared = 0
    for provider in PROVIDERS.values():
        for other in provider.fallback_model_providers or ():
            for model in PROVIDERS[other].models:
                found = shipped().find(provider.id, model.id)
                if (
                    found is None
                    or not model.price_variants
                    or (found.provider, found.model) != (provider.id, model.id)
                ):
                    continue
                at = datetime(2026, 11, 21, 12, tzinfo=UTC)
                for tier, is_batch, context in TIERS:
                    cost = _cost(USAGES[1], provider.id, model.id, at, tier=tier, is_batch=is_batch)
                    expected = _expected(USAGES[1], provider.id, model.id, at, context)
                    assert (cost and usd_from_pico(cost.total)) == expected, (provider.id, model.id, tier)
                    compared += 1
    assert compared > 100


def test_the_catalogue_is_not_empty():
    assert len(PROVIDERS) > 40
    assert sum(len(provider.models) for provider in PROVIDERS.values()) > 2000


def test_models_without_a_price_are_these_alone():
    empty = {(p.id, m.id) for p in PROVIDERS.values() for m in p.models if not any(_price_keys(m))}
    free = {(p, m) for p, m in empty if m.endswith(":free")} | {
        ("github-copilot", "gpt-3.5-turbo"),
        ("github-copilot", "gpt-4.1"),
        ("github-copilot", "gpt-4o"),
        ("github-copilot", "gpt-4o-mini"),
        ("google", "gemma-4-26b-a4b-it"),
        ("google", "gemma-4-31b-it"),
        ("openai", "moderation"),
    }
    assert empty - free == NO_PRICE
    for provider, model in free:
        cost = _cost(Usage(1000, 200), provider, model, datetime(2026, 11, 21, tzinfo=UTC))
        assert cost is not None, (provider, model)
        assert cost.total == 0


def test_every_way_to_name_a_model_finds_what_genai_prices_finds():
    for provider in PROVIDERS.values():
        names = {model.id for model in provider.models}
        names |= {name for model in provider.models for name in _names(vars(model.match))}
        for other in provider.fallback_model_providers or ():
            names |= {model.id for model in PROVIDERS[other].models}
        assert _mismatches(provider.id, names) == []


def test_a_name_means_the_same_at_every_provider():
    names = [
        "gpt-4o",
        "gpt-5.2-20251211",
        "Claude-Sonnet-4-5",
        "gemini-2.5-pro",
        "llama-3.3-70b-versatile",
        "mistral-large",
        "x",
        "",
    ]
    names += ["openai/gpt-4o", "anthropic/claude-opus-5@20260101", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"]
    names += [
        "gpt-4o-20241399",
        "gpt-4o-20240806:batch",
        "zzz/gpt-4o",
        "zzz/claude-v2",
        "deepseek-chat",
        "grok-4-20250709",
    ]
    spellings = [
        *PROVIDERS,
        "OpenAI ",
        " groq ",
        "bedrock",
        "vertex_ai",
        "xai",
        "together_ai",
        "litellm",
        "LiteLLM",
        "nobody",
    ]
    for provider in spellings:
        assert _mismatches(provider, names) == []


@pytest.mark.parametrize(
    ("spelling", "provider"),
    [
        ("anthropic", "anthropic"),
        ("aws.bedrock", "aws"),
        ("azure.ai.inference", "azure"),
        ("azure.ai.openai", "azure"),
        ("cohere", "cohere"),
        ("deepseek", "deepseek"),
        ("gcp.gemini", "google"),
        ("gcp.gen_ai", "google"),
        ("gcp.vertex_ai", "google"),
        ("groq", "groq"),
        ("mistral_ai", "mistral"),
        ("moonshot_ai", "moonshotai"),
        ("openai", "openai"),
        ("perplexity", "perplexity"),
        ("x_ai", "x-ai"),
    ],
)
def test_semantic_convention_names_of_providers_are_known(spelling: str, provider: str):
    found = shipped().provider(spelling)
    assert found is not None
    assert found["id"] == provider


@pytest.mark.parametrize(
    "provider", ["ibm.watsonx.ai", "llama_cpp", "ollama", "onnx", "openai_compatible", "transformers", "vllm"]
)
def test_a_provider_without_a_price_list_is_never_priced(provider: str):
    assert shipped().provider(provider) is None
    assert _cost(Usage(1, 1), provider, "gpt-4o", datetime(2026, 11, 21, tzinfo=UTC)) is None


def _cost(
    usage: Usage, provider: str, model: str, at: datetime, *, tier: str | None = None, is_batch: bool = False
) -> Cost | None:
    at_ns = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    return price_call(usage, provider=provider, model=model, at_ns=at_ns, service_tier=tier, is_batch=is_batch)


def _expected(usage: Usage, provider: str, model: str, at: datetime, context: dict[str, str]) -> Decimal | None:
    """What genai-prices says, rounded to 1e-12 USD; `None` where it refuses or has no price for tokens."""
    theirs = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        output_reasoning_tokens=usage.reasoning_tokens,
        input_audio_tokens=usage.audio_input_tokens,
        output_audio_tokens=usage.audio_output_tokens,
        web_searches=usage.web_searches,
    )
    try:
        result = genai_prices.calc_price(
            theirs, model, provider_id=provider, genai_request_timestamp=at, price_context=context or None
        )
    except ValueError:
        return None
    if not any(getattr(result.model_price, key) is not None for key in TOKEN_PRICES):
        is_free = (result.provider.id, result.model.id) not in NO_PRICE and not any(_price_keys(result.model))
        return Decimal(0) if is_free else None
    return result.total_price.quantize(Decimal("1e-12"))


def _parts(cost: Cost) -> int:
    return cost.input + cost.cache_read + cost.cache_write + cost.output + cost.server_tools


def _rows(model: ModelInfo) -> list[ConditionalPrice]:
    return [ConditionalPrice(prices=model.prices)] if isinstance(model.prices, ModelPrice) else model.prices


def _price_keys(model: ModelInfo) -> Iterator[str]:
    for row in _rows(model):
        yield from (key for key, price in vars(row.prices).items() if price is not None)


def _usages(model: ModelInfo) -> Iterator[Usage]:
    yield from USAGES
    everything = [row.prices for row in _rows(model)] + [variant.prices for variant in model.price_variants or ()]
    prices = [price for one in everything for price in vars(one).values() if isinstance(price, TieredPrices)]
    for bound in sorted({tier.start for price in prices for tier in price.tiers}):
        for count in (bound, bound + 1):
            yield Usage(count, 13)
            yield Usage(count, 13, cache_read_tokens=count // 3, cache_write_tokens=count // 5, cache_write_1h_tokens=7)


def _instants(model: ModelInfo) -> Iterator[datetime]:
    yield datetime(2026, 11, 21, 12, tzinfo=UTC)
    for constraint in {str(c): c for c in _constraints(model)}.values():
        if isinstance(constraint, StartDateConstraint):
            edges = [datetime.combine(constraint.start_date, datetime.min.time(), tzinfo=UTC)]
        else:
            day = datetime(2026, 11, 21, tzinfo=UTC)
            edges = [datetime.combine(day, at, tzinfo=at.tzinfo) for at in (constraint.start_time, constraint.end_time)]
        for edge in edges:
            yield edge - timedelta(microseconds=1)
            yield edge


def _constraints(model: ModelInfo) -> Iterator:
    for row in [*_rows(model), *(model.price_variants or ())]:
        if row.constraint is not None:
            yield row.constraint


def _reaching_name(provider: Provider, model: ModelInfo) -> str:
    """A name by which genai-prices finds `model`, and not an earlier one of the list."""
    for name in (model.id, *_names(vars(model.match))):
        try:
            found = get_snapshot().find_provider_model(name, None, provider.id, None)[1]
        except LookupError:
            continue
        if found is model:
            return name
    return pytest.fail(f"no name reaches {provider.id}/{model.id}")


def _names(clause: dict) -> Iterator[str]:
    """Names around the texts of a match rule: the text itself and the text with something before or after it."""
    for operation, argument in clause.items():
        if operation in ("or_", "and_"):
            for part in argument:
                yield from _names(vars(part))
        elif operation != "regex":
            yield from (argument, f"{argument}-20251211", f"us.{argument}", argument.upper())
        else:
            yield (
                argument.strip("^$")
                .replace("\\d{4}-\\d{2}-\\d{2}", "2025-12-11")
                .replace("\\d{8}", "20251211")
                .replace("\\", "")
            )


def _mismatches(provider: str, names: object) -> list:
    mismatches = []
    for name in names:
        found = shipped().find(provider, name)
        try:
            theirs, model = get_snapshot().find_provider_model(name, None, provider, None)
            expected = (theirs.id, model.id)
        except LookupError:
            expected = None
        if (found and (found.provider, found.model)) != expected:
            mismatches.append((provider, name, found and (found.provider, found.model), expected))
    return mismatches
