"""The servers of the demonstration, and the environment that points the examples at them.

Everything is on loopback: a collector with embedded ClickHouse, a real llama.cpp server, stand-ins for three hosted
providers, a provider that turns every first try away, and an address where nothing listens.
"""

import contextlib
import json
import socket
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from loopback import servers

STAND_INS = {"openai": "openai/frontier", "anthropic": "anthropic/frontier", "openrouter": "openrouter/gateway"}
"""Stand-in servers: their name in our prices, and what `WORTHWHILE_ENDPOINTS` says about them."""


@dataclass(frozen=True, slots=True)
class Models:
    """Running model servers.

    Attributes:
        local: Base URL of the llama.cpp server.
        stand_ins: Base URL by name of the provider that each stands in for.
        dead: Base URL at which nothing listens.
    """

    local: str
    stand_ins: Mapping[str, str]
    dead: str


@contextlib.contextmanager
def collector(data: Path, logs: Path, port: int = 0) -> Iterator[str]:
    """Run `worthwhile up`; the value is its base URL, for OTLP and for the page.

    Args:
        data: Its data folder.
        logs: Folder for what it says on stderr.
        port: Its port; 0 takes a free one.
    """
    command = servers.worthwhile("up", "--data", str(data), "--port", str(port))
    with servers.running(command, servers.base_environment(), logs / "collector.log") as child:
        url: str = json.loads(child.written(data / "collector.json"))["url"]
        yield url


@contextlib.contextmanager
def models(logs: Path) -> Iterator[Models]:
    """Run the llama.cpp server and the stand-ins."""
    environment = servers.base_environment()
    with contextlib.ExitStack() as exits:

        def start(name: str, command: list[str]) -> servers.Child:
            return exits.enter_context(servers.running(command, environment, logs / f"{name}.log"))

        llama = start("llama_cpp", servers.program("examples/local_model.py"))
        children = {name: start(name, servers.program("tests/wire/provider.py", "--name", name)) for name in STAND_INS}
        stand_ins = {name: json.loads(child.first_line())["url"] for name, child in children.items()}
        yield Models(llama.first_line(), stand_ins, exits.enter_context(nobody()))


def environment(collector_url: str, servers_of: Models) -> dict[str, str]:
    """The environment of an example: where the models are, who answers there, and where telemetry goes."""
    local, stand_ins, dead = servers_of.local, servers_of.stand_ins, servers_of.dead
    providers = {stand_ins[name]: provider for name, provider in STAND_INS.items()}
    providers |= {local: "llama_cpp/local", dead: "openai/frontier"}
    return servers.base_environment() | {
        "OPENAI_BASE_URL": f"{stand_ins['openai']}/v1",
        "OPENAI_API_KEY": "loopback",
        "ANTHROPIC_BASE_URL": stand_ins["anthropic"],
        "ANTHROPIC_API_KEY": "loopback",
        "GATEWAY_BASE_URL": f"{stand_ins['openrouter']}/s/cost/v1",
        "BUSY_BASE_URL": f"{stand_ins['openai']}/s/429x1/v1",
        "DEAD_BASE_URL": f"{dead}/v1",
        "LOCAL_BASE_URL": f"{local}/v1",
        "WORTHWHILE_ENDPOINTS": ",".join(f"{urlsplit(url).netloc}={who}" for url, who in providers.items()),
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector_url,
        "WORTHWHILE_EXIT_TIMEOUT": "30",  # a short program on a busy machine still delivers everything
    }


@contextlib.contextmanager
def nobody() -> Iterator[str]:
    """An address that refuses connections: its port is taken, so that nobody else gets it, and not listened on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield "http://{}:{}".format(*taken.getsockname())


def fetch(url: str) -> bytes:
    """What one of our servers answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=30) as response:
        body: bytes = response.read()
    return body
