"""Where the key of a decorated function's task comes from."""

from typing import Any

import pytest

import worthwhile as ww
from worthwhile.testing import Captured


@ww.task("ticket-reply", key="ticket_id")
def answer(ticket_id: str, text: str = "hello", *, loud: bool = False) -> str:
    """Answer a ticket."""
    return text.upper() if loud else text


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        (("T-1",), {}, "T-1"),
        ((), {"ticket_id": "T-2"}, "T-2"),
        ((42,), {}, "42"),
        ((None,), {}, None),
        (("",), {}, None),
    ],
)
def test_key_from_an_argument(captured: Captured, args: Any, kwargs: Any, expected: str | None) -> None:
    answer(*args, **kwargs)
    assert captured.tasks[0].attributes.get("worthwhile.task.key") == expected


def test_key_from_defaults_keyword_only_and_var_keyword(captured: Captured) -> None:
    @ww.task("default", key="ticket")
    def with_default(ticket: str = "D-1") -> None: ...

    @ww.task("keyword", key="ticket")
    def with_keyword(*, ticket: str = "K-0") -> None: ...

    @ww.task("var", key="ticket")
    def with_var(**rest: str) -> None: ...

    @ww.task("positional", key="ticket")
    def with_positional(first: int, ticket: str, /, **rest: str) -> None: ...

    with_default()
    with_keyword(ticket="K-1")
    with_keyword()
    with_var(ticket="V-1")
    with_var()
    with_positional(1, "P-1", ticket="not this one")
    assert [task.attributes.get("worthwhile.task.key") for task in captured.tasks] == [
        *("D-1", "K-1", "K-0", "V-1", None, "P-1")
    ]


def test_key_from_a_callable_sees_the_arguments_by_name(captured: Captured) -> None:
    @ww.task("t", key=lambda arguments: f"{arguments['a']}/{arguments['b']}/{arguments['rest']}")
    def work(a: int, b: int = 2, *rest: int) -> None: ...

    work(1)
    work(1, 3, 4)
    assert [task.attributes["worthwhile.task.key"] for task in captured.tasks] == ["1/2/()", "1/3/(4,)"]


def test_wrong_arguments_raise_what_the_function_raises(captured: Captured) -> None:
    with pytest.raises(TypeError, match=r"answer\(\) missing 1 required positional argument: 'ticket_id'"):
        answer()  # type: ignore[call-arg]

    @ww.task("t", key=lambda arguments: arguments["a"])
    def work(a: int) -> None: ...

    with pytest.raises(TypeError, match="unexpected keyword argument 'b'"):
        work(b=1)  # type: ignore[call-arg]


def test_a_key_that_is_no_argument_is_misuse() -> None:
    with pytest.raises(Exception, match=r"key= of the task `t` is `nope`, which is not one of its arguments"):

        @ww.task("t", key="nope")
        def work(a: int) -> None: ...


def test_a_key_that_is_no_argument_warns_once_and_runs_without_key(
    captured: Captured, as_in_production: None, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):

        @ww.task("t", key="nope")
        def work(a: int) -> int:
            return a

        assert work(5) == 5
    assert len(caplog.records) == 1
    assert "worthwhile.task.key" not in captured.tasks[0].attributes


def test_a_key_whose_text_raises_costs_only_the_key_of_the_task(
    captured: Captured, as_in_production: None, caplog: pytest.LogCaptureFixture
) -> None:
    @ww.task("t", key=lambda arguments: 1 / 0)
    def work() -> int:
        return 5

    assert [work(), work()] == [5, 5]
    assert [task.attributes.get("worthwhile.task.key") for task in captured.tasks] == [None, None]
    assert len(caplog.records) == 1
    assert "the key of a task" in caplog.text
