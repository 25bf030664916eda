"""Functions, coroutines, generators and async generators wrapped so that each run of them is a run of a task.

A wrapper is of the same kind as what it wraps, calls it with the same arguments, and hands on its result, its values
and its exceptions as they are. A generator's task is current only while its body runs, never in its consumer.
"""

import functools
import inspect
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping
from types import CoroutineType, TracebackType
from typing import Any, Final, cast

from opentelemetry import context as otel_context

from worthwhile import _clock, _guard, _setup
from worthwhile._context import current_run, is_current
from worthwhile._lifecycle import Success, Task, begin, complete, end, enter, interrupt, judge

KeyFinder = Callable[[tuple[Any, ...], dict[str, Any]], object]

_KEY: Final = _guard.Guard("the key of a task")


class Opener:
    """Begins the runs of one decorated callable."""

    __slots__ = ("_find_key", "_is_entry_point", "success", "workload")

    def __init__(
        self, workload: str, find_key: KeyFinder | None, success: Success | None, *, is_entry_point: bool = False
    ) -> None:
        """Opener for `workload`.

        Args:
            workload: The task's kind.
            find_key: Takes the key from the call's arguments; `None` without a key.
            success: Judges the result; `None` without a judgement.
            is_entry_point: Whether the callable is a method of a decorated class, where the first argument is the
                instance and a call from within another entry point of the same instance joins its run.
        """
        self.workload = workload
        self.success = success
        self._find_key = find_key
        self._is_entry_point = is_entry_point

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Task | None:
        """Start a run for a call with these arguments; `None` where the call just passes through."""
        if _setup.active() is None:
            return None
        owner = args[0] if self._is_entry_point and args else None
        if owner is not None and _has_run_of(owner):
            return None
        key: object = None
        if self._find_key is not None:
            with _KEY:
                key = self._find_key(args, kwargs)
        return begin(self.workload, key, owner)


def wrap(function: Callable[..., Any], opener: Opener) -> Callable[..., Any]:
    """Wrap `function` in a function of its own kind."""
    if inspect.isasyncgenfunction(function):
        return _wrap_async_generator(function, opener)
    if inspect.isgeneratorfunction(function):
        return _wrap_generator(function, opener)
    if _is_coroutine_function(function):
        return _wrap_coroutine(function, opener)
    return _wrap_function(function, opener)


def find_key(function: Callable[..., Any], key: str | Callable[[Mapping[str, Any]], object]) -> KeyFinder | None:
    """How to take the key from a call of `function`: an argument's name, or a callable on the arguments by name.

    Returns `None` if no argument can have that name.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a built-in without a signature
        return None
    return _find_by_name(signature, key) if isinstance(key, str) else _find_by_callable(signature, key)


def _find_by_callable(signature: inspect.Signature, key: Callable[[Mapping[str, Any]], object]) -> KeyFinder:
    def find(args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:  # wrong arguments: the function itself is about to say so
            return None
        bound.apply_defaults()
        return key(bound.arguments)

    return find


def _find_by_name(signature: inspect.Signature, name: str) -> KeyFinder | None:
    parameters = list(signature.parameters.values())
    parameter = signature.parameters.get(name)
    if parameter is None or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters)
        return (lambda args, kwargs: kwargs.get(name)) if takes_any else None
    default = None if parameter.default is parameter.empty else parameter.default
    if parameter.kind is parameter.KEYWORD_ONLY:
        return lambda args, kwargs: kwargs.get(name, default)
    index = parameters.index(parameter)
    return lambda args, kwargs: args[index] if index < len(args) else kwargs.get(name, default)


def _wrap_function(function: Callable[..., Any], opener: Opener) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        task = opener.begin(args, kwargs)
        if task is None:
            return function(*args, **kwargs)
        enter(task)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            interrupt(task, error)
            raise
        if isinstance(result, CoroutineType):  # a plain function that hands out a coroutine: the work is yet to come
            otel_context.attach(task.outer)
            return _finish_later(task, cast("Coroutine[Any, Any, Any]", result), opener)
        complete(task, result, opener.success)
        return result

    return run


async def _finish_later(task: Task, coroutine: Coroutine[Any, Any, Any], opener: Opener) -> Any:
    task.outer = otel_context.get_current()
    enter(task)
    try:
        result = await coroutine
    except BaseException as error:
        interrupt(task, error)
        raise
    complete(task, result, opener.success)
    return result


def _wrap_coroutine(function: Callable[..., Any], opener: Opener) -> Callable[..., Any]:
    @functools.wraps(function)
    async def run(*args: Any, **kwargs: Any) -> Any:
        task = opener.begin(args, kwargs)
        if task is None:
            return await function(*args, **kwargs)
        enter(task)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            interrupt(task, error)
            raise
        complete(task, result, opener.success)
        return result

    return run


def _wrap_generator(function: Callable[..., Any], opener: Opener) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        body = _Body(opener.begin(args, kwargs))
        value: Any = None
        try:
            generator = function(*args, **kwargs)
            step = generator.send
            while True:
                with body:
                    item = step(value)
                try:
                    step, value = generator.send, (yield item)
                except BaseException as error:  # noqa: BLE001 - handed on to the body
                    step, value = generator.throw, error
        except StopIteration as stop:
            body.complete(stop.value, opener.success, is_closed=isinstance(value, GeneratorExit))
            return stop.value
        except BaseException as error:
            body.interrupt(error)
            raise
        finally:
            value = None  # an exception kept here would keep this frame alive

    return run


def _wrap_async_generator(function: Callable[..., Any], opener: Opener) -> Callable[..., Any]:
    @functools.wraps(function)
    async def run(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        body = _Body(opener.begin(args, kwargs))
        is_closed = False
        step: Any = None
        try:
            generator = function(*args, **kwargs)
            step = _first_step(generator)
            while True:
                with body:
                    item = await step
                try:
                    step = generator.asend((yield item))
                except BaseException as error:  # noqa: BLE001 - handed on to the body
                    is_closed = isinstance(error, GeneratorExit)
                    step = generator.athrow(error)
        except StopAsyncIteration:
            body.complete(None, opener.success, is_closed=is_closed)
        except BaseException as error:
            body.interrupt(error)
            raise
        finally:
            step = None  # an exception kept here would keep this frame alive

    return run


def _first_step(generator: AsyncGenerator[Any, Any]) -> Any:
    """First step of a generator that the event loop is not told of: the loop closes the wrapper, which closes it."""
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return generator.asend(None)
    finally:
        sys.set_asyncgen_hooks(*hooks)


class _Body:
    """Makes a generator's run current while its body runs; the context that a step leaves is the next step's."""

    __slots__ = ("_inner", "_outer", "_task")

    def __init__(self, task: Task | None) -> None:
        self._task = task
        self._inner = self._outer = None if task is None else task.inner

    def __enter__(self) -> None:
        if self._inner is not None:
            self._outer = otel_context.get_current()
            otel_context.attach(self._inner)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is None or self._outer is None:
            return
        if kind is GeneratorExit and not is_current(self._task):  # closed from another thread or event-loop task
            return
        self._inner = otel_context.get_current()
        otel_context.attach(self._outer)

    def complete(self, result: object, success: Success | None, *, is_closed: bool) -> None:
        """End the run of a body that came to its end, by itself or because it was told to."""
        if self._task is None:
            return
        if is_closed:
            end(self._task, "abandoned")
            return
        ended_perf_ns = _clock.perf_ns()
        try:
            with self:
                judge(self._task, result, success)
        finally:
            end(self._task, "completed", ended_perf_ns=ended_perf_ns)

    def interrupt(self, error: BaseException) -> None:
        """End the run of a body that `error` left."""
        if self._task is not None:
            interrupt(self._task, error)


def _has_run_of(owner: object) -> bool:
    run = current_run()
    while run is not None and run.owner is not owner:
        run = run.parent
    return run is not None


def _is_coroutine_function(function: Callable[..., Any]) -> bool:
    call = getattr(type(function), "__call__", None)  # noqa: B004 - an instance whose class has an async __call__
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)
