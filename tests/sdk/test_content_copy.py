"""Bounded copies: whatever the host has made, little is looked at, nothing is raised, and what was cut is told."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worthwhile import _content_parts
from worthwhile._content_copy import MAX_STEPS, Copier
from worthwhile.clients._pieces import Pieces

MOST = 4000


def cyclic() -> dict[str, Any]:
    message: dict[str, Any] = {"role": "user"}
    message["content"] = [message, {"deeper": message}]
    return message


def endless() -> list[Any]:
    found: list[Any] = []
    found += [found, found]
    return found


class Text(str):
    """A text of the host's own, which answers nothing."""

    def __len__(self) -> int:
        raise AssertionError

    def __getitem__(self, key: Any) -> str:
        raise AssertionError


class Mapping(dict[str, Any]):
    """A dictionary of the host's own."""

    def items(self) -> Any:
        raise AssertionError

    def __iter__(self) -> Iterator[str]:
        raise AssertionError


class Stranger:
    """An object that is to be asked nothing."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(name)


class Counted(list[Any]):
    """Counts what is taken out of it."""

    taken = 0

    def __getitem__(self, key: Any) -> Any:
        Counted.taken += 1
        return super().__getitem__(key)


def written(body: dict[str, Any], most: int = MOST) -> tuple[Copier, str]:
    """The copier, and the messages that are made of what it has copied."""
    copier = Copier(most)
    return copier, _content_parts.as_json(_content_parts.input_messages(copier.request(body)))


@pytest.mark.parametrize(
    "content",
    [
        "x" * 10_000_000,
        Text("x" * 100_000),
        [cyclic()],
        endless(),
        {f"key{number}": number for number in range(100_000)},
        [float("nan"), float("inf"), -float("inf"), 10**10_000, -(10**30), True, None],
        [b"\x00" * 1_000_000, bytearray(5)],
        "a\ud800b",
        ["\udfff" * 3, {1: "one", "\ud800": 2, "k" * 100_000: 3}],
        [Stranger(), Mapping(a=Text("b")), object(), ("a", ("b",))],
        [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{'A' * 1_000_000}"}}],
        [{"type": kind} for kind in _content_parts._KINDS],
        [{"type": kind, "text": 7, "source": 7, "input": 7, "content": 7} for kind in ("x_tool_result", "image")],
    ],
    ids=map(str, range(13)),
)  # fmt: skip
def test_anything_is_copied_and_written_within_bounds(content: Any) -> None:
    for message in ({"role": "user", "content": content}, content, {"role": "tool", "content": content}):
        for name in ("messages", "input", "prompt"):
            for body in ({name: [message]}, {name: message}):
                copier, text = written(body)
                json.loads(text)
                assert len(text) < 20 * MOST
                assert copier.characters >= 0


def test_a_copy_is_of_plain_values_only() -> None:
    body = {"messages": [Mapping(role=Text("user"), content=(Text("a"), {"b": [Stranger(), True, 1, 0.5, None]}))]}
    (message,) = Copier(MOST).request(body)["messages"]
    assert message == {"role": "user", "content": ["a", {"b": ["(Stranger)", True, 1, 0.5, None]}]}
    assert {type(message), type(message["role"]), type(message["content"]), type(message["content"][0])} == {
        dict, str, list
    }  # fmt: skip


def test_of_many_messages_the_newest_are_kept_and_the_first_that_instructs() -> None:
    told = Counted({"role": "user", "content": f"number {number}"} for number in range(10_000))
    told.insert(0, {"role": "system", "content": "Be short."})
    Counted.taken = 0
    copier, text = written({"messages": told}, most=1 << 20)
    found = json.loads(text)
    assert found[0]["parts"][0]["content"] == "Be short."
    assert found[-1]["parts"][0]["content"] == "number 9999"
    kept = len(found) - 2
    assert found[1] == {"role": "omitted", "parts": [{"type": "omitted", "messages": 10_000 - kept}]}
    assert [message["parts"][0]["content"] for message in found[2:]] == [
        f"number {n}" for n in range(10_000 - kept, 10_000)
    ]
    assert copier.is_cut
    assert Counted.taken < MAX_STEPS


def test_instructions_and_tools_leave_room_for_the_conversation() -> None:
    tools = [{"type": "function", "function": {"name": "f" * 100, "description": "d" * 1000}}] * 100
    copier = Copier(MOST)
    found = copier.request(
        {"system": "s" * 5000, "tools": tools, "messages": [{"role": "user", "content": "u" * 5000}]}
    )
    assert len(found["messages"][0]["content"]) > MOST // 4
    assert len(found["system"]) > MOST // 8
    assert copier.characters == MOST // 4  # for the answer
    assert copier.answer({"content": "a" * 10_000})["content"] == f"{'a' * (MOST // 4)}... (10000 characters)"


def test_what_fits_is_whole_and_has_no_note() -> None:
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "a\u00e9\U0001f600"}]}]}
    copier, text = written(body)
    assert json.loads(text) == [{"role": "user", "parts": [{"type": "text", "content": "a\u00e9\U0001f600"}]}]
    assert not copier.is_cut


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)
_fields = (
    "role",
    "content",
    "type",
    "text",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "source",
    "output",
    "summary",
)
_keys = st.sampled_from(_fields)
_messages = st.recursive(
    st.sampled_from(["user", "tool", "message", "function_call", "reasoning", "{}", "[1", "image", "text"]) | _values,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=5),
    max_leaves=20,
)


_names = st.sampled_from(["messages", "input", "prompt", "system", "tools"])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=st.dictionaries(_names, _messages), most=st.integers(1, 200))
def test_nothing_that_comes_is_refused(body: dict[str, Any], most: int) -> None:
    copier = Copier(most)
    request = copier.request(body)
    answer = copier.answer(
        {"choices": body.get("messages"), "output": body.get("input"), "content": body.get("prompt")}
    )
    for found in (request, answer):
        for make in (
            _content_parts.input_messages,
            _content_parts.output_messages,
            _content_parts.system_instructions,
            _content_parts.tool_definitions,
        ):
            parts = make(found)
            json.loads(_content_parts.as_json(parts), parse_constant=pytest.fail)
    _content_parts.redacted_messages(_content_parts.input_messages(request), lambda text: text[:1] or None)


def test_items_of_a_response_are_messages() -> None:
    copier = Copier(MOST)
    request = copier.request(
        {
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "Look."}]},
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "A map."}]},
                {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city":"Rome"}'},
                {"type": "function_call_output", "call_id": "c1", "output": "rain"},
                {"type": "web_search_call", "id": "w1", "status": "completed", "action": {"query": "rain"}},
            ]
        }
    )
    assert _content_parts.input_messages(request) == [
        {"role": "user", "parts": [{"type": "text", "content": "Look."}]},
        {"role": "assistant", "parts": [{"type": "reasoning", "content": "A map."}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Rome"}}],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "rain"}]},
        {
            "role": "assistant",
            "parts": [
                {
                    "type": "server_tool_call",
                    "id": "w1",
                    "name": "web_search_call",
                    "server_tool_call": {"type": "web_search_call", "action": {"query": "rain"}},
                }
            ],
        },
    ]


def test_events_of_a_response_are_gathered() -> None:
    def event(kind: str, **more: Any) -> dict[str, Any]:
        return {"type": f"response.{kind}", **more}

    item = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": ""}
    events = [
        event("output_text.delta", output_index=0, content_index=0, delta="It "),
        event("output_text.delta", output_index=0, content_index=0, delta="rains."),
        event("output_item.added", output_index=1, item=item),
        event("function_call_arguments.delta", output_index=1, delta='{"city":'),
        event("function_call_arguments.delta", output_index=1, delta='"Rome"}'),
        event("output_item.done", output_index=1, item={**item, "arguments": '{"city":"Rome"}'}),
        event("completed", response={"status": "completed", "output": ["of no more use"]}),
    ]
    call = {"type": "tool_call", "id": "c1", "name": "weather", "arguments": {"city": "Rome"}}
    text = {"type": "text", "content": "It rains."}
    for count, parts, reason in ((2, [text], None), (5, [text, call], None), (7, [text, call], "completed")):
        pieces = Pieces(Copier(MOST))
        for each in events[:count]:
            pieces.see(each)
        (output,) = _content_parts.output_messages(pieces.answer())
        assert output["parts"] == parts
        assert output.get("finish_reason") == reason
