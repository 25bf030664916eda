"""The provider server is itself held to what the other tests rely on, by a client that is nobody's SDK."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.wire.ledger import Tokens, total
from tests.wire.provider import Provider
from tests.wire.script import parse, split

CHAT = {"model": "m", "messages": [{"role": "user", "content": "word " * 60}]}
MESSAGE = {"model": "m", "max_tokens": 9, "messages": CHAT["messages"]}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as running:
        yield running


def post(url: str, body: dict[str, Any], **headers: str) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def events(text: str) -> list[Any]:
    lines = [line[6:] for line in text.splitlines() if line.startswith("data: ") and line != "data: [DONE]"]
    return [json.loads(line) for line in lines]


def test_the_ledger_has_what_the_client_was_told(provider: Provider) -> None:
    usage = json.loads(post(f"{provider.openai_url}/chat/completions", CHAT))["usage"]
    (entry,) = provider.ledger.wait()
    assert usage["prompt_tokens"] == entry.counted.input_tokens
    assert usage["completion_tokens"] == entry.counted.output_tokens
    assert usage["prompt_tokens_details"]["cached_tokens"] == entry.counted.cache_read_tokens != 0
    assert entry.sent == entry.counted
    assert entry.is_complete


def test_usage_of_a_stream_is_told_only_to_who_asks(provider: Provider) -> None:
    url = f"{provider.openai_url}/chat/completions"
    assert all("usage" not in event for event in events(post(url, CHAT | {"stream": True})))
    asked = CHAT | {"stream": True, "stream_options": {"include_usage": True}}
    *chunks, last = events(post(url, asked))
    assert all(chunk["usage"] is None for chunk in chunks)
    assert last["choices"] == []
    silent, told = provider.ledger.wait()
    assert (silent.sent, told.sent) == (Tokens(), told.counted)
    assert silent.counted == told.counted
    assert last["usage"]["total_tokens"] == (told.counted.input_tokens or 0) + (told.counted.output_tokens or 0)


def test_a_message_stream_tells_its_input_first_and_its_output_last(provider: Provider) -> None:
    found = events(post(f"{provider.url}/v1/messages", MESSAGE | {"stream": True}))
    (entry,) = provider.ledger.wait()
    start, end = found[0]["message"]["usage"], found[-2]["usage"]
    assert start["output_tokens"] != end["output_tokens"] == entry.counted.output_tokens
    assert "service_tier" in start
    assert "service_tier" not in end


def test_longer_requests_count_more(provider: Provider) -> None:
    for words in (10, 100):
        body = {"model": "m", "messages": [{"role": "user", "content": "word " * words}]}
        post(f"{provider.openai_url}/chat/completions", body)
    first, second = (entry.counted for entry in provider.ledger.wait())
    assert (first.input_tokens or 0) < (second.input_tokens or 0)
    assert total([first, second])["input_tokens"] == (first.input_tokens or 0) + (second.input_tokens or 0)


def test_a_failure_passes_after_as_many_tries_as_scripted(provider: Provider) -> None:
    url = f"{provider.url}/s/429x1/v1/chat/completions"
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(url, CHAT, **{"x-stainless-retry-count": "0"})
    caught.value.close()
    assert caught.value.code == 429
    assert caught.value.headers["retry-after-ms"] == "1"
    post(url, CHAT, **{"x-stainless-retry-count": "1"})
    assert [(entry.status, entry.attempt) for entry in provider.ledger.wait()] == [(429, 0), (200, 1)]
    assert provider.ledger.entries[0].counted == Tokens()


def test_an_unknown_word_of_a_script_is_refused() -> None:
    with pytest.raises(ValueError, match="`nonsense`"):
        parse("429,nonsense")


def test_a_script_comes_from_path_header_and_model() -> None:
    path, model, script = split("/s/500x2/v1/x", "m@dated", "cost")
    assert (path, model, script.status, script.times) == ("/v1/x", "m", 500, 2)
    assert script.flags == {"dated", "cost"}


def test_it_runs_as_a_program_and_shows_its_ledger() -> None:
    program = Path(__file__).with_name("provider.py")
    command = [sys.executable, str(program), "--port", "0", "--name", "frontier"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = json.loads(process.stdout.readline())
            assert address["name"] == "frontier"
            assert address["openai"] == f"{address['url']}/v1" == f"http://127.0.0.1:{address['port']}/v1"
            post(f"{address['openai']}/embeddings", {"model": "m", "input": "hello"})
            with urllib.request.urlopen(f"{address['url']}/ledger", timeout=10) as answer:
                (entry,) = json.load(answer)
            assert entry["sent"]["input_tokens"] == entry["counted"]["input_tokens"] > 0
        finally:
            process.terminate()
