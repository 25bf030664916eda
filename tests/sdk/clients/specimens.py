"""One plain and one streamed call per endpoint, so that the same contract can be held against every client."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PROMPT = "Summarise the ticket and name the next action."


@dataclass(frozen=True)
class Specimen:
    """How to make one call of one endpoint.

    Attributes:
        name: Shown in the names of the tests.
        library: Module of the client.
        kinds: Names of its sync and its async client class.
        create: (client, model, further arguments) -> what the client returns.
        path: Where its base URL ends.
    """

    name: str
    library: str
    kinds: tuple[str, str]
    create: Callable[..., Any]
    path: str = ""

    @property
    def is_available(self) -> bool:
        """Whether the client is installed."""
        return importlib.util.find_spec(self.library) is not None

    @property
    def module(self) -> Any:
        """The client's package."""
        return importlib.import_module(self.library)

    def client(self, url: str, *, is_async: bool, **options: Any) -> Any:
        """A client for the server at `url`."""
        kind = getattr(self.module, self.kinds[is_async])
        return kind(**{"api_key": "sk-wire", "base_url": url + self.path, **options})


def _chat(client: Any, model: str, **more: Any) -> Any:
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": PROMPT}], **more)


def _response(client: Any, model: str, **more: Any) -> Any:
    return client.responses.create(model=model, input=PROMPT, **more)


def _message(client: Any, model: str, **more: Any) -> Any:
    message = {"role": "user", "content": PROMPT}
    return client.messages.create(model=model, max_tokens=64, messages=[message], **more)


def _beta_message(client: Any, model: str, **more: Any) -> Any:
    message = {"role": "user", "content": PROMPT}
    return client.beta.messages.create(model=model, max_tokens=64, messages=[message], **more)


_OPENAI = ("OpenAI", "AsyncOpenAI")
_ANTHROPIC = ("Anthropic", "AsyncAnthropic")

SPECIMENS = [
    specimen
    for specimen in (
        Specimen("openai-chat", "openai", _OPENAI, _chat, "/v1"),
        Specimen("openai-responses", "openai", _OPENAI, _response, "/v1"),
        Specimen("anthropic-messages", "anthropic", _ANTHROPIC, _message),
        Specimen("anthropic-beta-messages", "anthropic", _ANTHROPIC, _beta_message),
    )
    if specimen.is_available
]
