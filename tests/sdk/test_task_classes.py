"""`@ww.task` on a class: calls, `with` blocks or public methods of an instance are its runs."""

import asyncio
import pickle
import sys
from collections.abc import AsyncIterator, Iterator
from types import TracebackType

import pytest

import worthwhile as ww
from worthwhile.testing import Captured


def workloads(captured: Captured) -> list[tuple[object, object]]:
    return [
        (task.attributes["worthwhile.workload"], task.attributes.get("worthwhile.task.key")) for task in captured.tasks
    ]


def test_a_call_of_a_callable_instance_is_a_run(captured: Captured) -> None:
    @ww.task("agent", key="ticket", success=lambda result: result > 1)
    class Agent:
        def __call__(self, ticket: str) -> int:
            return self.helper()

        def helper(self) -> int:
            return 2

    agent = Agent()
    assert agent("T-1") == 2
    assert agent.helper() == 2
    assert workloads(captured) == [("agent", "T-1")]
    assert captured.signals[0].attributes["worthwhile.signal.kind"] == "accept"


async def test_public_methods_of_any_kind_are_runs_and_private_ones_are_not(captured: Captured) -> None:
    @ww.task
    class Agent:
        limit = 3

        def run(self) -> int:
            return self._private()

        async def arun(self) -> int:
            await asyncio.sleep(0)
            return 2

        def stream(self) -> Iterator[int]:
            yield 1

        async def astream(self) -> AsyncIterator[int]:
            yield 1

        def _private(self) -> int:
            return 1

        @property
        def name(self) -> str:
            return "n"

        @staticmethod
        def parse(text: str) -> str:
            return text

        @classmethod
        def make(cls) -> "Agent":
            return cls()

    agent = Agent.make()
    assert (agent.run(), await agent.arun(), list(agent.stream()), [n async for n in agent.astream()]) == (
        *(1, 2, [1], [1]),
    )
    assert (agent.name, agent.parse("x"), agent._private()) == ("n", "x", 1)
    assert [name for name, _ in workloads(captured)] == [
        "test_public_methods_of_any_kind_are_runs_and_private_ones_are_not.<locals>.Agent".rpartition(".")[2]
    ] * 4


def test_calls_within_one_instance_join_its_run(captured: Captured) -> None:
    @ww.task("agent")
    class Agent:
        def __init__(self, sub: "Agent | None" = None) -> None:
            self.sub = sub

        def run(self) -> int:
            return self.step() + (self.sub.run() if self.sub else 0)

        def step(self) -> int:
            return 1

    assert Agent().run() == 1
    assert len(captured.tasks) == 1
    captured.clear()
    assert Agent(Agent()).run() == 2
    assert len(captured.tasks) == 2, "another instance is another run"
    assert captured.tasks[0].parent_id == captured.tasks[1].span_id


def test_the_key_may_be_an_attribute_of_the_instance(captured: Captured) -> None:
    @ww.task("agent", key="ticket")
    class Agent:
        def __init__(self, ticket: str) -> None:
            self.ticket = ticket

        def run(self) -> None: ...

        def rerun(self, ticket: str) -> None: ...

    Agent("T-1").run()
    Agent("T-1").rerun("T-2")
    assert workloads(captured) == [("agent", "T-1"), ("agent", "T-2")]


def test_a_context_manager_class_runs_once_per_block(captured: Captured) -> None:
    @ww.task("session", key="ticket", success=lambda session: session.is_done)
    class Session:
        def __init__(self, ticket: str, swallows: bool = False) -> None:
            self.ticket = ticket
            self.swallows = swallows
            self.is_done = False

        def __enter__(self) -> "Session":
            assert ww.current_task() is not None
            return self

        def __exit__(
            self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
        ) -> bool:
            assert ww.current_task() is not None
            return self.swallows

        def work(self) -> None:
            self.is_done = True

    with Session("T-1") as session:
        session.work()
    assert [task.attributes["worthwhile.task.status"] for task in captured.tasks] == ["completed"]
    assert workloads(captured) == [("session", "T-1")]
    assert captured.signals[0].attributes["worthwhile.signal.kind"] == "accept"

    captured.clear()
    error = LookupError()
    with pytest.raises(LookupError) as caught, Session("T-2"):
        raise error
    assert caught.value is error
    with Session("T-3", swallows=True):
        raise error
    assert [task.attributes["worthwhile.task.status"] for task in captured.tasks] == ["failed", "completed"]
    assert ww.current_task() is None


def test_a_context_manager_that_fails_to_open_or_close_fails_the_run(captured: Captured) -> None:
    @ww.task("session")
    class Session:
        def __init__(self, where: str) -> None:
            self.where = where

        def __enter__(self) -> None:
            if self.where == "enter":
                raise KeyError

        def __exit__(self, *exc_info: object) -> None:
            raise LookupError

    with pytest.raises(KeyError), Session("enter"):
        pass
    with pytest.raises(LookupError), Session("exit"):
        pass
    assert [task.attributes["error.type"] for task in captured.tasks] == ["KeyError", "LookupError"]
    assert ww.current_task() is None


async def test_an_async_context_manager_class(captured: Captured) -> None:
    @ww.task("session")
    class Session:
        async def __aenter__(self) -> "Session":
            await asyncio.sleep(0)
            return self

        async def __aexit__(self, *exc_info: object) -> None:
            await asyncio.sleep(0)

    async with Session() as session:
        assert ww.current_task() is not None
        async with session:  # joins
            pass
        assert ww.current_task() is not None
    with pytest.raises(LookupError):
        async with Session():
            raise LookupError
    assert [task.attributes["worthwhile.task.status"] for task in captured.tasks] == ["completed", "failed"]


@ww.task("module-level", key="ticket")
class Desk:
    """A desk."""

    def __init__(self, ticket: str) -> None:
        self.ticket = ticket

    def run(self) -> str:
        """Run."""
        return self.ticket


def test_the_class_stays_the_same_class(captured: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Desk.__module__])
    assert isinstance(Desk, type)
    assert (Desk.__name__, Desk.__doc__, Desk.run.__doc__) == ("Desk", "A desk.", "Run.")
    assert pickle.loads(pickle.dumps(Desk("T"))).ticket == "T"

    class Sub(Desk): ...

    assert Sub("T").run() == "T"
    assert isinstance(Sub("T"), Desk)


def test_inherited_calls_and_blocks_are_entry_points(captured: Captured) -> None:
    class Base:
        def __call__(self) -> int:
            return 1

    @ww.task("sub")
    class Sub(Base): ...

    assert Sub()() == 1
    assert Base()() == 1
    assert workloads(captured) == [("sub", None)]


def test_a_class_without_entry_points_is_misuse() -> None:
    with pytest.raises(Exception, match=r"on the class `.*Empty` found no entry point"):

        @ww.task("t")
        class Empty:
            value = 1
