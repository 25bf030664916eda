"""Who answers behind a base URL: provider, tier, whether it is the host's own machine, whether streams take usage.

Evidence in order: the host's own mapping (`endpoints=`), the public hosts below, then the address. What none of them
tells stays unknown: it is not priced, and its requests are sent unchanged.
"""

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit

from worthwhile import _guard, _settings
from worthwhile._locality import Locality, LocalityBasis, Place, locate

Tier = Literal["edge", "local", "gateway", "cloud", "frontier"]

TIERS: Final[tuple[Tier, ...]] = ("edge", "local", "gateway", "cloud", "frontier")

_MAX_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is known about the server behind a base URL.

    Attributes:
        provider: `gen_ai.provider.name`.
        tier: Where the model runs; `None` if unknown.
        is_own: Whether it is the host's own machine, so that no list price applies.
        takes_stream_usage: Whether a stream may be asked for its usage with `stream_options.include_usage`.
        address: Host name, or `None` without a usable base URL.
        port: Port, also when it is the scheme's default.
        locality: How far away it is; `None` if unknown.
        locality_basis: What says so.
    """

    provider: str
    tier: Tier | None
    is_own: bool
    takes_stream_usage: bool
    address: str | None
    port: int | None
    locality: Locality | None = None
    locality_basis: LocalityBasis | None = None


@dataclass(frozen=True, slots=True)
class _Provider:
    tier: Tier
    is_own: bool = False
    takes_stream_usage: bool = True


# Providers by name: default tier, and whether the OpenAI-compatible chat endpoint takes stream_options.include_usage.
# False where the provider always sends usage or documents no such option: asking could be refused.
_PROVIDERS: Final[dict[str, _Provider]] = {
    "openai": _Provider("frontier"),
    "anthropic": _Provider("frontier", takes_stream_usage=False),
    "gcp.gemini": _Provider("frontier"),
    "gcp.vertex_ai": _Provider("cloud"),
    "x_ai": _Provider("frontier", takes_stream_usage=False),
    "azure.ai.openai": _Provider("cloud"),
    "azure.ai.inference": _Provider("cloud"),
    "aws.bedrock": _Provider("cloud"),
    "mistral_ai": _Provider("frontier", takes_stream_usage=False),
    "cohere": _Provider("cloud", takes_stream_usage=False),
    "deepseek": _Provider("cloud"),
    "groq": _Provider("cloud"),
    "together": _Provider("cloud"),
    "fireworks": _Provider("cloud"),
    "perplexity": _Provider("cloud", takes_stream_usage=False),
    "moonshot_ai": _Provider("cloud", takes_stream_usage=False),
    "cerebras": _Provider("cloud"),
    "huggingface": _Provider("cloud"),
    "ibm.watsonx.ai": _Provider("cloud", takes_stream_usage=False),
    "openrouter": _Provider("gateway"),
    "litellm": _Provider("gateway"),
    "llama_cpp": _Provider("local", is_own=True),
    "ollama": _Provider("local", is_own=True),
    "vllm": _Provider("local", is_own=True),
    "sglang": _Provider("local", is_own=True),
    "transformers": _Provider("local", is_own=True),
    "onnx": _Provider("local", is_own=True),
}

_ALIASES: Final[dict[str, str]] = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "vertex_ai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "moonshot": "moonshot_ai",
    "xai": "x_ai",
    "x.ai": "x_ai",
    "watsonx": "ibm.watsonx.ai",
    "llama.cpp": "llama_cpp",
    "llamacpp": "llama_cpp",
}

# A public host, or the end of one after a dot.
_HOSTS: Final[dict[str, str]] = {
    "api.openai.com": "openai",
    "openai.azure.com": "azure.ai.openai",
    "cognitiveservices.azure.com": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.inference",
    "models.ai.azure.com": "azure.ai.inference",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "amazonaws.com": "aws.bedrock",
    "api.mistral.ai": "mistral_ai",
    "api.cohere.com": "cohere",
    "api.cohere.ai": "cohere",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.together.xyz": "together",
    "api.together.ai": "together",
    "api.fireworks.ai": "fireworks",
    "api.perplexity.ai": "perplexity",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
    "api.x.ai": "x_ai",
    "api.cerebras.ai": "cerebras",
    "huggingface.co": "huggingface",
    "huggingface.cloud": "huggingface",
    "ml.cloud.ibm.com": "ibm.watsonx.ai",
    "openrouter.ai": "openrouter",
}

# The end of a public host whose first label varies.
_HOST_ENDINGS: Final[dict[str, str]] = {"-aiplatform.googleapis.com": "gcp.vertex_ai"}

# Where a client goes when it is given no base URL.
_DEFAULT_URLS: Final[dict[str, str]] = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
}

_UNIX: Final = ("unix:", "http+unix:")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}

_remembered: dict[tuple[str | None, str], Endpoint] = {}
_remembered_for: _settings.Settings | None = None


def endpoint(base_url: str | None, client: str) -> Endpoint:
    """What is known about the server at `base_url`, as the client named `client` reaches it.

    Args:
        base_url: The client's base URL; `None` for its default.
        client: Which client's protocol the server speaks, such as `openai`.
    """
    global _remembered, _remembered_for
    settings = _settings.current()
    if settings is not _remembered_for:
        _remembered, _remembered_for = {}, settings
    known = _remembered.get((base_url, client))
    if known is None:
        known = _classify(base_url, client, settings)
        if len(_remembered) < _MAX_REMEMBERED:
            _remembered[base_url, client] = known
    return known


def _classify(base_url: str | None, client: str, settings: _settings.Settings) -> Endpoint:
    if (base_url or "").startswith(_UNIX):
        takes = _takes_stream_usage(settings, when_auto=False)
        return Endpoint(f"{client}_compatible", "local", True, takes, None, None, "host", "unix_socket")
    url = _split(base_url or _DEFAULT_URLS.get(client, ""))
    address = (url.hostname or "").rstrip(".") or None
    port, public = _port(url), _public(address)
    place = locate(address, is_known_public=public is not None)
    provider, tier = _mapped(address, port, settings) or (public, None)
    if provider is not None:
        known = _PROVIDERS.get(provider, _Provider("cloud"))
        takes = _takes_stream_usage(settings, when_auto=known.takes_stream_usage)
        return Endpoint(provider, tier or known.tier, known.is_own, takes, address, port, *place)
    is_own = _is_own(place)
    takes = _takes_stream_usage(settings, when_auto=False)
    return Endpoint(f"{client}_compatible", "local" if is_own else None, is_own, takes, address, port, *place)


def _is_own(place: Place) -> bool:
    return place.locality in ("host", "private")


def _takes_stream_usage(settings: _settings.Settings, *, when_auto: bool) -> bool:
    return when_auto if settings.stream_usage == "auto" else settings.stream_usage == "always"


def _split(base_url: str) -> SplitResult:
    try:
        url = urlsplit(base_url if "//" in base_url else f"//{base_url}")
        _ = url.port, url.hostname
    except ValueError:
        return urlsplit("")
    return url


def _port(url: SplitResult) -> int | None:
    return url.port or (_DEFAULT_PORTS.get(url.scheme) if url.hostname else None)


def _mapped(address: str | None, port: int | None, settings: _settings.Settings) -> tuple[str, Tier | None] | None:
    target = settings.endpoints.get(f"{address}:{port}") or settings.endpoints.get(address or "")
    if target is None:
        return None
    provider, _, tier = target.partition("/")
    if tier and tier not in TIERS:
        _guard.warn_once(f"endpoint `{address}` is mapped to the tier `{tier}`; expected one of {', '.join(TIERS)}")
        tier = ""
    return _ALIASES.get(provider, provider), next((known for known in TIERS if known == tier), None)


def _public(address: str | None) -> str | None:
    rest = address or ""
    while rest:
        if rest in _HOSTS:
            return _HOSTS[rest]
        rest = rest.partition(".")[2]
    return next((name for ending, name in _HOST_ENDINGS.items() if (address or "").endswith(ending)), None)
