"""Functions, coroutines, generators and async generators wrapped so that each run of them is a run of a task.

A wrapper is of the same kind as what it wraps, calls it with the same arguments, and hands on its result, its values
and its exceptions as they are. A generator's task is current only while its body runs, never in its consumer.
"""

import functools
import inspect
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Mapping
from types import (
    BuiltinFunctionType,
    CoroutineType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    TracebackType,
    WrapperDescriptorType,
)
from typing import Any, Final, cast

from worthwhile import _clock, _guard, _setup
from worthwhile._context import attach, current_run, get_current, is_current
from worthwhile._lifecycle import Begin, Success, Task, begin, complete, end, enter, interrupt, judge, leave, resume
from worthwhile._text import bounded

KeyFinder = Callable[[tuple[Any, ...], dict[str, Any]], object]

_TASK: Final = _guard.Guard("a task")
_KEY: Final = _guard.Guard("the key of a task")

_FUNCTIONS: Final = frozenset(
    {FunctionType, BuiltinFunctionType, MethodType, MethodDescriptorType, WrapperDescriptorType}
)


class Opener:
    """Begins the runs of one decorated callable."""

    __slots__ = ("_begin", "_find_key", "_is_entry_point", "success", "workload")

    def __init__(
        self,
        workload: str,
        find_key: KeyFinder | None,
        success: Success | None,
        *,
        is_entry_point: bool = False,
        begin: Begin = begin,
    ) -> None:
        """Opener for `workload`.

        Args:
            workload: The task's kind.
            find_key: Takes the key from the call's arguments; `None` without a key.
            success: Judges the result; `None` without a judgement.
            is_entry_point: Whether the callable is a method of a decorated class, where the first argument is the
                instance and a call from within another entry point of the same instance joins its run.
            begin: How a run begins.
        """
        self.workload = bounded(workload)
        self.success = success
        self._find_key = find_key
        self._is_entry_point = is_entry_point
        self._begin = begin

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Task | None:
        """Start a run for a call with these arguments; `None` where the call just passes through."""
        try:
            if _setup.active() is None:
                return None
            owner = args[0] if self._is_entry_point and args else None
            if owner is not None and _has_run_of(owner):
                return None
            key: object = None
            if self._find_key is not None:
                try:
                    key = self._find_key(args, kwargs)
                except Exception as error:  # noqa: BLE001 - as `with _KEY`, but free where nothing is raised
                    _KEY.caught(error)
            return self._begin(self.workload, key, owner)
        except RecursionError:  # no room for us; there may be enough for what the host is about to call
            return None
        except Exception as error:  # noqa: BLE001 - as `with _TASK`
            _TASK.caught(error)
            return None


def wrap(function: Callable[..., Any], opener: Opener) -> Callable[..., Any]:
    """Wrap `function` in a function of its own kind, or a callable of another sort in what stands for it."""
    run = _wrap_by_kind(function, opener)
    if type(function) in _FUNCTIONS:
        return run
    from worthwhile._watched import Watched

    return cast("Callable[..., Any]", Watched(function, run, lambda other: wrap(other, opener)))


def _wrap_by_kind(function: Callable[..., Any], opener: Opener) -> Callable[..., Any]:
    if inspect.isasyncgenfunction(function):
        return _wrap_async_generator(function, opener)
    if inspect.isgeneratorfunction(function):
        return _wrap_generator(function, opener)
    if is_coroutine_function(function):
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
        if type(result) is CoroutineType:  # a plain function that hands out a coroutine: the work is yet to come
            leave(task)
            begun = cast("Any", result)
            later: Any = _finish_later(task, begun, opener)
            later.__name__, later.__qualname__ = begun.__name__, begun.__qualname__
            return later
        complete(task, result, opener.success)
        return result

    return run


async def _finish_later(task: Task, coroutine: Coroutine[Any, Any, Any], opener: Opener) -> Any:
    resume(task)
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
        is_closed = False
        passing: list[Any] = [None]  # what goes in or out, taken out on its way, so that it is not kept here
        try:
            generator = function(*args, **kwargs)
            step = generator.send
            while True:
                with body:
                    passing.append(step(passing.pop()))
                is_closed = False
                try:
                    step = generator.send
                    passing.append((yield passing.pop()))
                except BaseException as error:  # noqa: BLE001 - handed on to the body
                    is_closed = issubclass(type(error), GeneratorExit)
                    step = generator.throw
                    passing.append(error)
        except StopIteration as stop:
            body.complete(stop.value, opener.success, is_closed=is_closed)
            return stop.value
        except BaseException as error:
            body.interrupt(error)
            raise

    return run


def _wrap_async_generator(function: Callable[..., Any], opener: Opener) -> Callable[..., Any]:
    @functools.wraps(function)
    async def run(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        body = _Body(opener.begin(args, kwargs))
        is_closed = False
        passing: list[Any] = []  # what goes in or out, taken out on its way, so that it is not kept here
        try:
            generator = function(*args, **kwargs)
            passing.append(first_step(generator))
            while True:
                with body:
                    passing.append(await passing.pop())
                is_closed = False
                try:
                    passing.append(generator.asend((yield passing.pop())))
                except BaseException as error:  # noqa: BLE001 - handed on to the body
                    is_closed = issubclass(type(error), GeneratorExit)
                    passing.append(generator.athrow(error))
        except StopAsyncIteration:
            body.complete(None, opener.success, is_closed=is_closed)
        except BaseException as error:
            body.interrupt(error)
            raise

    return run


def first_step(generator: AsyncGenerator[Any, Any]) -> Any:
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
            try:
                outer = get_current()
                attach(self._inner)
                self._outer = outer
            except RecursionError:  # no room for us; there may be enough for the body
                self._outer = None
            except Exception as error:  # noqa: BLE001 - as `with _TASK`
                _TASK.caught(error)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        outer = self._outer
        if outer is None:
            return
        self._outer = None
        is_here = True
        try:
            # Where it is closed from another thread or event-loop task, what is current there is not its own.
            is_here = kind is not GeneratorExit or self._task is None or is_current(self._task)
            self._inner = get_current()
        except Exception as ours:  # noqa: BLE001 - as `with _TASK`
            _TASK.caught(ours)
        finally:
            if is_here:
                attach(outer)

    def __del__(self) -> None:
        """Leave a body that was dropped in the middle of a step, as happens to one that awaits while it is closed."""
        try:
            self.__exit__(GeneratorExit, None, None)
        except Exception as error:  # noqa: BLE001 - as `with _TASK`
            _TASK.caught(error)

    def complete(self, result: object, success: Success | None, *, is_closed: bool) -> None:
        """End the run of a body that came to its end, by itself or because it was told to."""
        task = self._task
        if task is None:
            return
        ended_perf_ns = 0
        try:
            ended_perf_ns = _clock.perf_ns()
            if success is not None and not is_closed:
                with self:
                    judge(task, result, success)
        except Exception as error:  # noqa: BLE001 - as `with _TASK`
            _TASK.caught(error)
        finally:
            end(task, "abandoned" if is_closed else "completed", ended_perf_ns=ended_perf_ns)

    def interrupt(self, error: BaseException) -> None:
        """End the run of a body that `error` left."""
        if self._task is not None:
            try:
                interrupt(self._task, error)
            except Exception as ours:  # noqa: BLE001 - as `with _TASK`
                _TASK.caught(ours)


def _has_run_of(owner: object) -> bool:
    run = current_run()
    while run is not None and run.owner is not owner:
        run = run.parent
    return run is not None


def is_coroutine_function(function: Callable[..., Any]) -> bool:
    call = getattr(type(function), "__call__", None)  # noqa: B004 - an instance whose class has an async __call__
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)
