"""Runs the legs of a `ww.fallback`, for every kind of callable.

Each leg runs in a scope of its own, which the calls under it read when they start (`_legs.py`). The host's exceptions
stay as they are: the next leg runs while the one's before is being handled, as in a hand-written `except` block, so
that Python itself links them by `__context__`.
"""

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, cast

from worthwhile import _guard
from worthwhile._errors import error_type
from worthwhile._legs import Chain, Entered, within
from worthwhile._wrappers import first_step, is_coroutine_function

if TYPE_CHECKING:
    from worthwhile.fallback import Leg

_CHAIN: Final = _guard.Guard("the legs of a fallback")


class Fallback:
    """What `ww.fallback([...])` returns: its legs' callable, or their client with the attributes that clients have.

    Args:
        legs: At least one.
        errors: Exceptions that lead on to the next leg.
        when: Whether an answer is not good enough.
        path: Attributes from the legs' targets to what is called.
    """

    __slots__ = ("__weakref__", "_errors", "_legs", "_path", "_when")

    def __init__(
        self,
        legs: "tuple[Leg[Any], ...]",
        errors: tuple[type[Exception], ...],
        when: Callable[[Any], Any] | None,
        path: tuple[str, ...] = (),
    ) -> None:
        self._legs = legs
        self._errors = errors
        self._when = when
        self._path = path

    def __getattr__(self, name: str) -> "Fallback":
        """The attribute of that name of whichever leg it will be."""
        if name.startswith("_"):
            raise AttributeError(f"a fallback has no attribute `{name}`")
        _ = getattr(_followed(self._legs[0].target, self._path), name)  # a wrong name fails where it is read
        return Fallback(self._legs, self._errors, self._when, (*self._path, name))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the legs, one after the other, until one gives a good answer."""
        run = _Run(self._legs, self._errors, self._when, self._path, (args, kwargs))
        first = _followed(self._legs[0].target, self._path)
        if inspect.isasyncgenfunction(first):
            return run.stream_async()
        if inspect.isgeneratorfunction(first):
            return run.stream()
        if is_coroutine_function(first):
            return run.answer_async()
        return run.answer()

    def __repr__(self) -> str:
        """What of its legs, and how many they are."""
        return f"<fallback {'.'.join(self._path) or 'call'} of {len(self._legs)} legs>"


def _followed(target: Any, path: tuple[str, ...]) -> Any:
    return functools.reduce(getattr, path, target)


class _Run:
    """One call of a fallback."""

    __slots__ = ("_arguments", "_chain", "_errors", "_legs", "_path", "_when")

    def __init__(
        self,
        legs: "tuple[Leg[Any], ...]",
        errors: tuple[type[Exception], ...],
        when: Callable[[Any], Any] | None,
        path: tuple[str, ...],
        arguments: tuple[tuple[Any, ...], dict[str, Any]],
    ) -> None:
        self._legs = legs
        self._errors = errors
        self._when = when
        self._path = path
        self._arguments = arguments
        self._chain: Chain | None = None

    def answer(self) -> Any:
        """The answer of plain functions, or the coroutine of functions that turn out to hand out one."""
        self._open()
        try:
            result = self._answer(0)
        except BaseException as error:
            self._close(error)
            raise
        self._close(None)  # of a coroutine, which has yet to run, once more at its end
        return result

    async def answer_async(self) -> Any:
        """The answer of coroutine functions."""
        self._open()
        return await self._finish(0, None, self._begin(0))

    def stream(self) -> Generator[Any, Any, Any]:
        """The items of generator functions, from the first leg that has one."""
        self._open()
        value: Any = None
        try:
            generator, item, entered = self._first_item(0)
            if generator is None:
                self._close(None)
                return item
            while True:
                try:
                    step, value = generator.send, (yield item)
                except BaseException as error:  # noqa: BLE001 - handed on to the leg
                    step, value = generator.throw, error
                with entered:
                    item = step(value)
        except StopIteration as stop:
            self._close(None)
            return stop.value
        except BaseException as error:
            self._close(error)
            raise
        finally:
            value = None  # an exception kept here would keep this frame alive

    async def stream_async(self) -> AsyncGenerator[Any, Any]:
        """The items of async generator functions, from the first leg that has one."""
        self._open()
        step: Any = None
        try:
            generator, item, entered = await self._first_item_async(0)
            while True:
                try:
                    step = generator.asend((yield item))
                except BaseException as error:  # noqa: BLE001 - handed on to the leg
                    step = generator.athrow(error)
                with entered:
                    item = await step
        except StopAsyncIteration:
            self._close(None)
        except BaseException as error:
            self._close(error)
            raise
        finally:
            step = None  # an exception kept here would keep this frame alive

    def _answer(self, index: int) -> Any:
        entered = self._begin(index)
        try:
            with entered:
                result = self._call(index)
        except self._errors as error:
            if self._is_last(index):
                raise
            self._leave(error)
            return self._answer(index + 1)
        if type(result) is CoroutineType:  # not isinstance, which would ask the host's object for its class
            return self._finish(index, cast("Coroutine[Any, Any, Any]", result), entered)
        if self._asks(index) and self._is_turned_down(cast("Callable[[Any], Any]", self._when)(result)):
            return self._answer(index + 1)
        return result

    async def _finish(self, index: int, pending: Coroutine[Any, Any, Any] | None, entered: Entered) -> Any:
        try:
            result = await self._answer_async(index, pending, entered)
        except BaseException as error:
            self._close(error)
            raise
        self._close(None)
        return result

    async def _answer_async(self, index: int, pending: Coroutine[Any, Any, Any] | None, entered: Entered) -> Any:
        try:
            with entered:
                result = await (self._call(index) if pending is None else pending)
        except self._errors as error:
            if self._is_last(index):
                raise
            self._leave(error)
            return await self._answer_async(index + 1, None, self._begin(index + 1))
        if self._asks(index):
            verdict = cast("Callable[[Any], Any]", self._when)(result)
            if self._is_turned_down(await verdict if inspect.isawaitable(verdict) else verdict):
                return await self._answer_async(index + 1, None, self._begin(index + 1))
        return result

    def _first_item(self, index: int) -> tuple[Generator[Any, Any, Any] | None, Any, Entered]:
        entered = self._begin(index)
        try:
            with entered:
                generator = self._call(index)
                return generator, generator.send(None), entered
        except StopIteration as stop:
            return None, stop.value, entered
        except self._errors as error:
            if self._is_last(index):
                raise
            self._leave(error)
            return self._first_item(index + 1)

    async def _first_item_async(self, index: int) -> tuple[AsyncGenerator[Any, Any], Any, Entered]:
        entered = self._begin(index)
        try:
            with entered:
                generator = self._call(index)
                return generator, await first_step(generator), entered
        except StopAsyncIteration:
            raise
        except self._errors as error:
            if self._is_last(index):
                raise
            self._leave(error)
            return await self._first_item_async(index + 1)

    def _call(self, index: int) -> Any:
        leg = self._legs[index]
        args, kwargs = self._arguments
        target = _followed(leg.target, self._path)
        return target(*args, **(kwargs if leg.model is None else {**kwargs, "model": leg.model}))

    def _open(self) -> None:
        with _CHAIN:
            self._chain = Chain()

    def _begin(self, index: int) -> Entered:
        leg = self._legs[index]
        with _CHAIN:
            if self._chain is not None:
                return self._chain.leg(leg.name or _name_of(leg.target), leg.tier)
        return Entered(within(None, tier=leg.tier))

    def _leave(self, error: Exception) -> None:
        with _CHAIN:
            if self._chain is not None:
                self._chain.left(error_type(error), is_rejection=False)

    def _is_last(self, index: int) -> bool:
        return index + 1 == len(self._legs)

    def _asks(self, index: int) -> bool:
        return self._when is not None and not self._is_last(index)

    def _is_turned_down(self, verdict: object) -> bool:
        if not verdict:
            return False
        with _CHAIN:
            if self._chain is not None:
                self._chain.left(verdict if isinstance(verdict, str) else "rejected", is_rejection=True)
        return True

    def _close(self, error: BaseException | None) -> None:
        with _CHAIN:
            if self._chain is not None:
                self._chain.close(error)


def _name_of(target: Any) -> str:
    name = getattr(target, "__qualname__", None)
    return name.rpartition("<locals>.")[2] if isinstance(name, str) else type(target).__qualname__
