"""Who answers behind a base URL."""

from typing import Any

import pytest

import worthwhile as ww
from worthwhile._endpoints import Endpoint, endpoint
from worthwhile.testing import swallowing_errors


@pytest.fixture(autouse=True)
def _fresh(fresh: None) -> None: ...


@pytest.mark.parametrize(
    ("url", "provider", "tier"),
    [
        (None, "openai", "frontier"),
        ("https://api.openai.com/v1", "openai", "frontier"),
        ("https://API.OpenAI.com./v1/", "openai", "frontier"),
        ("https://eu.api.openai.com/v1", "openai", "frontier"),
        ("https://my-team.openai.azure.com/openai", "azure.ai.openai", "cloud"),
        ("https://x.services.ai.azure.com/models", "azure.ai.inference", "cloud"),
        ("https://api.anthropic.com", "anthropic", "frontier"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "gcp.gemini", "frontier"),
        ("https://us-east5-aiplatform.googleapis.com/v1", "gcp.vertex_ai", "cloud"),
        ("https://bedrock-runtime.eu-west-1.amazonaws.com", "aws.bedrock", "cloud"),
        ("https://api.mistral.ai/v1", "mistral_ai", "frontier"),
        ("https://api.groq.com/openai/v1", "groq", "cloud"),
        ("https://api.deepseek.com", "deepseek", "cloud"),
        ("https://api.together.xyz/v1", "together", "cloud"),
        ("https://api.fireworks.ai/inference/v1", "fireworks", "cloud"),
        ("https://api.perplexity.ai", "perplexity", "cloud"),
        ("https://api.x.ai/v1", "x_ai", "frontier"),
        ("https://openrouter.ai/api/v1", "openrouter", "gateway"),
    ],
)
def test_public_hosts(url: str | None, provider: str, tier: str) -> None:
    known = endpoint(url, "openai")
    assert (known.provider, known.tier, known.is_own) == (provider, tier, False)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8080/v1",
        "http://127.0.0.1:8080/v1",
        "http://[::1]:8080/v1",
        "http://0.0.0.0:8080",
        "http://10.3.2.1:8000/v1",
        "http://192.168.1.5/v1",
        "http://172.16.0.1/v1",
        "http://169.254.1.1/v1",
        "http://[fd00::1]:80/v1",
        "http://vllm:8000/v1",
        "http://vllm.prod.svc.cluster.local:8000/v1",
        "http://host.docker.internal:1234/v1",
        "http://llm.internal/v1",
        "localhost:8080",
    ],
)
def test_ones_own_machines(url: str) -> None:
    known = endpoint(url, "openai")
    assert (known.provider, known.tier, known.is_own, known.takes_stream_usage) == (
        *("openai_compatible", "local", True, False),
    )


@pytest.mark.parametrize(
    "url",
    [
        "https://llm.corp.example.com/v1",
        "https://api.openai.com.evil.test/v1",
        "https://notapi.openai.com.test",
        "https://8.8.8.8/v1",
        "https://xapi.openai.community/v1",
        "http://[bad",
        "http://host:notaport/v1",
        "",
    ],
)
def test_strangers_stay_strangers(url: str) -> None:
    known = endpoint(url or "https://", "openai")
    assert known.provider == "openai_compatible"
    assert (known.is_own, known.takes_stream_usage, known.tier) == (False, False, None)


def test_a_host_that_merely_ends_alike_is_a_stranger() -> None:
    assert endpoint("https://fakeapi.openai.com/v1", "openai").provider == "openai_compatible"


def test_address_and_port() -> None:
    def place(url: str | None) -> tuple[str | None, int | None]:
        known = endpoint(url, "openai")
        return known.address, known.port

    assert place(None) == ("api.openai.com", 443)
    assert place("http://example.com/v1") == ("example.com", 80)
    assert place("http://user:secret@example.com:81/v1?key=secret") == ("example.com", 81)
    assert place("http://[::1]:8080/v1") == ("::1", 8080)
    assert place("https://") == (None, None)


def test_each_client_has_its_own_default_and_protocol() -> None:
    assert endpoint(None, "anthropic").provider == "anthropic"
    assert endpoint("https://llm.example.com", "anthropic").provider == "anthropic_compatible"
    assert endpoint(None, "newcomer").provider == "newcomer_compatible"


def test_a_mapping_decides_over_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    ww.configure(
        endpoints={
            "127.0.0.1:9001": "openai/frontier",
            "127.0.0.1": "llama_cpp/edge",
            "gw.example.com": "azure",
            "api.openai.com": "litellm",
            "plain.example.com": "somebody/cloud",
        }
    )
    loopback: dict[str, Any] = {"locality": "host", "locality_basis": "loopback"}
    assert endpoint("http://127.0.0.1:9001/v1", "openai") == Endpoint(
        "openai", "frontier", is_own=False, takes_stream_usage=True, address="127.0.0.1", port=9001, **loopback
    )
    assert endpoint("http://127.0.0.1:9002/v1", "openai") == Endpoint(
        "llama_cpp", "edge", is_own=True, takes_stream_usage=True, address="127.0.0.1", port=9002, **loopback
    )
    assert (endpoint("https://gw.example.com", "openai").provider, endpoint("https://gw.example.com", "x").tier) == (
        *("azure.ai.openai", "cloud"),
    )
    assert endpoint(None, "openai").tier == "gateway"
    assert endpoint("https://plain.example.com", "openai").provider == "somebody"


def test_the_mapping_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORTHWHILE_ENDPOINTS", " 127.0.0.1:9001=openai/frontier , 127.0.0.1:9003 = llama_cpp/local,")
    assert endpoint("http://127.0.0.1:9001/v1", "openai").provider == "openai"
    assert endpoint("http://127.0.0.1:9003/v1", "openai").provider == "llama_cpp"


def test_a_mapping_with_an_unknown_tier_warns_and_takes_the_providers(caplog: pytest.LogCaptureFixture) -> None:
    ww.configure(endpoints={"a.example.com": "openai/moon"})
    with swallowing_errors():
        assert endpoint("http://a.example.com", "openai").tier == "frontier"
    assert "tier `moon`; expected one of edge, local, gateway, cloud, frontier" in caplog.text


@pytest.mark.parametrize(
    ("setting", "known", "stranger", "silent"),
    [("auto", True, False, False), ("always", True, True, True), ("never", False, False, False)],
)
def test_stream_usage(setting: str, known: bool, stranger: bool, silent: bool) -> None:
    ww.configure(stream_usage=setting)  # type: ignore[arg-type]
    assert endpoint(None, "openai").takes_stream_usage is known
    assert endpoint("https://llm.example.com", "openai").takes_stream_usage is stranger
    assert endpoint("https://api.mistral.ai/v1", "openai").takes_stream_usage is silent


def test_an_answer_is_remembered_until_the_settings_change() -> None:
    first = endpoint("http://127.0.0.1:7777", "openai")
    assert endpoint("http://127.0.0.1:7777", "openai") is first
    ww.configure(endpoints={"127.0.0.1:7777": "ollama"})
    assert endpoint("http://127.0.0.1:7777", "openai").provider == "ollama"
