"""The tiny model is served by the real llama.cpp, which counts what the real client is told."""

import json
import signal
from pathlib import Path

import openai
import pytest
from loopback import reconcile, servers, stack


@pytest.fixture
def client(models: stack.Models) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{models.local}/v1", api_key="none", max_retries=0)


def test_the_server_is_llama_cpp(models: stack.Models):
    model = json.loads(stack.fetch(f"{models.local}/v1/models"))["data"][0]
    assert (model["id"], model["owned_by"]) == ("tiny-llama", "llamacpp")


def test_usage_is_what_the_server_evaluated(models: stack.Models, client: openai.OpenAI):
    before = reconcile.llama_counts(models.local)
    evaluated = generated = 0
    for prompt in ("Where is my parcel?", "Where is my parcel? It is late."):
        completion = client.chat.completions.create(
            model="tiny-llama", messages=[{"role": "user", "content": prompt}], max_completion_tokens=12, temperature=0
        )
        usage = completion.usage
        assert usage is not None
        assert usage.prompt_tokens_details is not None
        evaluated += usage.prompt_tokens - (usage.prompt_tokens_details.cached_tokens or 0)
        generated += usage.completion_tokens
    evaluated += client.embeddings.create(model="tiny-llama", input="a parcel").usage.prompt_tokens
    after = reconcile.llama_counts(models.local)
    assert (after[0] - before[0], after[1] - before[1]) == (evaluated, generated)
    assert usage.prompt_tokens_details.cached_tokens, "the second prompt begins like the first"


def test_a_schema_binds_even_random_weights(client: openai.OpenAI):
    properties = {"ok": {"type": "boolean"}}
    schema = {"type": "object", "properties": properties, "required": ["ok"], "additionalProperties": False}
    completion = client.chat.completions.create(
        model="tiny-llama",
        messages=[{"role": "user", "content": "Is it late?"}],
        response_format={"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}},
        max_completion_tokens=200,
        temperature=1.0,
        seed=1,
    )
    assert json.loads(completion.choices[0].message.content or "")["ok"] in (True, False)


def test_it_stops_when_asked_and_says_nothing_else(tmp_path: Path):
    log = tmp_path / "log"
    with servers.running(servers.program("examples/local_model.py"), servers.base_environment(), log) as child:
        url = child.first_line()
        assert url.startswith("http://127.0.0.1:")
        child.process.send_signal(signal.SIGTERM)
        assert child.process.wait(20) == 0
    assert log.read_text() == ""
