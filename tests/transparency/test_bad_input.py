"""Input that nobody expects is taken in bounded space, said to be cut where it is cut, and raises nothing."""

import math
from decimal import Decimal
from typing import Any

import pytest
from tests.wire.provider import Provider

import worthwhile as ww
from worthwhile import testing

HUGE = "x" * 10_000_000

TEXTS = {
    "huge": HUGE,
    "lone surrogate": "a\ud800b",
    "nul": "a\0b",
    "not normalised": "e\u0301\u202e\ufeff",
    "emoji": "\U0001f469\u200d\U0001f4bb" * 100,
    "control": "\x1b[31m\r\n\x07",
    "empty": "",
    "blank": "  ",
}

cyclic: list[Any] = []
cyclic.append(cyclic)
cyclic_mapping: dict[str, Any] = {}
cyclic_mapping["self"] = cyclic_mapping

VALUES: dict[str, Any] = {
    **TEXTS,
    "nan": math.nan,
    "infinite": -math.inf,
    "larger than 64 bits": 1 << 80,
    "large number": 10**3000,
    "decimal": Decimal("NaN"),
    "cyclic": cyclic,
    "cyclic mapping": cyclic_mapping,
    "bytes": b"\xff" * 1000,
    "deep": [[[[[[[[[[]]]]]]]]]],
    "ten thousand": {str(number): number for number in range(10_000)},
    "class": int,
    "boolean": True,
}

MOST_TEXT = 64_000
"""What a text attribute may hold, at the very most; far more than any real key or name."""

each_text = pytest.mark.parametrize("text", TEXTS)
each_value = pytest.mark.parametrize("value", VALUES)


def recorded() -> Any:
    """As in production, with what is recorded in memory."""
    return testing.capture()


def is_sane(record: Any) -> None:
    """Whether everything of a span can be sent."""
    record.name.encode()
    assert len(record.name) < MOST_TEXT
    for key, value in record.attributes.items():
        parts = value if isinstance(value, (tuple, list)) else [value]
        for part in parts:
            assert isinstance(part, (str, bool, int, float)), (key, type(part))
            if isinstance(part, str):
                assert len(part) < MOST_TEXT, key
            elif isinstance(part, int):
                assert -(1 << 63) <= part < 1 << 63, key


@each_value
def test_a_key_of_any_sort(value: str, production: None) -> None:
    with recorded() as captured:
        assert ww.task("t", key="a")(lambda a: "done")(VALUES[value]) == "done"
        with ww.task("b", key=VALUES[value]):
            pass
    assert len(captured.tasks) == 2
    for task in captured.tasks:
        is_sane(task)


@each_text
def test_a_workload_of_any_sort(text: str, production: None) -> None:
    with recorded() as captured:
        assert ww.task(TEXTS[text])(lambda: "done")() == "done"
        with ww.task(TEXTS[text]):
            pass
    assert len(captured.tasks) == 2
    for task in captured.tasks:
        is_sane(task)


@each_text
def test_a_cut_text_says_how_long_it_was(text: str, production: None) -> None:
    with recorded() as captured, ww.task("b", key=TEXTS[text]):
        pass
    key = captured.tasks[0].attributes.get("worthwhile.task.key", "")
    if text == "huge":
        assert str(len(HUGE)) in str(key), "its length is not noted"
    elif TEXTS[text].isprintable():
        assert key in (TEXTS[text], "")


@each_value
@pytest.mark.parametrize("place", ["temperature", "seed", "max_tokens", "service_tier", "model"])
def test_a_request_with_any_scalar(value: str, place: str, provider: Provider, production: None) -> None:
    """The client says what it says; what it sends we survive."""
    openai = pytest.importorskip("openai")
    if value == "huge" and place == "model":
        pytest.skip("the server reads scripts out of the model's name")
    request = {"model": "m-wire", "messages": [{"role": "user", "content": "hi"}], place: VALUES[value]}
    outcomes: list[str] = []
    with recorded() as captured, openai.OpenAI(api_key="k", base_url=provider.openai_url, max_retries=0) as client:
        from worthwhile import clients

        for is_watched in (True, False):
            (clients.install if is_watched else clients.uninstall)()
            try:
                outcomes.append(type(client.chat.completions.create(**request)).__name__)
            except BaseException as error:
                outcomes.append(type(error).__name__)
        clients.install()
    assert outcomes[0] == outcomes[1]
    for call in captured.calls:
        is_sane(call)


def test_a_prompt_of_many_megabytes_is_not_looked_at(provider: Provider) -> None:
    openai = pytest.importorskip("openai")
    import tracemalloc

    messages = [{"role": "user", "content": HUGE}]
    peaks = []
    with recorded() as captured, openai.OpenAI(api_key="k", base_url=provider.openai_url) as client:
        from worthwhile import clients

        for is_watched in (False, True):
            (clients.install if is_watched else clients.uninstall)()
            client.chat.completions.create(model="m-wire", messages=messages)
            tracemalloc.start()
            client.chat.completions.create(model="m-wire", messages=messages)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert len(captured.calls) == 2
    assert peaks[1] - peaks[0] < 200_000


@each_value
@pytest.mark.parametrize("field", ["key", "id", "actor", "workload"])
def test_a_signal_about_anything(value: str, field: str, production: None) -> None:
    fields: dict[str, Any] = {"key": "T-1", "workload": "t", field: VALUES[value]}
    with recorded() as captured:
        ww.accept(fields.pop("key"), **fields)
    for signal in captured.signals:
        for part in signal.attributes.values():
            assert len(str(part)) < MOST_TEXT if isinstance(part, str) else True
