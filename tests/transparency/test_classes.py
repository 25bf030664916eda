"""Classes and their members behave as they would without decoration: methods, descriptors, inheritance, identity."""

import abc
import enum
import functools
import gc
import inspect
import weakref
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

import pytest
from tests.transparency.evil import Evil
from tests.transparency.kinds import bare, watched

import worthwhile as ww
from worthwhile.testing import Captured

T = TypeVar("T")

both = pytest.mark.parametrize("decorate", [bare, watched], ids=lambda decorate: decorate.__name__)


def test_decoration_returns_the_class_itself(captured: Captured) -> None:
    class Desk:
        def work(self) -> int:
            return 1

    before = set(vars(Desk))
    assert watched(Desk) is Desk
    assert set(vars(Desk)) == before


@both
def test_attributes_of_every_sort_are_where_they_were(decorate: Any, captured: Captured) -> None:
    class Desk(metaclass=abc.ABCMeta):  # noqa: B024 - its metaclass is all that is wanted
        """A desk."""

        count: ClassVar[int] = 3

        def __init__(self) -> None:
            self.own = 1

        @property
        def double(self) -> int:
            return self.own * 2

        @double.setter
        def double(self, value: int) -> None:
            self.own = value // 2

        @functools.cached_property
        def once(self) -> list[int]:
            return [self.own]

        @staticmethod
        def static(a: int) -> int:
            return a

        @classmethod
        def made(cls) -> Any:
            return cls()

        class Inner:
            pass

        def work(self) -> int:
            return self.own

        def __len__(self) -> int:
            return 5

        def __getitem__(self, key: Any) -> Any:
            return key

    cls: Any = decorate(Desk)
    desk = cls.made()
    desk.double = 10
    assert (desk.own, desk.double, desk.once, len(desk), desk[1:2]) == (5, 10, [5], 5, slice(1, 2))
    assert desk.once is desk.once
    assert (cls.count, cls.static(1), desk.work(), cls.work(desk)) == (3, 1, 5, 5)
    assert [type(vars(cls)[name]) for name in ("double", "once", "static", "made", "Inner")] == [
        property,
        functools.cached_property,
        staticmethod,
        classmethod,
        type,
    ]
    assert (cls.__name__, cls.__doc__, cls.__module__, inspect.isabstract(cls)) == ("Desk", "A desk.", __name__, False)
    assert cls.__mro__[1:] == (object,)


@both
def test_a_method_is_bound_as_ever(decorate: Any, captured: Captured) -> None:
    class Desk:
        @decorate
        def work(self, a: int = 1) -> Any:
            return (self, a)

    desk = Desk()
    assert desk.work == desk.work
    assert hash(desk.work) == hash(desk.work)
    assert desk.work != Desk().work
    assert desk.work.__self__ is desk
    assert desk.work.__func__ is Desk.work
    assert inspect.ismethod(desk.work)
    assert str(inspect.signature(desk.work)) == "(a: int = 1) -> Any"
    kept = desk.work
    assert kept()[0] is desk
    assert Desk.work(desk, 2) == (desk, 2)


@both
def test_a_method_may_be_replaced_on_an_instance_and_on_the_class(decorate: Any, captured: Captured) -> None:
    class Desk:
        def work(self) -> str:
            return "old"

    cls: Any = decorate(Desk)
    desk = cls()
    desk.work = lambda: "own"
    assert desk.work() == "own"
    del desk.work
    assert desk.work() == "old"
    cls.work = lambda self: "new"
    assert desk.work() == "new"


@both
def test_a_subclass_overrides_and_calls_up(decorate: Any, captured: Captured) -> None:
    class Base:
        def work(self) -> list[str]:
            return ["base"]

        def helper(self) -> str:
            return "helped by base"

    base: Any = decorate(Base)

    class Child(base):
        def work(self) -> list[str]:
            return [*super().work(), "child", self.helper()]

        def helper(self) -> str:
            return "helped by child"

    class Grandchild(Child):
        pass

    assert Grandchild().work() == ["base", "child", "helped by child"]
    assert base().work() == ["base"]
    assert issubclass(Grandchild, base)
    assert isinstance(Grandchild(), base)


@both
def test_several_bases_are_asked_in_their_order(decorate: Any, captured: Captured) -> None:
    order: list[str] = []

    @decorate
    class Top:
        def work(self) -> None:
            order.append("top")

    @decorate
    class Left(Top):
        def work(self) -> None:
            order.append("left")
            super().work()

    @decorate
    class Right(Top):
        def work(self) -> None:
            order.append("right")
            super().work()

    @decorate
    class Bottom(Left, Right):
        def work(self) -> None:
            order.append("bottom")
            super().work()

    Bottom().work()
    assert order == ["bottom", "left", "right", "top"]


@both
def test_an_abstract_method_stays_abstract(decorate: Any, captured: Captured) -> None:
    class Base(abc.ABC):
        @abc.abstractmethod
        def work(self) -> int: ...

        @decorate
        @abc.abstractmethod
        def more(self) -> int: ...

    base: Any = decorate(Base)
    with pytest.raises(TypeError, match="abstract"):
        base()
    assert base.__abstractmethods__ == {"work", "more"}

    class Child(base):
        def work(self) -> int:
            return 1

        def more(self) -> int:
            return 2

    assert Child().work() + Child().more() == 3


@both
def test_hooks_of_a_class_run_once(decorate: Any, captured: Captured) -> None:
    hooks: list[str] = []

    class Named:
        def __set_name__(self, owner: type, name: str) -> None:
            hooks.append(f"set {name}")

    class Meta(type):
        def __new__(cls, name: str, bases: Any, namespace: Any, **options: Any) -> Any:
            hooks.append(f"new {name}")
            return super().__new__(cls, name, bases, namespace)

    class Desk(metaclass=Meta, option=1):
        member = Named()

        def __init_subclass__(cls) -> None:
            hooks.append(f"subclass {cls.__name__}")

        def work(self) -> int:
            return 1

    cls: Any = decorate(Desk)

    class Child(cls):
        pass

    Child().work()
    assert hooks == ["new Desk", "set member", "new Child", "subclass Child"]


@both
def test_slots_stay_closed(decorate: Any, captured: Captured) -> None:
    @decorate
    class Desk:
        __slots__ = ("a",)

        def work(self) -> int:
            self.a = 1
            return self.a

    desk = Desk()
    assert desk.work() == 1
    assert not hasattr(desk, "__dict__")
    with pytest.raises(AttributeError):
        desk.b = 1  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        weakref.ref(desk)  # no room for it, and nobody has made any


@both
def test_data_classes_and_named_tuples_keep_their_fields(decorate: Any, captured: Captured) -> None:
    @decorate
    @dataclass(frozen=True)
    class Data:
        a: int
        b: str = "x"

        def work(self) -> int:
            return self.a

    @decorate
    class Named(NamedTuple):
        a: int
        b: str = "x"

        def work(self) -> int:
            return self.a

    assert [each.name for each in fields(Data)] == ["a", "b"]
    assert repr(Data(1)).endswith("Data(a=1, b='x')")
    assert (Data(1).work(), Data(1) == Data(1)) == (1, True)
    assert Named._fields == ("a", "b")
    assert (Named(1).work(), Named(1) == (1, "x"), Named(1)._replace(a=2).a) == (1, True, 2)


@both
def test_enumerations_generics_and_protocols_work(decorate: Any, captured: Captured) -> None:
    @decorate
    class Colour(enum.Enum):
        RED = 1

        def work(self) -> int:
            return int(self.value)

    @decorate
    class Box(Generic[T]):
        def work(self, item: T) -> T:
            return item

    @runtime_checkable
    class Works(Protocol):
        def work(self) -> int: ...

    assert Colour.RED.work() == 1
    assert list(Colour) == [Colour.RED]
    assert Box[int]().work(3) == 3
    assert isinstance(Colour.RED, Works)


@both
def test_an_instance_with_evil_manners_can_work(decorate: Any, captured: Captured) -> None:
    """Which instance it is, is asked by identity; its equality, hash and truth are its own affair."""

    @decorate
    class Desk(Evil):
        def work(self) -> str:
            return self.inner()

        def inner(self) -> str:
            return "done"

    assert Desk().work() == "done"


@both
def test_an_instance_dies_when_it_is_dropped(decorate: Any, captured: Captured) -> None:
    ends: list[str] = []

    @decorate
    class Desk:
        def __enter__(self) -> Any:
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def __del__(self) -> None:
            ends.append("collected")

    with Desk():
        pass
    assert ends == ["collected"]


@both
def test_entering_may_return_anything_and_leaving_may_swallow(decorate: Any, captured: Captured) -> None:
    class Desk:
        def __init__(self, swallows: Any) -> None:
            self.swallows = swallows

        def __enter__(self) -> Any:
            return "something else"

        def __exit__(self, kind: Any, error: Any, trace: Any) -> Any:
            self.seen = (kind, error, trace is not None)
            return self.swallows

    cls: Any = decorate(Desk)
    for swallows in (True, 1, "yes", [0]):
        desk, error = cls(swallows), KeyError("x")
        with desk as entered:
            assert entered == "something else"
            raise error
        assert desk.seen == (KeyError, error, True)
    for refuses in (False, 0, "", None):
        with pytest.raises(KeyError), cls(refuses):
            raise KeyError


@both
def test_a_partial_method_and_a_method_from_outside_work(decorate: Any, captured: Captured) -> None:
    def outside(self: Any, a: int) -> int:
        return a + int(self.own)

    class Desk:
        own = 1
        work = decorate(outside)
        three = functools.partialmethod(decorate(outside), 3)

    assert (Desk().work(1), Desk().three()) == (2, 4)


def test_a_decorated_class_may_be_collected(captured: Captured) -> None:
    def make() -> Callable[[], Any]:
        @ww.task("short-lived")
        class Desk:
            def work(self) -> int:
                return 1

        Desk().work()
        return weakref.ref(Desk)

    watcher = make()
    gc.collect()
    assert watcher() is None
