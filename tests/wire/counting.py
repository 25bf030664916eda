"""How the server counts tokens: a fixed function of the request, so that sums mean something and can be repeated."""

import json
from typing import Any

from tests.wire.ledger import Tokens

CACHE_FROM = 40
"""Shortest OpenAI prompt, in tokens, of which the server pretends to have cached a part."""


def count_openai(body: dict[str, Any], *, is_plain: bool) -> Tokens:
    """Tokens of a chat, responses or text completion."""
    prompt = [body.get(part) for part in ("messages", "input", "instructions", "prompt", "tools")]
    tokens_in = 5 + _length(prompt)
    tokens_out = (9 + tokens_in * 7 % 23) * int(body.get("n") or 1)
    if is_plain:
        return Tokens(input_tokens=tokens_in, output_tokens=tokens_out)
    is_cached = tokens_in >= CACHE_FROM
    reasons = body.get("reasoning_effort") or body.get("reasoning")
    return Tokens(
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cache_read_tokens=tokens_in // 3 if is_cached else 0,
        cache_write_tokens=tokens_in // 5 if is_cached else 0,
        cache_write_1h_tokens=(tokens_in // 11 if is_cached else 0) if "input" in body else None,
        reasoning_tokens=tokens_out // 2 if reasons else 0,
        web_searches=2 if '"web_search' in json.dumps(body.get("tools")) else None,
    )


def count_embeddings(body: dict[str, Any]) -> Tokens:
    """Tokens of an embeddings request: it has no output."""
    return Tokens(input_tokens=2 + _length(body.get("input")))


def count_anthropic(body: dict[str, Any]) -> Tokens:
    """Tokens of a message: input that includes what went through the cache."""
    text = json.dumps([body.get(part) for part in ("system", "messages", "tools")])
    tokens_in = 6 + _length(text)
    tokens_out = 8 + tokens_in * 5 % 19
    is_cached = '"cache_control"' in text
    return Tokens(
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cache_read_tokens=tokens_in // 2 if is_cached else 0,
        cache_write_tokens=tokens_in // 4 if is_cached else 0,
        cache_write_1h_tokens=(tokens_in // 4) // 3 if is_cached else 0,
        reasoning_tokens=tokens_out // 3 if body.get("thinking") else None,
        web_searches=2 if '"web_search' in text else None,
    )


def reply_words(tokens: Tokens) -> list[str]:
    """The words of an answer, so many that short and long prompts get answers of different length."""
    return ["The", *[f" word{i}" for i in range((tokens.output_tokens or 0) % 4 + 2)], "."]


def example_of(schema: dict[str, Any]) -> Any:
    """A value that fits a JSON schema, for structured outputs."""
    root = schema.get("$defs", {})

    def example(node: dict[str, Any]) -> Any:
        if "$ref" in node:
            return example(root[node["$ref"].rsplit("/", 1)[-1]])
        if "enum" in node:
            return node["enum"][0]
        if "anyOf" in node:
            return example(node["anyOf"][0])
        if node.get("type") == "object":
            return {name: example(part) for name, part in node.get("properties", {}).items()}
        if node.get("type") == "array":
            return [example(node["items"])]
        return {"string": "value", "integer": 3, "number": 1.5, "boolean": True}.get(node.get("type", ""))

    return example(schema)


def _length(part: Any) -> int:
    return len(part if isinstance(part, str) else json.dumps(part)) // 4
