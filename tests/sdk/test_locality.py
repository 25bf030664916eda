"""How far away a server is, and what says so; no name is looked up."""

import socket

import pytest

import worthwhile as ww
from worthwhile import _locality
from worthwhile._endpoints import endpoint
from worthwhile._invocation import CallRequest, start
from worthwhile.testing import Captured


@pytest.fixture(autouse=True)
def _fresh(fresh: None) -> None: ...


@pytest.fixture(autouse=True)
def _no_look_ups(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a name was looked up")

    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "getfqdn", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr(socket, "gethostname", lambda: "Box-7")
    own = _locality._is_own
    monkeypatch.setattr(_locality, "_is_own", lambda ip: str(ip) == "10.0.0.7" or (ip.is_loopback and own(ip)))


@pytest.mark.parametrize(
    ("url", "locality", "basis"),
    [
        ("unix:///run/llm.sock", "host", "unix_socket"),
        ("http+unix://%2Frun%2Fllm.sock/v1", "host", "unix_socket"),
        ("http://127.0.0.1:8080/v1", "host", "loopback"),
        ("http://127.9.9.9", "host", "loopback"),
        ("http://[::1]:8080/v1", "host", "loopback"),
        ("http://[::ffff:127.0.0.1]/v1", "host", "loopback"),
        ("http://0.0.0.0:8080", "host", "loopback"),
        ("http://LocalHost:11434/v1", "host", "loopback"),
        ("http://app.localhost/v1", "host", "loopback"),
        ("http://host.docker.internal:1234/v1", "host", "container_host"),
        ("http://10.0.0.7:8000/v1", "host", "own_address"),
        ("http://box-7:8000/v1", "host", "own_name"),
        ("http://10.3.2.1:8000/v1", "private", "private_address"),
        ("http://100.64.3.2:8000/v1", "private", "private_address"),
        ("http://169.254.1.1/v1", "private", "private_address"),
        ("http://[fd00::1]:80/v1", "private", "private_address"),
        ("http://[fe80::1%25eth0]:80/v1", "private", "private_address"),
        ("http://vllm:8000/v1", "private", "private_name"),
        ("http://vllm.prod.svc.cluster.local:8000/v1", "private", "private_name"),
        ("http://8.8.8.8/v1", "public", "public_address"),
        ("https://api.openai.com/v1", "public", "public_name"),
        ("https://my-team.openai.azure.com/openai", "public", "public_name"),
        ("https://llm.corp.example.com/v1", None, None),
        ("https://api.openai.com.evil.test/v1", None, None),
        ("http://[bad", None, None),
    ],
)
def test_places(url: str, locality: str | None, basis: str | None) -> None:
    known = endpoint(url, "openai")
    assert (known.locality, known.locality_basis) == (locality, basis)
    if known.provider == "openai_compatible":
        assert known.is_own == (locality in ("host", "private"))


def test_a_mapping_names_the_tier_and_leaves_the_place() -> None:
    ww.configure(endpoints={"127.0.0.1:9000": "litellm/gateway"})
    known = endpoint("http://127.0.0.1:9000/v1", "openai")
    assert (known.tier, known.locality, known.locality_basis) == ("gateway", "host", "loopback")


def test_the_place_is_found_once_an_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint("http://10.3.2.1:8000/v1", "openai")
    monkeypatch.setattr(_locality, "_is_own", None)
    assert endpoint("http://10.3.2.1:8000/v1", "openai").locality == "private"


def test_calls_say_where_they_went(captured: Captured) -> None:
    for url in ("http://127.0.0.1:8080/v1", "https://llm.corp.example.com/v1"):
        start(CallRequest("chat", "openai", "m", url)).finish(None)
    names = ("worthwhile.route.locality", "worthwhile.route.locality_basis")
    found = [tuple(each.attributes.get(name) for name in names) for each in captured.calls]
    assert found == [("host", "loopback"), (None, None)]
