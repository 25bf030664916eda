"""What type checkers must see of decorated callables. Checked by `test_typing.py`; never imported."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, assert_type, overload

import worthwhile as ww
from worthwhile import Task, TaskScope, Usage


@ww.task
def bare(a: int, b: str = "", *, c: bool = False) -> float:
    return a


@ww.task("named", key="a", success=lambda result: result > 1)
def named(a: int, b: str = "", *, c: bool = False) -> float:
    return a


@ww.task("coroutine", key=lambda arguments: arguments["a"])
async def coroutine(a: int) -> list[str]:
    return []


@ww.task()
def generator(a: int) -> Generator[int, str, bytes]:
    yield a
    return b""


@ww.task(None, key="a")
async def async_generator(a: int) -> AsyncIterator[int]:
    yield a


@overload
def overloaded(a: int) -> int: ...
@overload
def overloaded(a: str) -> str: ...
@ww.task("overloaded")
def overloaded(a: int | str) -> int | str:
    return a


@ww.task("agent", key="ticket")
class Agent:
    def __init__(self, ticket: str) -> None:
        self.ticket = ticket

    @ww.task
    def method(self, a: int) -> str:
        return ""

    @classmethod
    @ww.task("made")
    def make(cls) -> "Agent":
        return cls("")

    @staticmethod
    @ww.task("parsed")
    def parse(text: str) -> bytes:
        return b""


assert_type(bare(1, "x", c=True), float)
assert_type(named(1), float)
assert_type(generator(1), Generator[int, str, bytes])
assert_type(async_generator(1), AsyncIterator[int])
assert_type(overloaded(1), int)
assert_type(overloaded("x"), str)
assert_type(Agent("T").ticket, str)
assert_type(Agent("T").method(1), str)
assert_type(Agent.make(), Agent)
assert_type(Agent.parse(""), bytes)
agent_type: type[Agent] = Agent
typed: Callable[[int], Coroutine[Any, Any, list[str]]] = coroutine

bare("x")  # error: argument
bare(1, d=2)  # error: unknown keyword
named()  # error: missing argument
overloaded(b"")  # error: no overload
Agent("T").method("x")  # error: argument
Agent(1)  # error: argument


async def use() -> None:
    assert_type(await coroutine(1), list[str])
    async with ww.task("block") as t:
        assert_type(t, Task)


def inner(t: int) -> int:
    with ww.task("block", key="T-1") as run:
        assert_type(run, Task)
        assert_type(run.id, str)
        assert_type(run.workload, str)
        assert_type(run.key, str | None)
        assert_type(run.usage, Usage)
        assert_type(run.cost_usd, Decimal | None)
        assert_type(run.calls, int)
        assert_type(run.accept(actor="me", at=datetime.now(UTC)), str)
        assert_type(run.edit(distance=0.5), str)
        assert_type(run.score(value=1, passed=True), str)
        run.accept(distance=0.5)  # error: unknown keyword
        return t  # the block may not be thought to swallow exceptions: no missing return


assert_type(ww.task("x"), TaskScope)
assert_type(ww.current_task(), Task | None)
assert_type(ww.accept("T-1", workload="w"), str)
assert_type(ww.accept(), str)
assert_type(ww.void("T-1", workload="w", id="x"), str)
assert_type(ww.flush(1.0), bool)
ww.accept(key="T-1")  # error: positional only
ww.accept("T-1", "w")  # error: keyword only
ww.accept("T-1", source="robot")  # error: not an authority
ww.configure("http://x")  # error: keyword only
ww.configure(stream_usage="sometimes")  # error: not a policy
ww.task("x", key=1)  # error: not a key


def consume(numbers: Iterator[int], later: Awaitable[list[str]]) -> None: ...


consume(generator(1), coroutine(1))
