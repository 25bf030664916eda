"""Decorated functions and classes pickle, copy and compare as they would without decoration."""

import copy
import functools
import inspect
import pickle
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.transparency.kinds import bare, watched

import worthwhile as ww
from worthwhile.testing import Captured


@ww.task("function")
def function(a: int) -> int:
    return a + 1


@ww.task("coroutine")
async def coroutine(a: int) -> int:
    return a + 1


@ww.task("generator")
def generator(a: int) -> Any:
    yield a


@ww.task("plain class")
class Plain:
    def __init__(self, a: int = 1) -> None:
        self.a = a

    def work(self) -> int:
        return self.a

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plain) and other.a == self.a

    def __hash__(self) -> int:
        return hash(self.a)


@ww.task("callable class")
class Callable:
    def __init__(self, a: int = 1) -> None:
        self.a = a

    def __call__(self) -> int:
        return self.a


@ww.task("data class")
@dataclass(order=True)
class Data:
    a: int = 1
    b: list[int] = field(default_factory=list)

    def work(self) -> int:
        return self.a


@ww.task("slotted class")
@dataclass(slots=True, frozen=True)
class Slotted:
    a: int = 1

    def work(self) -> int:
        return self.a


@ww.task("reducing class")
class Reducing:
    def __init__(self, a: int = 1) -> None:
        self.a = a

    def __reduce__(self) -> Any:
        return (Reducing, (self.a,))

    def __getstate__(self) -> Any:
        raise AssertionError("__reduce__ comes first")

    def work(self) -> int:
        return self.a


CLASSES = [Plain, Callable, Data, Slotted, Reducing]
FUNCTIONS = [function, coroutine, generator]
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)

each_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
each_function = pytest.mark.parametrize("target", FUNCTIONS, ids=lambda target: target.__name__)


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pytest does not put its modules where pickle looks for them."""
    module = inspect.getmodule(_importable) or sys.modules[__name__]
    monkeypatch.setitem(sys.modules, __name__, module)


@each_function
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_function_pickles_by_its_name(target: Any, protocol: int) -> None:
    assert pickle.loads(pickle.dumps(target, protocol)) is target


@each_function
def test_a_function_is_its_own_copy(target: Any) -> None:
    assert copy.copy(target) is target
    assert copy.deepcopy(target) is target
    assert copy.deepcopy({"f": target})["f"] is target


@each_class
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_instance_pickles(cls: Any, protocol: int, captured: Captured) -> None:
    if cls is Slotted and protocol < 2:
        pytest.skip("a slotted class without __reduce__ needs protocol 2, decorated or not")
    back = pickle.loads(pickle.dumps(cls(7), protocol))
    assert type(back) is cls
    assert back.a == 7
    assert (back() if cls is Callable else back.work()) == 7


@each_class
def test_a_class_pickles_and_copies_as_itself(cls: Any) -> None:
    assert pickle.loads(pickle.dumps(cls)) is cls
    assert copy.copy(cls) is copy.deepcopy(cls) is cls


@each_class
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy], ids=["copy", "deepcopy"])
def test_an_instance_copies_and_its_copy_works(cls: Any, duplicate: Any, captured: Captured) -> None:
    back = duplicate(cls(7))
    assert (type(back), back.a) == (cls, 7)
    assert (back() if cls is Callable else back.work()) == 7
    assert len(captured.tasks) == 1


@each_class
def test_a_bound_method_pickles_with_its_instance(cls: Any, captured: Captured) -> None:
    method = cls(7).__call__ if cls is Callable else cls(7).work
    assert pickle.loads(pickle.dumps(method))() == 7


@each_class
def test_an_instance_holds_nothing_of_ours(cls: Any, captured: Captured) -> None:
    instance = cls(7)
    before = getattr(instance, "__dict__", None) and dict(vars(instance))
    instance() if cls is Callable else instance.work()
    assert (getattr(instance, "__dict__", None) and dict(vars(instance))) == before


def test_partials_copy_and_pickle(captured: Captured) -> None:
    made = functools.partial(function, 1)
    assert pickle.loads(pickle.dumps(made))() == copy.deepcopy(made)() == 2


def test_equality_and_order_of_instances_are_the_classes_own(captured: Captured) -> None:
    assert Data(1) < Data(2)
    assert Data(1) == Data(1)
    assert Plain(1) == Plain(1)
    assert hash(Plain(1)) == hash(Plain(1))
    assert Slotted(1) == Slotted(1)
    assert len({Slotted(1), Slotted(1)}) == 1


def test_a_scope_may_be_copied_before_it_is_used(captured: Captured) -> None:
    scope = copy.copy(ww.task("scope"))
    with scope:
        pass
    assert len(captured.tasks) == 1


def test_generators_still_refuse_to_be_pickled(captured: Captured) -> None:
    def numbers() -> Any:
        yield 1

    messages = []
    for decorate in (bare, watched):
        with pytest.raises(TypeError) as raised:
            pickle.dumps(decorate(numbers)())
        messages.append(str(raised.value))
    assert messages[0] == messages[1]
